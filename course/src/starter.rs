//! `cargo course starter`: the student's workspace, derived from the solution.

use crate::cargo;
use crate::lab::{self, Folder, Lab};
use crate::tree::{self, Tree};
use crate::workspace::{STARTER, Workspace};
use crate::{regions, show, slice};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The command line of `starter`.
#[derive(clap::Args)]
pub struct Args {
    /// The folder to write; it must not exist, or be empty
    out: PathBuf,
    /// Only this lab, and the labs that it imports; may be given again
    #[arg(long, value_name = "LAB")]
    lab: Vec<String>,
}

/// Writes the student's workspace.
pub fn run(args: &Args, workspace: &Workspace) -> Result<u8> {
    let asked: Vec<Folder> = if args.lab.is_empty() {
        lab::all(workspace)?.into_iter().map(|lab| lab.folder).collect()
    } else {
        args.lab.iter().map(|read| lab::find_folder(workspace, read)).collect::<Result<_>>()?
    };
    if asked.is_empty() {
        bail!("{} has no labs (folders like 07-paxos with a lab.toml)", workspace.root.display());
    }
    check_place(&args.out, workspace)?;
    let (labs, tree) = derive(workspace, &asked)?;
    tree::write(&args.out, &tree)?;
    prune_lock(&args.out);

    let out = args.out.display();
    let mut page = format!("\nwrote {} in {out}:\n", show::count(tree.len(), "file", "files"));
    for lab in &labs {
        page.push_str(&format!("  {}  {}\n", lab.folder.name, lab.sheet.title));
    }
    page.push_str(&format!(
        "  simnet, course, and what cargo needs\n\nnext:\n  cd {out}\n  cargo course labs\n  cargo course test {}\n",
        labs[0].short()
    ));
    show::out(&page);
    Ok(0)
}

/// The labs of a starter and its files.
pub fn derive(workspace: &Workspace, asked: &[Folder]) -> Result<(Vec<Lab>, Tree)> {
    let labs: Vec<Lab> =
        slice::with_imports(workspace, asked)?.into_iter().map(Lab::load).collect::<Result<_>>()?;
    let mut folders = vec!["simnet".to_owned()];
    folders.extend(labs.iter().map(|lab| lab.folder.name.clone()));
    folders.push("course".to_owned());
    let mut tree = slice::read(workspace, &folders)?;
    for lab in &labs {
        empty(lab, &mut tree)?;
    }
    tree.insert("README.md".to_owned(), readme(&labs).into());
    let manifest =
        tree.get("Cargo.toml").and_then(tree::File::text).context("the workspace has no Cargo.toml")?;
    let manifest = format!("{manifest}\n# A starter: it holds no solutions.\n{STARTER}");
    tree.insert("Cargo.toml".to_owned(), manifest.into());
    Ok((labs, tree))
}

/// Takes the solution and the wrong solutions of a lab out of the tree.
fn empty(lab: &Lab, tree: &mut Tree) -> Result<()> {
    let name = &lab.folder.name;
    tree.retain(|path, _| !path.starts_with(&format!("{name}/bugs/")));
    let mut roots = vec!["src/lib.rs".to_owned()];
    for file in &lab.sheet.student_files {
        let path = format!("{name}/{file}");
        let text = tree
            .get(&path)
            .and_then(tree::File::text)
            .with_context(|| format!("{name}/lab.toml names `{file}`, which is no text file of the lab"))?;
        let starter = regions::starter(text)
            .map_err(|faults| anyhow::anyhow!("{path}: {}; next: cargo course check", faults[0]))?;
        if file == "src/main.rs" || file.starts_with("src/bin/") {
            roots.push(file.clone());
        }
        tree.insert(path, starter.into());
    }
    for root in roots {
        let path = format!("{name}/{root}");
        if let Some(text) = tree.get(&path).and_then(tree::File::text) {
            let allowed = regions::allow(text);
            tree.insert(path, allowed.into());
        }
    }
    // A region outside of the student's files would be handed out as it is.
    let left = tree
        .iter()
        .filter(|(path, _)| path.starts_with(&format!("{name}/")) && path.ends_with(".rs"))
        .find(|(_, file)| file.text().is_some_and(regions::any));
    if let Some((path, _)) = left {
        bail!(
            "{path} has a region but is not among student_files of {name}/lab.toml; next: cargo course check"
        );
    }
    Ok(())
}

/// Refuses to write over a person's work, or into the course itself.
fn check_place(out: &Path, workspace: &Workspace) -> Result<()> {
    match fs::read_dir(out) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("{} is not empty; expected a new folder: choose another name", out.display());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error)
                .with_context(|| format!("{} is no folder; expected a new folder", out.display()));
        }
    }
    let whole = std::path::absolute(out)?;
    // A name that does not exist yet has no canonical form, the folder above it may have.
    let above = whole.ancestors().find_map(|folder| folder.canonicalize().ok()).unwrap_or(whole);
    if above.starts_with(&workspace.root) && !above.starts_with(workspace.target()) {
        bail!("{} lies in the course itself; expected a folder beside it: ../my-labs", out.display());
    }
    Ok(())
}

/// Lets cargo drop from `Cargo.lock` what the starter does not use, so that `--locked` holds. Where that fails, the
/// first build does it.
fn prune_lock(out: &Path) {
    let _ = Command::new(cargo::program())
        .current_dir(out)
        .args(["update", "--workspace", "--offline", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn readme(labs: &[Lab]) -> String {
    let mut page = "\
# Distributed systems, by building them

The framework (`simnet/`) and the tool (`course/`) are given. What you write stands in the files that each lab's README
names, at every `todo!(\"Part …\")`.

"
    .to_owned();
    for lab in labs {
        page.push_str(&format!(
            "- [{0}]({0}/README.md): {1}. {2}\n",
            lab.folder.name,
            lab.sheet.title,
            lab.sheet.summary.trim_end_matches('.')
        ));
    }
    let short = labs[0].short();
    page.push_str(&format!(
        "
```
cargo course labs              what there is, and what is done
cargo course test {short}           the tests of a lab and its points
cargo course test {short} --part a  those of one part
cargo course run {short}            the lab's program, simulated and drawn
cargo course replay FILE       a recorded run, drawn again
```

A failing test prints the rule that was broken and the command that shows the run again.
"
    ));
    page
}
