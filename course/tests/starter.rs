//! The starter holds no solution, builds without warnings, and is red where it must be.

mod fixture;

use fixture::{Fixture, course_in};
use std::fs;
use std::path::Path;

/// All text below a folder, with the names of the files.
fn whole(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        into.push_str(&format!("{}\n", path.display()));
        if path.is_dir() {
            whole(&path, into);
        } else {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn a_starter_is_the_course_without_what_is_to_be_written() {
    let course = Fixture::new();
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("my-labs");
    course.course(&["starter", out.to_str().unwrap()]).expect(0, &["01-counter", "cargo course test 01"]);

    let mut text = String::new();
    whole(&out, &mut text);
    for secret in [
        "secret_of_the_solution",
        "solution: begin",
        ".patch",
        "INSTRUCTORS",
        "not for students",
        "peers",
        ".git/",
    ] {
        assert!(!text.contains(secret), "the starter holds {secret:?}");
    }
    let counter = fs::read_to_string(out.join("01-counter/src/counter.rs")).unwrap();
    assert!(counter.contains("        todo!(\"Part A: count a step\")\n    }"), "{counter}");
    assert!(
        counter.contains("        todo!(\"Part B: take a step back\");\n        self.steps\n"),
        "{counter}"
    );
    assert!(
        fs::read_to_string(out.join("01-counter/src/lib.rs")).unwrap().contains("#![allow(unused_variables")
    );

    let said = course_in(&out, &["test", "01"]);
    said.expect(
        1,
        &[
            "to do",
            "To do first, and how many tests stop there:\n  Part A: count a step\n      01-counter/src/counter.rs:15   2 tests\n",
            "1/6",
            "next: Part A (Counting), open 01-counter/src/counter.rs; then: cargo course test 01 --part a",
        ],
    )
    .expect_narrow();
    assert!(!said.stderr.contains("warning"), "{}", said.stderr);
    assert!(!said.stdout.contains("FAIL"), "{}", said.stdout);
}

#[test]
fn what_needs_the_solutions_is_refused_in_a_starter() {
    let course = Fixture::new();
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("my-labs");
    course.course(&["starter", out.to_str().unwrap()]).expect(0, &[]);
    for arguments in [&["check"][..], &["check", "--starter"], &["bugs", "01"], &["starter", "../again"]] {
        course_in(&out, arguments).expect_wrong_use(&[
            &format!("`cargo course {}` is for the course's own repository", arguments[0]),
            "this starter has neither; next: cargo course test 01",
        ]);
    }
    course_in(&out, &["labs"]).expect(0, &["01-counter"]);
}

#[test]
fn a_persons_work_is_not_written_over() {
    let course = Fixture::new();
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("mine"), "work").unwrap();
    course.course(&["starter", place.path().to_str().unwrap()]).expect_wrong_use(&["is not empty"]);
    course.course(&["starter", "simnet/out"]).expect_wrong_use(&["lies in the course itself"]);
}

#[test]
fn a_region_in_a_given_file_is_not_handed_out() {
    let course = Fixture::new();
    course.replace("01-counter/lab.toml", "student_files = [\"src/counter.rs\"]", "student_files = []");
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    course
        .course(&["starter", out.to_str().unwrap()])
        .expect_wrong_use(&["01-counter/src/counter.rs has a region but is not among student_files"]);
    assert!(!out.exists());
}

#[test]
fn the_linter_sees_whether_the_right_tests_are_red() {
    let course = Fixture::new();
    course.course(&["check", "--starter"]).expect(0, &["and the starter: nothing found"]);
    // Wrong colours, the other way round.
    let sheet = course.read("01-counter/lab.toml");
    course.write(
        "01-counter/lab.toml",
        &sheet.replace("\"green\"", "\"RED\"").replace("\"red\"", "\"green\"").replace("\"RED\"", "\"red\""),
    );
    // A region that is not all that needs the variable.
    course.replace(
        "01-counter/src/counter.rs",
        "        // solution: begin — Part B: take a step back\n        let",
        "        let _ = unused();\n        // solution: begin — Part B: take a step back\n        let",
    );
    course.replace(
        "01-counter/src/counter.rs",
        "impl Counter {",
        "#[must_use]\n#[deprecated]\nfn unused() {}\n\nimpl Counter {",
    );
    course.write("01-counter/bugs/c1.patch", "");
    fs::remove_file(course.path("01-counter/bugs/c1.patch")).unwrap();
    course.course(&["check", "--starter"]).expect(
        1,
        &[
            "`part_a_begins_at_zero` is green\n  expected  red in a fresh starter",
            "`part_b_undo_is_exact` is red: Part A: count a step\n  expected  green in a fresh starter",
            "the starter builds with 1 warning",
            "01-counter/lab.toml:15\n",
        ],
    );
}
