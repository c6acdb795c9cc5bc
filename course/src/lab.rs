//! What a lab says of itself: `lab.toml`, and where the labs are.

use crate::workspace::Workspace;
use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use simnet::nearest;
use std::fs;
use std::path::{Path, PathBuf};

/// `lab.toml`. Its schema is documented in `course/README.md`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The rung of the ladder: 7 for the folder `07-paxos`.
    pub number: u32,
    /// The topic: `paxos` gives the package `lab-paxos`, the library and the binary `paxos`.
    pub topic: String,
    /// The title in words.
    pub title: String,
    /// What is built, in one sentence.
    pub summary: String,
    /// The files that a student may change, relative to the lab's folder.
    pub student_files: Vec<String>,
    /// The worlds that the binary runs in.
    pub worlds: Vec<String>,
    /// The parts, in the order in which they are done.
    #[serde(rename = "part")]
    pub parts: Vec<Part>,
}

/// A part of a lab: some hours of work, ended by its tests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// A small letter, which the names of its tests carry.
    pub id: String,
    /// The title in words.
    pub title: String,
    /// How long it takes.
    pub hours: f64,
    /// The files that the part is written in.
    pub files: Vec<String>,
    /// Its graded tests.
    #[serde(rename = "test", default)]
    pub tests: Vec<Test>,
}

/// A graded test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The name of the test function.
    pub name: String,
    /// The file it stands in, without `tests/` and `.rs`.
    pub file: String,
    /// What it is worth.
    pub points: u32,
    /// What a pass proves.
    pub proves: String,
    /// What it is in a fresh starter.
    pub starter: Light,
}

/// What a test is in a fresh starter.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Light {
    /// It fails until its part is written.
    Red,
    /// It passes in the first minute.
    Green,
}

impl Part {
    /// What the part is worth.
    pub fn points(&self) -> u32 {
        self.tests.iter().map(|test| test.points).sum()
    }

    /// `Part B`.
    pub fn name(&self) -> String {
        format!("Part {}", self.id.to_uppercase())
    }
}

/// A folder of the workspace that is named as a lab is: `07-paxos`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folder {
    /// 7.
    pub number: u32,
    /// `paxos`.
    pub topic: String,
    /// `07-paxos`.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
}

impl Folder {
    /// Reads the name of a folder; `None` when it is not a lab's.
    fn read(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (digits, topic) = name.split_once('-')?;
        let lawful = digits.len() == 2
            && digits.bytes().all(|b| b.is_ascii_digit())
            && topic.starts_with(|c: char| c.is_ascii_lowercase())
            && topic.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        lawful.then(|| Folder {
            number: digits.parse().expect("two digits are a number"),
            topic: topic.to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The package, `lab-paxos`.
    pub fn package(&self) -> String {
        format!("lab-{}", self.topic)
    }
}

/// A lab: its folder and its sheet.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Where it is.
    pub folder: Folder,
    /// What it says of itself.
    pub sheet: Sheet,
}

impl Lab {
    /// Reads the lab of a folder.
    pub fn load(folder: Folder) -> Result<Self> {
        let path = folder.path.join("lab.toml");
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "{}/lab.toml cannot be read; expected the lab's sheet, see course/README.md, \"lab.toml\"",
                folder.name
            )
        })?;
        let sheet = parse(&text).with_context(|| format!("{}/lab.toml", folder.name))?;
        Ok(Lab { folder, sheet })
    }

    /// The package, `lab-paxos`.
    pub fn package(&self) -> String {
        self.folder.package()
    }

    /// How commands name it: `07`.
    pub fn short(&self) -> String {
        format!("{:02}", self.folder.number)
    }

    /// All graded tests with their parts, in order.
    pub fn tests(&self) -> impl Iterator<Item = (&Part, &Test)> {
        self.sheet.parts.iter().flat_map(|part| part.tests.iter().map(move |test| (part, test)))
    }

    /// The graded test of this name, or an error that names the nearest.
    pub fn test(&self, name: &str) -> Result<&Test> {
        let known = || self.tests().map(|(_, test)| test.name.as_str());
        self.tests().map(|(_, test)| test).find(|test| test.name == name).ok_or_else(|| {
            anyhow!(
                "read the test `{name}`, expected one of lab {}{}\n{}",
                self.short(),
                nearest::hint(name, known()),
                known().map(|name| format!("  {name}")).collect::<Vec<_>>().join("\n")
            )
        })
    }

    /// The part of this letter, or an error that lists the parts.
    pub fn part(&self, id: &str) -> Result<&Part> {
        self.sheet.parts.iter().find(|part| part.id.eq_ignore_ascii_case(id)).ok_or_else(|| {
            anyhow!(
                "read --part {id}, expected one of: {}",
                self.sheet.parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>().join(", ")
            )
        })
    }

    /// What the whole lab is worth.
    pub fn points(&self) -> u32 {
        self.sheet.parts.iter().map(Part::points).sum()
    }
}

/// Reads the text of a `lab.toml`.
pub fn parse(text: &str) -> Result<Sheet> {
    // The message of the toml crate shows the line, what was read and what was expected.
    toml::from_str(text).map_err(|error| {
        anyhow!("{}\nnext: correct it (the schema stands in course/README.md)", error.to_string().trim_end())
    })
}

/// The folders of the workspace that are named as labs are, in the order of the ladder.
pub fn folders(workspace: &Workspace) -> Result<Vec<Folder>> {
    let entries = fs::read_dir(&workspace.root)
        .with_context(|| format!("{} cannot be read", workspace.root.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(Folder::read(&path));
        }
    }
    found.sort();
    Ok(found)
}

/// Every lab of the workspace that has a sheet, in the order of the ladder.
pub fn all(workspace: &Workspace) -> Result<Vec<Lab>> {
    folders(workspace)?
        .into_iter()
        .filter(|folder| folder.path.join("lab.toml").exists())
        .map(Lab::load)
        .collect()
}

/// The folder that a person means by `7`, `07`, `07-paxos`, `07-paxos/`, `paxos` or `lab-paxos`.
pub fn find_folder(workspace: &Workspace, read: &str) -> Result<Folder> {
    let folders = folders(workspace)?;
    let wanted = read.trim_end_matches('/').trim_start_matches("./").to_lowercase();
    let topic = wanted.strip_prefix("lab-").unwrap_or(&wanted);
    let number = wanted.parse::<u32>().ok();
    let fits = |folder: &Folder| {
        folder.name == wanted || folder.topic == topic || number.is_some_and(|number| number == folder.number)
    };
    if let Some(folder) = folders.iter().find(|folder| fits(folder)) {
        return Ok(folder.clone());
    }
    if folders.is_empty() {
        bail!("read the lab `{read}`, but {} has no labs (folders like 07-paxos)", workspace.root.display());
    }
    let names = folders.iter().flat_map(|folder| [folder.topic.as_str(), folder.name.as_str()]);
    bail!(
        "read the lab `{read}`, expected one of: {}{}\nnext: cargo course labs",
        folders.iter().map(|folder| folder.name.as_str()).collect::<Vec<_>>().join(", "),
        nearest::hint(&wanted, names)
    )
}

/// The lab that a person means.
pub fn find(workspace: &Workspace, read: &str) -> Result<Lab> {
    Lab::load(find_folder(workspace, read)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: &str = r#"
number = 7
topic = "paxos"
title = "Single-decree Paxos"
summary = "One value is chosen."
student_files = ["src/acceptor.rs"]
worlds = ["sim"]

[[part]]
id = "a"
title = "The acceptor"
hours = 2
files = ["src/acceptor.rs"]

[[part.test]]
name = "part_a_promises"
file = "part_a_acceptor"
points = 2
proves = "An acceptor promises."
starter = "red"

[[part.test]]
name = "part_a_starts"
file = "part_a_acceptor"
points = 1
proves = "It starts."
starter = "green"
"#;

    #[test]
    fn a_sheet_is_read() {
        let sheet = parse(SHEET).unwrap();
        assert_eq!(sheet.parts[0].points(), 3);
        assert_eq!(sheet.parts[0].tests[1].starter, Light::Green);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = parse(&SHEET.replace("points = 1", "pionts = 1")).unwrap_err().to_string();
        assert!(error.contains("unknown field `pionts`"), "{error}");
        assert!(error.contains("line 25"), "{error}");
        assert!(error.contains("`points`"), "{error}");
    }

    #[test]
    fn a_missing_key_and_a_wrong_light_are_named() {
        let error = parse(&SHEET.replace("title = \"The acceptor\"\n", "")).unwrap_err().to_string();
        assert!(error.contains("missing field `title`"), "{error}");
        let error = parse(&SHEET.replace("\"green\"", "\"amber\"")).unwrap_err().to_string();
        assert!(error.contains("unknown variant `amber`, expected `red` or `green`"), "{error}");
    }

    #[test]
    fn a_labs_folder_is_two_digits_and_a_topic() {
        assert_eq!(
            Folder::read(Path::new("/x/07-paxos")).map(|f| (f.number, f.topic)),
            Some((7, "paxos".into()))
        );
        for name in ["course", "7-paxos", "07-", "07_paxos", "07-Paxos", "0a-paxos", "+7-paxos"] {
            assert_eq!(Folder::read(Path::new(name)), None, "{name}");
        }
    }
}
