//! The handout's transcripts are run, and must come out as they are printed; its figures are those of `lab.toml` and of the sources.

use simnet::handout::Handout;

fn handout() -> Handout {
    Handout::new(env!("CARGO_MANIFEST_DIR"), "metrics", env!("CARGO_BIN_EXE_metrics"))
}

/// Transcripts write into the workspace's `target/`, which is not there when cargo builds elsewhere.
fn make_target() {
    let workspace =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a lab is in a workspace");
    std::fs::create_dir_all(workspace.join("target")).expect("a folder can be made");
}

#[test]
fn every_transcript_comes_out_as_it_is_printed() {
    make_target();
    let played = handout().play_transcripts();
    assert!(played >= 5, "the handout has transcripts, found {played}");
}

#[test]
fn the_handouts_figures_are_those_of_the_sheet() {
    handout().check_figures();
}
