//! The kill matrix: what is caught, and every way in which a wrong solution is not caught as its header says.

mod fixture;

use fixture::{Fixture, patch};

#[test]
fn a_bug_is_caught_by_the_tests_that_its_header_names() {
    let course = Fixture::new();
    let said = course.course(&["bugs", "01"]);
    said.expect(
        0,
        &[
            "C1   a step counts twice",
            "     a step counts once\n     * part_a_counts_every_step ",
            "    2\n     an undone step leaves no trace\n     * part_b_undo_is_exact ",
            "tests of what is given, green in the starter; none of them is to catch:\n  part_a_begins_at_zero",
            "1 of 1 wrong solution caught",
        ],
    )
    .expect_narrow();
    assert!(!said.stdout.contains("caught none"), "{}", said.stdout);
    assert!(
        course.read("01-counter/src/counter.rs").contains("self.steps += 1;"),
        "the course itself is not touched"
    );

    let said = course.course(&["bugs", "01", "--only", "c1", "--json"]);
    let matrix = &said.expect(0, &[]).stdout;
    assert!(
        matrix.contains(r#""bug":"C1","title":"a step counts twice","ok":true,"problem":null,"seeds":2"#),
        "{matrix}"
    );
}

#[test]
fn only_the_files_that_the_header_names_are_asked_when_wished() {
    let course = Fixture::new();
    course.write("01-counter/bugs/c1.patch", &patch("C1", "part_a_counts_every_step"));
    let said = course.course(&["bugs", "01", "--named"]);
    said.expect(0, &["     * part_a_counts_every_step ", "1 of 1 wrong solution caught"]);
    for not_asked in ["part_b_undo_is_exact", "tests of what is given"] {
        assert!(!said.stdout.contains(not_asked), "{}", said.stdout);
    }
}

#[test]
fn a_test_may_start_the_program() {
    let course = Fixture::new();
    let path = "01-counter/tests/part_a_counting.rs";
    let text = course.read(path);
    let starting = "\n#[test]\nfn the_program_is_there() {\n    assert!(std::path::Path::new(env!(\"CARGO_BIN_EXE_counter\")).exists());\n}\n";
    course.write(path, &format!("{text}{starting}"));
    course.course(&["bugs", "01", "--named"]).expect(0, &["1 of 1 wrong solution caught"]);
}

#[test]
fn a_test_that_catches_nothing_is_named() {
    let course = Fixture::new();
    let spared = patch("C1", "part_a_counts_every_step")
        .replace("+        self.steps += 2;", "+        self.steps += if self.steps == 0 { 1 } else { 2 };");
    course.write("01-counter/bugs/c1.patch", &spared);
    course
        .course(&["bugs", "01"])
        .expect(0, &["\ntests that caught none of them:\n  part_b_undo_is_exact\n\ntests of what is given"]);
}

#[test]
fn a_survivor_and_its_kin_are_red() {
    let course = Fixture::new();
    let good = patch("C1", "part_a_counts_every_step");
    for (name, text) in [
        ("c2", good.replace("C1", "C2").replace("Caught-by: ", "Caught-by: part_a_begins_at_zero, ")),
        (
            "c3",
            good.replace("C1", "C3").replace("+        self.steps += 2;", "+        self.steps += 1; // no"),
        ),
        ("c4", good.replace("C1", "C4").replace("-        self.steps += 1;", "-        self.steps += 7;")),
        ("c5", good.replace("C1", "C5").replace("+= 2;", "+= two;")),
        ("c6", good.replace("C1", "C6").replace("Rule: a step counts once", "Rule: words that nobody says")),
        ("c10", good.replace("C1", "C10").replace("+        self.steps += 2;", "+        loop {}")),
    ] {
        course.write(&format!("01-counter/bugs/{name}.patch"), &text);
    }
    let said = course.course(&["bugs", "01", "--jobs", "2", "--limit", "2"]);
    said.expect(
        1,
        &[
            "WRONG: its header names tests that passed: part_a_begins_at_zero",
            "WRONG: it survives: every test passes",
            "WRONG: the patch does not apply",
            "WRONG: it does not build",
            "WRONG: no test that its header names says \"words that nobody says\"",
            "WRONG: these had not ended after 2.0 s: part_a_counts_every_step",
            "1 of 7 wrong solutions caught",
        ],
    );
    let place = |bug: &str| said.stdout.find(&format!("\n{bug:<4} ")).unwrap_or_else(|| panic!("no {bug}"));
    assert!(place("C1") < place("C2") && place("C6") < place("C10"), "{}", said.stdout);
}

#[test]
fn nothing_is_said_when_the_solution_itself_fails() {
    let course = Fixture::new();
    course.replace("01-counter/src/counter.rs", "saturating_sub(1)", "saturating_sub(2) + 1");
    course.course(&["bugs", "01"]).expect_wrong_use(&[
        "the solution itself fails",
        "part_b_undo_is_exact: an undone step leaves no trace",
    ]);
}

/// A program whose `check` finds a step that does not count once, within bounds of at least two steps.
const CHECKS: &str = r#"    if arguments[0] == "check" {
        let steps: usize = after("--steps").unwrap().parse().unwrap();
        let mut counter = Counter::default();
        let sum = (0..steps).map(|_| counter.step()).last();
        println!("asked about {steps} steps");
        std::process::exit(if steps >= 2 && sum != Some(steps as u64) { 1 } else { 0 });
    }
    if after("--on")"#;

fn with_check(bounds: &str) -> Fixture {
    let course = Fixture::new();
    course.replace("01-counter/src/main.rs", r#"    if after("--on")"#, CHECKS);
    let checked = |id: &str, check: &str| {
        patch(id, "part_a_counts_every_step").replace("Rule:", &format!("Check: {check}\nRule:"))
    };
    course.write("01-counter/bugs/c1.patch", &checked("C1", bounds));
    course.write("01-counter/bugs/c2.patch", &checked("C2", "--steps 3"));
    course.write("01-counter/bugs/c3.patch", &checked("C3", "no, it needs a clock"));
    course
}

#[test]
fn every_schedule_is_asked_about_each_bug_and_about_the_solution() {
    let course = with_check("--steps 2");
    let check = |more: &[&str]| course.course(&[&["bugs", "01", "--check"], more].concat());
    let said = check(&["--jobs", "2"]);
    said.expect(
        0,
        &[
            "-    the solution\n     no schedule breaks a rule (",
            "C1   a step counts twice\n     found (",
            "       --steps 3\n",
            "C3   a step counts twice\n     not found: it needs a clock\n",
            "5 of 5 answers as their headers say, in ",
        ],
    );
    assert!(course.path("target/bugs/01-counter/ws-1").is_dir(), "the second job has a copy of its own");
    let said = check(&["--only", "c1,c3", "--json"]);
    let answers = said.expect(0, &[]).stdout.lines().last().unwrap();
    for part in [
        r#"[{"bug":null,"title":"the solution","ok":true,"problem":null,"arguments":["--steps","2"],"not_found":null,"#,
        r#"{"bug":"C1","title":"a step counts twice","ok":true,"problem":null,"arguments":["--steps","2"],"#,
        r#"{"bug":"C3","title":"a step counts twice","ok":true,"problem":null,"arguments":[],"not_found":"it needs a clock","#,
    ] {
        assert!(answers.contains(part), "expected {part} in {answers}");
    }
}

#[test]
fn bounds_within_which_a_bug_is_not_found_are_red() {
    let course = with_check("--steps 1");
    course.course(&["bugs", "01", "--check", "--only", "c1"]).expect(
        1,
        &[
            "C1   a step counts twice\n     WRONG: read status Some(0), expected 1; its last words: asked about 1 steps",
            "1 of 2 answers",
        ],
    );
    course.write("01-counter/bugs/c4.patch", &patch("C4", "part_a_counts_every_step"));
    course.course(&["bugs", "01", "--check"]).expect_wrong_use(&["c4.patch has no `Check:`"]);
}
