//! Wrong use is told with what was read, what was expected and what to type; the status is 2.

mod fixture;

use fixture::Fixture;

#[test]
fn a_wrong_lab_a_wrong_part_and_a_wrong_test() {
    let course = Fixture::new();
    course.course(&["test", "countr"]).expect_wrong_use(&[
        "read the lab `countr`, expected one of: 01-counter; did you mean `counter`?",
        "next: cargo course labs",
    ]);
    course.course(&["test", "01", "--part", "z"]).expect_wrong_use(&["read --part z, expected one of: a, b"]);
    course.course(&["replay", "01", "--test", "part_a_counts_each_step", "--seed", "1"]).expect_wrong_use(&[
        "read the test `part_a_counts_each_step`",
        "did you mean `part_a_counts_every_step`?",
    ]);
    course
        .course(&["replay", "01"])
        .expect_wrong_use(&["expected: cargo course replay 01 --test NAME --seed N"]);
    course.course(&["replay", "gone.jsonl"]).expect_wrong_use(&["read `gone.jsonl`, expected a trace"]);
    course
        .course(&["bugs", "01", "--only", "C2"])
        .expect_wrong_use(&["read --only C2, expected some of: C1"]);
    course.course(&["fly"]).expect_wrong_use(&["unrecognized subcommand 'fly'"]);
}

#[test]
fn a_wrong_seed() {
    let course = Fixture::new();
    for seed in ["abc", "-1", "1.5", "0x", "18446744073709551616", ""] {
        for command in
            [&["run", "01", "--seed", seed][..], &["replay", "01", "--test", "x", "--seed", seed][..]]
        {
            course
                .course(command)
                .expect_wrong_use(&[&format!("read `{seed}`"), "expected a whole number from 0 to"]);
        }
    }
    course.course(&["test", "01", "--seeds", "0"]).expect_wrong_use(&["0 is not in 1.."]);
}

#[test]
fn a_wrong_experiment_and_a_wrong_trace() {
    let course = Fixture::new();
    course
        .course(&["run", "01", "--experiment", "gone.toml"])
        .expect_wrong_use(&["gone.toml cannot be read"]);
    course.write("bad.toml", "seed = -3\n");
    course
        .course(&["run", "01", "--experiment", "bad.toml"])
        .expect_wrong_use(&["bad.toml", "read seed = -3"]);
    course.write("bad.jsonl", "not a trace\n");
    course.course(&["replay", "bad.jsonl"]).expect_wrong_use(&["bad.jsonl", "line 1"]);
    course.write("bad.txt", "nodes a b\ndelivr a→b Step\n");
    course.course(&["replay", "bad.txt"]).expect_wrong_use(&["bad.txt", "line 2", "did you mean `deliver`?"]);
    course.write("nameless.txt", "nodes a b\ndeliver a→b Step\n");
    course.course(&["replay", "nameless.txt"]).expect_wrong_use(&["nameless.txt has no line `lab …`"]);
}

#[test]
fn a_wrong_sheet_is_shown_with_its_line() {
    let course = Fixture::new();
    course.replace("01-counter/lab.toml", "points = 3", "pionts = 3");
    course.course(&["test", "01"]).expect_wrong_use(&[
        "01-counter/lab.toml",
        "unknown field `pionts`",
        "line 37",
    ]);
}
