//! A kept schedule after a change: still broken, no longer broken, no longer applicable. Each has its exit status.

mod fixture;

use fixture::Fixture;

const SCHEDULE: &str = "\
lab 01-counter
test part_a_counts_every_step
nodes a b

deliver a→b Step
";

#[test]
fn a_schedule_is_still_broken_or_not_or_does_not_apply() {
    let course = Fixture::new();
    course.write("kept.txt", SCHEDULE);
    course.write("gone.txt", &SCHEDULE.replace("Step", "Gone"));
    course.replace("01-counter/src/counter.rs", "self.steps += 1;", "self.steps += 2;");
    course.course(&["replay", "kept.txt"]).expect(
        1,
        &[
            "kept.txt: this schedule still breaks the rule",
            "rule broken: a step counts once",
            "got: 2",
            "page: ",
        ],
    );
    course.replace("01-counter/src/counter.rs", "self.steps += 2;", "self.steps += 1;");
    course
        .course(&["replay", "kept.txt"])
        .expect(0, &["kept.txt: this schedule no longer breaks the rule: every step was taken"]);
    course.course(&["replay", "gone.txt"]).expect(
        3,
        &[
            "gone.txt: this schedule no longer applies: the processes do something else now, first here",
            "expected: deliver a→b Gone (line 5)",
        ],
    );
}

#[test]
fn a_seed_that_passes_now_says_what_has_become_of_its_schedule() {
    let course = Fixture::new();
    let replay = ["replay", "01", "--test", "part_a_counts_every_step", "--seed", "3"];
    let kept = "target/failures/01-counter/part_a_counts_every_step-3.txt";
    course.write(kept, SCHEDULE);
    course.course(&replay).expect(
        0,
        &[
            "with seed 3: ok, no rule is broken",
            "kept when this seed failed: this schedule no longer breaks the rule",
        ],
    );
    // What a wrong solution sent is not sent any more: that is how most of them are mended.
    course.write(kept, &SCHEDULE.replace("Step", "Gone"));
    course.course(&replay).expect(0, &["kept when this seed failed: this schedule no longer applies"]);
}

#[test]
fn a_schedule_is_saved_when_a_test_has_written_one() {
    let course = Fixture::new();
    course.write("x.txt", SCHEDULE);
    let save = ["replay", "01", "--test", "part_a_counts_every_step", "--seed", "3", "--save", "kept/a.txt"];
    course.course(&save).expect_wrong_use(&["nothing is saved: the test passes"]);
    course.replace("01-counter/src/counter.rs", "self.steps += 1;", "self.steps += 2;");
    course.course(&save).expect_wrong_use(&["nothing is saved: no schedule alone breaks this rule"]);
    // A test that simulates says where it has written its schedule.
    let written = format!("\\n  scenario: {}\\n", course.path("x.txt").display());
    course.replace("01-counter/tests/part_a_counting.rs", "\\n  replay:", &format!("{written}  replay:"));
    course.course(&save).expect(1, &["the rule is still broken", "saved: kept/a.txt"]);
    assert_eq!(course.read("kept/a.txt"), SCHEDULE);
}

#[test]
fn whichever_way_a_run_is_repeated_its_trace_names_the_commit() {
    let course = Fixture::new();
    course.replace(
        "01-counter/tests/part_a_counting.rs",
        "std::fs::write(path, TRACE)",
        "let commit = std::env::var(\"COURSE_COMMIT\").unwrap_or_default();
        std::fs::write(path, TRACE.replace(\"\\\"seed\\\":3\", &format!(\"\\\"seed\\\":3,\\\"commit\\\":\\\"{commit}\\\"\")))",
    );
    course.write("01-counter/kept.txt", SCHEDULE);
    let commit = format!(", commit {}\n", course.commit());
    course.course(&["replay", "01-counter/kept.txt"]).expect(0, &[&commit]);
    course
        .course(&["replay", "01", "--test", "part_a_counts_every_step", "--seed", "3"])
        .expect(0, &[&commit]);
}
