//! A student's day: the ladder, a red test, its replay, the run of the program.

mod fixture;

use fixture::Fixture;

#[test]
fn tests_give_points_and_the_ladder_shows_them() {
    let course = Fixture::new();
    course
        .course(&["labs"])
        .expect(0, &["01-counter", "A counter", "1.5", "not begun", "next: read 01-counter/README.md"]);
    course
        .course(&["test", "1", "--part", "A"])
        .expect(
            0,
            &[
                "part_a_counts_every_step",
                "2/2",
                "3/3",
                "next: Part B (Undoing), open 01-counter/src/counter.rs",
            ],
        )
        .expect_narrow();
    course.course(&["labs"]).expect(0, &["3 of 6"]);
    course
        .course(&["test", "counter", "--seeds", "3"])
        .expect(0, &["6/6", "all 6 points; next: cargo course run 01"]);
    course.course(&["labs"]).expect(0, &["all"]).expect_narrow();
}

#[test]
fn a_failure_names_the_rule_first_and_replays() {
    let course = Fixture::new();
    course.replace("01-counter/src/counter.rs", "self.steps += 1;", "self.steps += 2;");
    let said = course.course(&["test", "01-counter"]);
    said.expect(
        1,
        &[
            "FAIL part_a_counts_every_step (01-counter/tests/part_a_counting.rs)\n  A pass proves: Each step counts once, \
             whatever the seed.\n  rule broken: a step counts once\n    expected: 1\n    got: 2\n    seed: 1 (tried 2 of 20)\n",
            "1/6",
            "next: Part A (Counting)",
        ],
    );
    assert!(!said.stdout.contains("RUST_BACKTRACE"), "{}", said.stdout);
    course.course(&["replay", "01", "--test", "part_a_counts_every_step", "--seed", "0x2"]).expect(
        1,
        &[
            "with seed 2: the rule is still broken",
            "got: 4",
            "tried 1 of 1",
            "01-counter: a test",
            "1 node, 1 event\ntrace: ",
            "01-counter-part_a_counts_every_step-2.jsonl\npage: ",
            "01-counter-part_a_counts_every_step-2.html\n",
        ],
    );
    course
        .course(&["replay", "01", "--test", "part_a_counts_every_step", "--seed", "0"])
        .expect(0, &["with seed 0: ok, no rule is broken"]);
}

#[test]
fn the_first_failure_with_a_picture_is_shown_whole() {
    let course = Fixture::new();
    let long = |rule: &str, page: &str, lines: u32, of: &str| {
        let picture: String = (1..=lines).map(|line| format!("{of} {line}\\n")).collect();
        format!("panic!(\"rule broken: {rule}\\n  expected: e\\n  got: g\\n    more\\n{page}\\n{picture}\");")
    };
    // The first has much to say, and no picture; the last two have one.
    course.replace(
        "01-counter/tests/part_a_counting.rs",
        "assert_eq!(Counter::default().steps(), 0);",
        &long("wordy", "", 30, "word"),
    );
    let page = "  page: target/failures/x.html\\n";
    course.replace(
        "01-counter/tests/part_a_counting.rs",
        "let number = |name: &str|",
        &format!("if true {{ {} }}\n    let number = |name: &str|", long("drawn", page, 60, "first picture")),
    );
    course.replace(
        "01-counter/tests/part_b_undo.rs",
        "let got",
        &format!("if true {{ {} }}\n    let got", long("also drawn", page, 60, "second picture")),
    );
    let said = course.course(&["test", "01"]);
    said.expect(
        1,
        &[
            "rule broken: wordy",
            "  word 3\n  … and 27 more lines",
            "  first picture 60\n",
            "  second picture 1\n",
        ],
    );
    assert!(!said.stdout.contains("second picture 9"), "{}", said.stdout);
}

#[test]
fn a_program_that_is_built_already_is_not_built_again() {
    let course = Fixture::new();
    let run = |program: &str| course.course_with_program(program, &["run", "1"]);
    run("no/such/program")
        .expect_wrong_use(&["COURSE_PROGRAM names no/such/program, expected a program that is built"]);
    run("/bin/true").expect_wrong_use(&["printed nothing, expected a JSON object on its last line"]);
}

#[test]
fn a_run_knows_the_commit_it_is_of() {
    let course = Fixture::new();
    course.replace(
        "01-counter/src/main.rs",
        "println!(\"some talk before\");",
        "eprintln!(\"commit {:?}\", std::env::var(\"COURSE_COMMIT\"));",
    );
    // The temporary folder lies in no repository.
    let said = course.course(&["run", "1"]);
    assert!(said.expect(0, &[]).stderr.contains("commit Err(NotPresent)"), "{}", said.stderr);
    course.commit();
    let commit = |said: &fixture::Said| {
        let (_, after) = said.stderr.split_once("commit Ok(\"").unwrap_or_else(|| panic!("{}", said.stderr));
        after.split('"').next().unwrap().to_owned()
    };
    let clean = commit(&course.course(&["run", "1"]));
    assert!(clean.len() == 12 && clean.bytes().all(|byte| byte.is_ascii_hexdigit()), "{clean}");
    course.replace("01-counter/README.md", "# A counter", "# The counter");
    assert_eq!(commit(&course.course(&["run", "1"])), format!("{clean}-dirty"));
}

#[test]
fn runs_of_two_worlds_and_transports_are_kept_and_repeated_apart() {
    let course = Fixture::new();
    course.replace("01-counter/src/main.rs", r#"!= Some("sim")"#, r#"== Some("moon")"#);
    let run = |more: &[&str]| course.course(&[&["run", "1", "--page"], more].concat());
    let kept = |name: &str| format!("trace: target/course/runs/{name}.jsonl");
    let page = |name: &str| course.read(&format!("target/course/runs/{name}.html"));
    run(&[]).expect(0, &[&kept("01-counter-sim-5")]);
    run(&["--on", "local", "--transport", "udp"]).expect(0, &[&kept("01-counter-local-udp-5")]);
    assert!(page("01-counter-sim-5").contains("cargo course run 01 --on sim --seed 5"));
    assert!(
        page("01-counter-local-udp-5").contains("cargo course run 01 --on local --transport udp --seed 5")
    );
    // The transport that nobody asked for is in what the lab reports.
    course.replace(
        "01-counter/src/main.rs",
        r#""lab":"01-counter","world""#,
        r#""transport":"tcp","lab":"01-counter","world""#,
    );
    run(&["--on", "local"]).expect(0, &[&kept("01-counter-local-5")]);
    assert!(page("01-counter-local-5").contains("cargo course run 01 --on local --transport tcp --seed 5"));
    // A world is a word; what is none leaves no file elsewhere.
    run(&["--on", "../../local"]).expect(0, &[&kept("01-counter-______local-5")]);
}

#[test]
fn who_sent_how_much_to_whom_is_printed_when_asked_for_and_after_the_picture() {
    let course = Fixture::new();
    course.replace(
        "01-counter/src/main.rs",
        r#""trace_hash""#,
        r#""links":[{{"from":"c","to":"d","message":"Step","count":1,"bytes":8}}],"trace_hash""#,
    );
    let run = |more: &[&str]| course.course(&[&["run", "1"], more].concat());
    let usual = run(&[]);
    assert!(!usual.expect(0, &["Step"]).stdout.contains("from  to"), "{}", usual.stdout);
    let asked = run(&["--links"]);
    asked.expect(0, &[]);
    let place =
        |text: &str| asked.stdout.find(text).unwrap_or_else(|| panic!("no {text:?} in\n{}", asked.stdout));
    assert!(place("trace hash") < place("01-counter: a run"), "{}", asked.stdout);
    assert!(place("01-counter: a run") < place("from"), "{}", asked.stdout);
    assert!(place("from") < place("\ntrace: "), "{}", asked.stdout);
    run(&["--links", "--no-diagram"]).expect(0, &["from", "Step"]);
}

#[test]
fn what_is_unknown_is_said_so() {
    let course = Fixture::new();
    course.replace(
        "01-counter/src/main.rs",
        r#""waits":["c"#,
        r#""unknown":"(1) an order (gave up)","waits":["c"#,
    );
    course.course(&["run", "1", "--seed", "99"]).expect(
        3,
        &["undecided within its bound", "\nunknown, neither held nor broken: (1) an order (gave up)\n"],
    );
}

#[test]
fn what_does_not_build_is_said_so() {
    let course = Fixture::new();
    course.replace("01-counter/src/counter.rs", "self.steps += 1;", "self.steps += \"1\";");
    let said = course.course(&["test", "01"]);
    said.expect(1, &["01-counter does not build, so no test ran"]);
    assert!(said.stderr.contains("error[E0277]"), "{}", said.stderr);
}

#[test]
fn a_run_prints_a_table_a_picture_and_the_trace() {
    let course = Fixture::new();
    let said = course.course(&["run", "01-counter"]);
    said.expect(
        0,
        &[
            "Lab 01: A counter, world sim, seed 5: held",
            "steps",
            "{'step':2}",
            "drop 2",
            "1.5 ms virtual, 12 µs real",
            "0x0000000000000005",
            "Step",
            "trace: target/course/runs/01-counter-sim-5.jsonl",
        ],
    )
    .expect_narrow();
    assert!(!said.stdout.contains("crash"), "a fault that never fired is not shown:\n{}", said.stdout);
    course.course(&["replay", "target/course/runs/01-counter-sim-5.jsonl"]).expect(
        0,
        &["01-counter: a run", "seed 5", "1 node, 1 event", "page: target/course/runs/01-counter-sim-5.html"],
    );

    let said = course.course(&["run", "1", "--json", "--seed", "0xFFFFFFFFFFFFFFFF"]);
    let line = said.expect(0, &[]).stdout.lines().last().unwrap();
    assert!(
        line.starts_with("{\"lab\":\"01-counter\"") && line.contains("\"seed\":18446744073709551615"),
        "{line}"
    );
    assert!(!said.stdout.contains("page:"), "nobody asked for one:\n{}", said.stdout);
    // A page beside the trace, or where it is asked for, beside the JSON line too.
    course
        .course(&["run", "1", "--no-diagram", "--page"])
        .expect(0, &["\npage: target/course/runs/01-counter-sim-5.html\n"]);
    // Options may stand before the lab, and the page's name is never taken from it.
    course
        .course(&["run", "--profile", "dev", "--no-diagram", "--page", "1"])
        .expect(0, &["\npage: target/course/runs/01-counter-sim-5.html\n"]);
    let said = course.course(&["run", "--page=out/here.html", "1", "--profile", "dev", "--json"]);
    assert!(said.expect(0, &[]).stdout.trim_end().ends_with('}'), "{}", said.stdout);
    assert!(said.stderr.contains("page: out/here.html"), "{}", said.stderr);
    let page = course.read("out/here.html");
    assert!(page.contains("cargo course run 01 --on sim --seed 5") && page.contains("No rule was broken"));
    // The lab's own status comes through.
    course.course(&["run", "1", "--seed", "99"]).expect(
        3,
        &["undecided within its bound", "\nwho waits for what\n  c waits for a step (no alarm set)\n"],
    );
    course.course(&["run", "1", "--on", "moon"]).expect_wrong_use(&["this lab runs on: sim"]);
}
