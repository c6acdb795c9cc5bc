//! The linter: each rule of the house, kept and broken.

mod fixture;

use fixture::Fixture;

/// Breaks the course in one way and gives what the linter says of it.
#[track_caller]
fn finds(breaks: impl FnOnce(&Fixture), texts: &[&str]) {
    let course = Fixture::new();
    breaks(&course);
    course.course(&["check"]).expect(1, texts);
}

#[test]
fn a_course_in_which_all_is_well() {
    Fixture::new()
        .course(&["check"])
        .expect(0, &["checked 1 lab with 3 graded tests and 1 wrong solution: nothing found\n"]);
}

#[test]
fn a_half_finished_lab_is_checked_as_far_as_it_is() {
    finds(
        |course| course.write("02-next/src/lib.rs", "fn x() {}\n"),
        &[
            "02-next/lab.toml:1\n  read      no such file",
            "02-next/README.md:1",
            "02-next/Cargo.toml:1",
            "02-next/src/lib.rs:1\n  read      `fn x() {}`\n  expected  a first line `//! …`",
            "members without \"02-next\"",
        ],
    );
}

#[test]
fn the_sheet_agrees_with_the_folder_and_the_tests() {
    let sheet = "01-counter/lab.toml";
    finds(
        |c| c.replace(sheet, "points = 3", "pionts = 3"),
        &["01-counter/lab.toml:37", "unknown field `pionts`"],
    );
    finds(
        |c| c.replace(sheet, "number = 1", "number = 2"),
        &["01-counter/lab.toml:1\n  read      number = 2"],
    );
    finds(|c| c.replace(sheet, "\"sim\"", "\"moon\""), &["the world \"moon\""]);
    finds(|c| c.replace(sheet, "id = \"b\"", "id = \"c\""), &["id = \"b\": parts are a, b, c, … in order"]);
    finds(
        |c| c.replace(sheet, "part_b_undo_is_exact", "part_b_undo_was_exact"),
        &[
            "the graded test `part_b_undo_was_exact`",
            "01-counter/tests/part_b_undo.rs:6\n  read      the test `part_b_undo_is_exact`",
        ],
    );
    finds(
        |c| c.replace(sheet, "file = \"part_b_undo\"", "file = \"part_b_do\""),
        &["file = \"part_b_do\" for the test"],
    );
    finds(
        |c| c.replace("01-counter/tests/part_b_undo.rs", "#[test]", "#[test]\n#[ignore]"),
        &[
            "01-counter/tests/part_b_undo.rs:7\n  read      the graded test `part_b_undo_is_exact` is marked #[ignore]",
        ],
    );
    finds(|c| c.replace(sheet, "\"green\"", "\"red\""), &["no test with starter = \"green\""]);
}

#[test]
fn regions_are_valid_and_where_they_belong() {
    let counter = "01-counter/src/counter.rs";
    finds(
        |c| c.replace(counter, "begin — Part A", "begin - Part A"),
        &["01-counter/src/counter.rs:15", "with an em dash"],
    );
    finds(
        |c| c.replace(counter, "begin — Part A", "begin — Part D"),
        &["read      \"Part D: count a step\""],
    );
    finds(
        |c| {
            c.write("01-counter/src/lib.rs", "//! A counter.\n\npub mod counter;\n\nfn x() {\n    // solution: begin — Part A: x\n    // solution: end\n}\n")
        },
        &["01-counter/src/lib.rs:6\n  read      a region in a file that a student may not change"],
    );
    finds(
        |c| c.replace("01-counter/lab.toml", "[\"src/counter.rs\"]", "[\"src/counter.rs\", \"src/lib.rs\"]"),
        &["01-counter/src/lib.rs:1\n  read      a file of the student's without a region"],
    );
}

#[test]
fn wrong_solutions_have_headers_and_apply() {
    let patch = "01-counter/bugs/c1.patch";
    finds(
        |c| c.replace(patch, "Rule:", "Rules:"),
        &["01-counter/bugs/c1.patch:6\n  read      `Rules: a step counts once`"],
    );
    finds(
        |c| c.replace(patch, "part_b_undo_is_exact", "part_b_undo_is_exactly"),
        &[
            "01-counter/bugs/c1.patch:5\n  read      `part_b_undo_is_exactly`; did you mean `part_b_undo_is_exact`?",
        ],
    );
    finds(
        |c| c.replace("01-counter/src/counter.rs", "self.steps += 1;", "self.steps += 0 + 1;"),
        &["01-counter/bugs/c1.patch:8\n  read      error: patch failed: 01-counter/src/counter.rs:13"],
    );
    finds(
        |c| c.replace(patch, "01-counter/src/counter.rs", "01-counter/tests/part_a_counting.rs"),
        &["a change of 01-counter/tests/part_a_counting.rs"],
    );
}

#[test]
fn packages_names_and_handouts() {
    let manifest = "01-counter/Cargo.toml";
    finds(|c| c.replace(manifest, "lab-counter", "counter-lab"), &["[package] name: counter-lab"]);
    finds(
        |c| c.replace(manifest, "[lib]\nname = \"counter\"", "[lib]\nname = \"kounter\""),
        &["01-counter/Cargo.toml:6\n  read      [lib] name: kounter"],
    );
    finds(
        |c| c.replace(manifest, "simnet.workspace = true", "course = { path = \"../course\" }"),
        &["01-counter/Cargo.toml:14\n  read      the dependency `course`\n  expected  of ours only: simnet"],
    );
    finds(
        |c| {
            c.replace(
                "course/Cargo.toml",
                "simnet.workspace = true",
                "lab-counter = { path = \"../01-counter\" }",
            )
        },
        &["course/Cargo.toml:7\n  read      the dependency `lab-counter`"],
    );
    finds(
        |c| c.write("01-counter/src/utils.rs", "//! x\n"),
        &["01-counter/src/utils.rs:1\n  read      the name `utils`"],
    );
    finds(|c| c.replace("01-counter/README.md", "## Invariants\n", ""), &["no heading with \"invariants\""]);
    for mark in ["<<<<<<< HEAD", ">>>>>>> theirs"] {
        finds(
            |c| c.replace("01-counter/README.md", "## Invariants\n", &format!("{mark}\n## Invariants\n")),
            &[&format!("01-counter/README.md:4\n  read      `{mark}`\n  expected  one text")],
        );
    }
    finds(
        |c| c.write("01-counter/experiments/default.toml", "seed =\n"),
        &["01-counter/experiments/default.toml:1"],
    );
}
