//! The handout's transcripts are run, and must come out as they are printed; its figures are those of `lab.toml` and of the sources.

use simnet::handout::Handout;

fn handout() -> Handout {
    Handout::new(env!("CARGO_MANIFEST_DIR"), "flatbuf", env!("CARGO_BIN_EXE_flatbuf"))
}

#[test]
fn every_transcript_comes_out_as_it_is_printed() {
    let played = handout().play_transcripts();
    assert!(played >= 5, "the handout has transcripts, found {played}");
}

#[test]
fn the_handouts_figures_are_those_of_the_sheet() {
    handout().check_figures();
}
