//! The README of a lab has every section of the house's anatomy, and its experiments can be read.

use crate::experiment;
use crate::finding::Finding;
use crate::lab::Folder;
use std::fs;

/// What a heading must hold, and what the section is.
const SECTIONS: [(&str, &str); 8] = [
    ("outcomes", "what a student can do afterwards"),
    ("background", "the idea, with the paper's figure in words"),
    ("invariants", "what must always hold, numbered"),
    ("predict", "questions to answer before the first line of code"),
    ("part", "a section for each part: files, tasks, commands, hours"),
    ("first minute", "which tests pass at once and which must be red"),
    ("questions", "questions with folded answers"),
    ("going further", "what to read and build next"),
];

/// Checks the handout of a lab.
pub fn check(folder: &Folder, findings: &mut Vec<Finding>) {
    let file = format!("{}/README.md", folder.name);
    match super::text(&folder.path.join("README.md")) {
        None => findings.push(Finding::new(
            file,
            1,
            "no such file",
            "the lab's handout",
            "write it, as the other labs' are",
        )),
        Some(text) => {
            for (number, line) in (1..).zip(text.lines()) {
                if ["<<<<<<< ", ">>>>>>> "].iter().any(|marker| line.starts_with(marker)) {
                    findings.push(Finding::new(
                        &file,
                        number,
                        format!("`{line}`"),
                        "one text: this is the mark of a merge that nobody has finished",
                        "choose one of the two, and take the marks away",
                    ));
                }
            }
            let headings = headings(&text);
            for (word, what) in SECTIONS {
                if !headings.iter().any(|heading| heading.contains(word)) {
                    findings.push(Finding::new(
                        &file,
                        1,
                        format!("no heading with \"{word}\""),
                        format!("a section for {what}"),
                        format!("add a heading such as `## {}{}`", word[..1].to_uppercase(), &word[1..]),
                    ));
                }
            }
        }
    }
    for entry in fs::read_dir(folder.path.join("experiments")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "toml")
            && let Err(error) = experiment::load(&path)
        {
            findings.push(Finding::new(
                format!("{}/experiments/{}", folder.name, entry.file_name().to_string_lossy()),
                1,
                format!("{:#}", error.root_cause()),
                "an experiment file",
                "correct it",
            ));
        }
    }
}

/// The headings of a Markdown file, in small letters; what stands in code is none.
fn headings(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code && line.starts_with('#') {
            found.push(line.trim_start_matches('#').trim().to_lowercase());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_in_code_are_none() {
        assert_eq!(headings("# A\n```\n# not\n```\n## B c\ntext\n"), ["a", "b c"]);
    }
}
