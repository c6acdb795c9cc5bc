//! Data flows up the ladder: a lab imports `simnet` and lower labs, the tool imports no lab, the framework neither.

use crate::finding::Finding;
use crate::lab::Folder;
use crate::manifest::{self, line_of};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use toml::{Table, Value};

/// Checks the manifests of the workspace.
pub fn check(workspace: &Workspace, folders: &[Folder], findings: &mut Vec<Finding>) -> Result<()> {
    let path = workspace.root.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let root = manifest::parse(&text, "Cargo.toml")?;
    let members = manifest::members(&root);
    for folder in folders {
        if !members.contains(&folder.name.as_str()) {
            findings.push(Finding::new(
                "Cargo.toml",
                line_of(&text, "members"),
                format!("members without \"{}\"", folder.name),
                "every lab a member",
                "add it to members and default-members",
            ));
        }
    }
    let ours: BTreeSet<String> = members.iter().filter_map(|member| package(workspace, member)).collect();
    let simnet = || BTreeSet::from(["simnet".to_owned()]);
    imports(workspace, "simnet", &BTreeSet::new(), &ours, findings)?;
    imports(workspace, "course", &simnet(), &ours, findings)?;
    for folder in folders {
        let lower = folders.iter().filter(|other| other.number < folder.number).map(Folder::package);
        let allowed: BTreeSet<String> = simnet().into_iter().chain(lower).collect();
        imports(workspace, &folder.name, &allowed, &ours, findings)?;
        names(folder, findings)?;
    }
    Ok(())
}

fn read(workspace: &Workspace, folder: &str) -> Result<Option<(String, Table)>> {
    let path = workspace.root.join(folder).join("Cargo.toml");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    let table = manifest::parse(&text, &format!("{folder}/Cargo.toml"))?;
    Ok(Some((text, table)))
}

fn package(workspace: &Workspace, folder: &str) -> Option<String> {
    let (_, table) = read(workspace, folder).ok()??;
    Some(table.get("package")?.get("name")?.as_str()?.to_owned())
}

/// Checks that a package asks for none of ours but those allowed.
fn imports(
    workspace: &Workspace,
    folder: &str,
    allowed: &BTreeSet<String>,
    ours: &BTreeSet<String>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let Some((text, table)) = read(workspace, folder)? else { return Ok(()) };
    let own = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    for name in manifest::dependencies(&table) {
        // A package may ask for itself with other features, for its tests.
        if ours.contains(&name) && !allowed.contains(&name) && own != Some(&name) {
            let expected = match allowed.iter().map(String::as_str).collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => "none of ours".to_owned(),
                some => format!("of ours only: {some}"),
            };
            findings.push(Finding::new(
                format!("{folder}/Cargo.toml"),
                line_of(&text, &name),
                format!("the dependency `{name}`"),
                expected,
                "take it away; what is shared belongs into simnet or into a lower lab",
            ));
        }
    }
    Ok(())
}

/// Checks that the package, the library and the binary are named after the topic.
fn names(folder: &Folder, findings: &mut Vec<Finding>) -> Result<()> {
    let file = format!("{}/Cargo.toml", folder.name);
    let Some(text) = super::text(&folder.path.join("Cargo.toml")) else {
        findings.push(Finding::new(file, 1, "no such file", "the lab's manifest", "write it"));
        return Ok(());
    };
    let table = manifest::parse(&text, &file)?;
    let named = |value: Option<&Value>| {
        value.and_then(|value| value.get("name")).and_then(Value::as_str).unwrap_or("none").to_owned()
    };
    let topic = &folder.topic;
    let bins: Vec<&Value> = table.get("bin").and_then(Value::as_array).into_iter().flatten().collect();
    let found = [
        ("[package]", named(table.get("package")), folder.package()),
        ("[lib]", named(table.get("lib")), topic.clone()),
        ("[[bin]]", named(bins.first().copied()), topic.clone()),
    ];
    for (heading, read, expected) in found {
        if read != expected {
            findings.push(Finding::new(
                &file,
                line_of(&text, heading),
                format!("{heading} name: {read}"),
                format!("{heading} name = \"{expected}\""),
                "correct the name",
            ));
        }
    }
    if bins.len() > 1 {
        findings.push(Finding::new(
            &file,
            line_of(&text, "[[bin]]"),
            format!("{} binaries", bins.len()),
            "one, with a subcommand for each role",
            "make the others subcommands",
        ));
    }
    Ok(())
}
