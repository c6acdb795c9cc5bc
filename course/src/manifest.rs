//! Cargo manifests: which packages of ours one asks for, and the workspace's with fewer members.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Reads a manifest.
pub fn parse(text: &str, name: &str) -> Result<Table> {
    text.parse::<Table>().with_context(|| format!("{name} is not valid TOML"))
}

/// The packages that a manifest asks for, of every kind and for every platform.
pub fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |table: &Table| {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (key, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let renamed = value.get("package").and_then(Value::as_str);
                found.insert(renamed.unwrap_or(key).to_owned());
            }
        }
    };
    add(manifest);
    for platform in manifest.get("target").and_then(Value::as_table).into_iter().flatten() {
        platform.1.as_table().into_iter().for_each(&mut add);
    }
    found
}

/// The members of a workspace.
pub fn members(manifest: &Table) -> Vec<&str> {
    manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The line, from 1, on which `key` is set or named; 1 when there is none.
pub fn line_of(text: &str, key: &str) -> usize {
    let sets = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', '.'])) || line == key
    };
    text.lines()
        .position(sets)
        .or_else(|| text.lines().position(|line| line.contains(&format!("\"{key}\""))))
        .map_or(1, |at| at + 1)
}

/// The workspace's manifest with these members only; the other tables stay as they are written.
pub fn with_members(text: &str, members: &[String]) -> Result<String> {
    let before = parse(text, "Cargo.toml")?;
    let Some(workspace) = before.get("workspace").and_then(Value::as_table) else {
        bail!("read Cargo.toml, expected a table [workspace]");
    };
    let list = || Value::Array(members.iter().map(|member| Value::String(member.clone())).collect());
    let mut fewer = workspace.clone();
    fewer.insert("members".to_owned(), list());
    if fewer.contains_key("default-members") {
        fewer.insert("default-members".to_owned(), list());
    }
    // What names a folder below another member goes with it.
    if let Some(Value::Array(excluded)) = fewer.get_mut("exclude") {
        excluded.retain(|path| {
            let path = path.as_str().unwrap_or_default();
            members.iter().any(|member| path.starts_with(&format!("{member}/")))
        });
    }
    // What points to a folder that is not copied goes too.
    let mut gone: Vec<String> = Vec::new();
    if let Some(Value::Table(dependencies)) = fewer.get_mut("dependencies") {
        dependencies.retain(|name, value| {
            let path = value.get("path").and_then(Value::as_str);
            let kept =
                path.is_none_or(|path| members.iter().any(|member| member == path.trim_end_matches('/')));
            if !kept {
                gone.push(name.to_owned());
            }
            kept
        });
    }
    let mut after = before.clone();
    after.insert("workspace".to_owned(), Value::Table(fewer.clone()));
    // Cargo warns of a profile for a package that is not there.
    if let Some(profiled) = after.get_mut("profile").and_then(profiled_packages) {
        profiled.retain(|name, _| {
            let kept = members.iter().any(|member| package_of(member) == *name);
            if !kept {
                gone.push(name.to_owned());
            }
            kept
        });
    }

    let mut out = String::new();
    let mut in_workspace = false;
    for line in text.lines() {
        let heading = line.starts_with('[');
        if line.trim_end() == "[workspace]" {
            in_workspace = true;
            out.push_str("[workspace]\n");
            for (key, value) in fewer.iter().filter(|(_, value)| !value.is_table()) {
                out.push_str(&format!("{key} = {value}\n"));
            }
            out.push('\n');
            continue;
        }
        if heading {
            in_workspace = false;
        }
        let drops = gone.iter().any(|name| {
            line.strip_prefix(name.as_str()).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
        });
        if !in_workspace && !drops {
            out.push_str(line);
            out.push('\n');
        }
    }
    if parse(&out, "the new Cargo.toml").ok() != Some(after) {
        bail!(
            "the workspace's Cargo.toml could not be reduced to {}; expected a table headed by a line `[workspace]` and a \
             line for each key of [workspace.dependencies]",
            members.join(", ")
        );
    }
    Ok(out)
}

/// The packages that have an entry in `[profile.dev.package]`.
fn profiled_packages(profiles: &mut Value) -> Option<&mut Table> {
    profiles.get_mut("dev")?.get_mut("package")?.as_table_mut()
}

/// The package in a member's folder: that of `NN-topic` is `lab-topic`, others are called as their folder.
fn package_of(member: &str) -> String {
    match member.split_once('-') {
        Some((number, topic)) if number.parse::<u32>().is_ok() => format!("lab-{topic}"),
        _ => member.to_owned(),
    }
}

/// Takes the programs out of a package: what is left is its library and its tests.
pub fn without_programs(manifest: &mut Table) {
    manifest.remove("bin");
    if let Some(package) = manifest.get_mut("package").and_then(Value::as_table_mut) {
        package.insert("autobins".to_owned(), Value::Boolean(false));
    }
}

/// Tells a workspace to build tests without debug information.
pub fn without_debug_information(manifest: &mut Table) {
    let empty = || Value::Table(Table::new());
    let profiles = manifest.entry("profile").or_insert_with(empty);
    let dev = profiles.as_table_mut().map(|profiles| profiles.entry("dev").or_insert_with(empty));
    if let Some(dev) = dev.and_then(Value::as_table_mut) {
        dev.insert("debug".to_owned(), Value::Boolean(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r#"# The workspace.
[workspace]
resolver = "3"
members = [
    "simnet",
    "07-paxos", # a lab
    "peers",
]
# peers are heavy
default-members = ["simnet", "07-paxos"]
exclude = ["peers/other", "simnet/fuzz"]

[workspace.dependencies]
lab-paxos = { path = "07-paxos" }
# the framework
simnet = { path = "simnet" }
toml = "1"

[profile.dev]
opt-level = 1

[profile.dev.package]
lab-paxos = { opt-level = 0 }
lab-raft = { opt-level = 0 }
"#;

    #[test]
    fn members_are_reduced_and_the_rest_is_kept() {
        let members = ["simnet".to_owned(), "10-raft".to_owned()];
        let out = with_members(ROOT, &members).unwrap();
        assert_eq!(
            out,
            r#"# The workspace.
[workspace]
default-members = ["simnet", "10-raft"]
exclude = ["simnet/fuzz"]
members = ["simnet", "10-raft"]
resolver = "3"

[workspace.dependencies]
# the framework
simnet = { path = "simnet" }
toml = "1"

[profile.dev]
opt-level = 1

[profile.dev.package]
lab-raft = { opt-level = 0 }
"#
        );
    }

    #[test]
    fn what_is_no_workspace_is_refused() {
        assert!(with_members("[package]\nname = \"x\"\n", &[]).is_err());
        assert!(with_members("not toml", &[]).is_err());
    }

    #[test]
    fn a_light_copy_has_no_programs_and_no_debug_information() {
        let mut package =
            parse("[package]\nname = \"x\"\n[lib]\nname = \"y\"\n[[bin]]\nname = \"y\"\n", "x").unwrap();
        without_programs(&mut package);
        let left = "[package]\nname = \"x\"\nautobins = false\n[lib]\nname = \"y\"\n";
        assert_eq!(package, parse(left, "x").unwrap());
        for before in ["[profile.dev]\nopt-level = 1\ndebug = \"line-tables-only\"\n", "[workspace]\n"] {
            let mut root = parse(before, "x").unwrap();
            without_debug_information(&mut root);
            assert_eq!(root["profile"]["dev"]["debug"], Value::Boolean(false));
        }
    }

    #[test]
    fn dependencies_of_all_kinds_by_the_packages_names() {
        let manifest = parse(
            "[dependencies]\na = \"1\"\nb.workspace = true\n[dev-dependencies]\nc = { package = \"d\", path = \"d\" }\n\
             [target.'cfg(unix)'.dependencies]\ne = \"1\"\n",
            "x",
        )
        .unwrap();
        assert_eq!(dependencies(&manifest).into_iter().collect::<Vec<_>>(), ["a", "b", "d", "e"]);
    }

    #[test]
    fn the_line_of_a_key() {
        assert_eq!(line_of(ROOT, "members"), 4);
        assert_eq!(line_of(ROOT, "peers"), 7);
        assert_eq!(line_of(ROOT, "simnet"), 16);
        assert_eq!(line_of("[lib]\nname = \"x\"\n", "[lib]"), 1);
    }
}
