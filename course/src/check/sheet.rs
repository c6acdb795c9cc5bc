//! What a `lab.toml` says must agree with itself and with the folder.

use crate::finding::Finding;
use crate::lab::{Lab, Light};
use crate::manifest::line_of;
use std::collections::BTreeSet;
use std::fs;

const WORLDS: [&str; 5] = ["sim", "checked", "local", "docker", "mininet"];

/// Checks the sheet of a lab.
pub fn check(lab: &Lab, findings: &mut Vec<Finding>) {
    let file = format!("{}/lab.toml", lab.folder.name);
    let text = fs::read_to_string(lab.folder.path.join("lab.toml")).unwrap_or_default();
    let mut find = |key: &str, read: String, expected: String, next: &str| {
        findings.push(Finding::new(&file, line_of(&text, key), read, expected, next));
    };
    let sheet = &lab.sheet;
    if sheet.number != lab.folder.number {
        find(
            "number",
            format!("number = {}", sheet.number),
            format!("number = {}, as the folder says", lab.folder.number),
            "correct the number, or rename the folder",
        );
    }
    if sheet.topic != lab.folder.topic {
        find(
            "topic",
            format!("topic = \"{}\"", sheet.topic),
            format!("topic = \"{}\", as the folder says", lab.folder.topic),
            "correct the topic, or rename the folder",
        );
    }
    for (key, value) in [("title", &sheet.title), ("summary", &sheet.summary)] {
        if value.trim().is_empty() {
            find(key, format!("an empty {key}"), format!("the {key} in words"), "write it");
        }
    }
    if sheet.worlds.is_empty() {
        find(
            "worlds",
            "no worlds".into(),
            format!("some of: {}", WORLDS.join(", ")),
            "name those of the binary",
        );
    }
    for world in &sheet.worlds {
        if !WORLDS.contains(&world.as_str()) {
            find(
                "worlds",
                format!("the world \"{world}\""),
                format!("one of: {}", WORLDS.join(", ")),
                "correct it",
            );
        }
    }
    for student in &sheet.student_files {
        if !lab.folder.path.join(student).is_file() {
            find(
                student,
                format!("\"{student}\", which does not exist"),
                format!("a file of {}", lab.folder.name),
                "correct the name, or write the file",
            );
        }
        if !sheet.parts.iter().any(|part| part.files.contains(student)) {
            find(
                student,
                format!("\"{student}\" among student_files and in no part's files"),
                "each file of a student in the part that it is written in".into(),
                "add it to `files` of a [[part]]",
            );
        }
    }
    let mut letters = b'a'..=b'z';
    for part in &sheet.parts {
        let letter = letters.next().map(char::from).unwrap_or('?').to_string();
        if part.id != letter {
            find(
                &part.id,
                format!("a part with id = \"{}\"", part.id),
                format!("id = \"{letter}\": parts are a, b, c, … in order"),
                "correct the id, and the names of its tests",
            );
        }
        if part.tests.is_empty() {
            find(
                &part.title,
                format!("{} without a [[part.test]]", part.name()),
                "at least one graded test: a part ends with its tests".into(),
                "add one",
            );
        }
        if !part.hours.is_finite() || part.hours <= 0.0 {
            find(
                &part.title,
                format!("hours = {}", part.hours),
                "how long the part takes".into(),
                "write an estimate",
            );
        }
        for one in &part.files {
            if !sheet.student_files.contains(one) {
                find(
                    one,
                    format!("\"{one}\" in {} and not among student_files", part.name()),
                    "a file that a student may change".into(),
                    "add it to student_files, or take it out of the part",
                );
            }
        }
    }
    let mut names = BTreeSet::new();
    for (part, test) in lab.tests() {
        let prefix = format!("part_{}_", part.id);
        for (what, name) in [("test", &test.name), ("test file", &test.file)] {
            if !name.starts_with(&prefix) {
                find(
                    name,
                    format!("the {what} `{name}` in {}", part.name()),
                    format!("a name that begins with `{prefix}` and says what must hold"),
                    "rename it, here and in tests/",
                );
            }
        }
        if !names.insert(&test.name) {
            find(
                &test.name,
                format!("`{}` twice", test.name),
                "each graded test once".into(),
                "take one away, or rename it",
            );
        }
        if test.points == 0 {
            find(
                &test.name,
                format!("`{}` with points = 0", test.name),
                "at least one point".into(),
                "give it points, or do not grade it",
            );
        }
        if test.proves.trim().is_empty() {
            find(
                &test.name,
                format!("`{}` with an empty `proves`", test.name),
                "what its pass proves, one sentence".into(),
                "write it",
            );
        }
    }
    if !lab.tests().any(|(_, test)| test.starter == Light::Green) {
        find(
            "starter",
            "no test with starter = \"green\"".into(),
            "at least one that passes in the first minute, so that a student sees that all is set up".into(),
            "mark one that needs nothing of the student's",
        );
    }
}
