//! `cargo course run`: a lab's program in a world, and a picture of what happened.

use crate::cargo::Build;
use crate::lab::Lab;
use crate::outcome::{self, Outcome};
use crate::picture::Size;
use crate::workspace::Workspace;
use crate::{experiment, lab, picture, seed, show, table};
use anyhow::{Context, Result, bail};
use simnet::page::Explained;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The command line of `run`.
#[derive(clap::Args)]
pub struct Args {
    /// The lab: `7`, `07-paxos` or `paxos`
    lab: String,
    /// The world: `sim`, …; a lab names those that suit it
    #[arg(long, value_name = "WORLD", default_value = "sim")]
    on: String,
    /// What carries the messages in the world `local`; a lab names those that it has
    #[arg(long, value_name = "TRANSPORT")]
    transport: Option<String>,
    /// An experiment file [default: experiments/default.toml of the lab, when there is one]
    #[arg(long, value_name = "FILE")]
    experiment: Option<PathBuf>,
    /// The seed, decimal or 0x… [default: the experiment's, else 7]
    #[arg(long, value_name = "SEED", value_parser = seed::parse, allow_hyphen_values = true)]
    seed: Option<u64>,
    /// How the program is built: `dev` shares its build with `cargo test`; `release` takes longer to build, and less long to run
    #[arg(long, value_enum, default_value_t = Profile::Dev)]
    profile: Profile,
    /// Print only the lab's JSON line
    #[arg(long)]
    json: bool,
    /// Write the run as a page for a browser [default file: beside the trace]
    // With a blank before the file, `run --page 07` would take the lab for it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    page: Option<Option<PathBuf>>,
    /// Leave the diagram out
    #[arg(long)]
    no_diagram: bool,
    /// Also print the messages by sender and reader, below the diagram
    #[arg(long)]
    links: bool,
    #[command(flatten)]
    size: Size,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Dev,
    Release,
}

/// The seed of a run that nobody chose one for.
const SEED: u64 = 7;

/// Builds, runs, and prints what happened. The status is the lab's own.
pub fn run(args: &Args, workspace: &Workspace) -> Result<u8> {
    let lab = lab::find(workspace, &args.lab)?;
    let default = lab.folder.path.join("experiments/default.toml");
    let file = args.experiment.clone().or_else(|| default.is_file().then_some(default));
    let experiment = file.as_deref().map(experiment::load).transpose()?;
    let seed = args.seed.or(experiment.as_ref().and_then(|experiment| experiment.seed)).unwrap_or(SEED);
    let program = build(workspace, &lab, args.profile)?;

    let trace = PathBuf::from(format!("target/course/runs/{}.jsonl", name(&lab, args, seed)));
    let kept = workspace.root.join(&trace);
    fs::create_dir_all(kept.parent().expect("it lies in a folder"))
        .with_context(|| format!("the folder of {} cannot be made", kept.display()))?;
    // An old trace of this name must not pass for this run's.
    let _ = fs::remove_file(&kept);

    let mut command = Command::new(&program);
    command.current_dir(&workspace.root).args([
        "run",
        "--on",
        &args.on,
        "--seed",
        &seed.to_string(),
        "--json",
    ]);
    command.arg("--trace").arg(&trace);
    command.envs(workspace.commit_variable());
    if let Some(transport) = &args.transport {
        command.args(["--transport", transport]);
    }
    let mut json = tempfile::Builder::new().suffix(".json").tempfile()?;
    if let Some(experiment) = &experiment {
        serde_json::to_writer(&mut json, &experiment.json)?;
        json.flush()?;
        command.arg("--experiment").arg(json.path());
    }
    let done = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} could not be started", program.display()))?;
    let stdout = String::from_utf8_lossy(&done.stdout);
    let status = match done.status.code() {
        Some(2) => {
            // It has said on standard error what was wrong with its use.
            show::out(&stdout);
            return Ok(2);
        }
        Some(code @ (0 | 1 | 3)) => code,
        // A signal has ended it, and it has said so.
        Some(130) => return Ok(130),
        // How Rust ends a program that panicked.
        Some(101) => bail!(
            "the program of lab {} panicked; what it said stands above. Where it is `not yet implemented: Part …`, that is to \
             be written first; next: cargo course test {}",
            lab.folder.name,
            lab.short()
        ),
        _ => bail!(
            "the program of lab {} ended with {}, expected a status of 0, 1, 2 or 3; what it said stands above",
            lab.folder.name,
            done.status
        ),
    };
    let Some(line) = outcome::line(&stdout) else {
        bail!(
            "the program of lab {} printed nothing, expected a JSON object on its last line",
            lab.folder.name
        );
    };
    let outcome = outcome::parse(line)?;
    if args.json {
        show::out(&format!("{line}\n"));
    } else {
        show::out(&page(&lab, &outcome, status));
        show::out(&drawn(args, workspace, &outcome, &kept)?);
    }
    if let Some(file) = &args.page {
        let told = paged(args, workspace, &lab, &outcome, file.as_deref(), &kept)?;
        // What reads the JSON line reads no more than that.
        if args.json { eprint!("{told}") } else { show::out(&told) }
    }
    Ok(u8::try_from(status).expect("it is 0, 1 or 3"))
}

/// What the trace and the page of a run are called: runs of two worlds under one seed do not replace each other.
fn name(lab: &Lab, args: &Args, seed: u64) -> String {
    // What was typed is not yet known to be a world or a transport, and may have a `/` in it.
    let part = |text: &str| -> String {
        text.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect()
    };
    let mut name = format!("{}-{}", lab.folder.name, part(&args.on));
    if let Some(transport) = &args.transport {
        name.push_str(&format!("-{}", part(transport)));
    }
    format!("{name}-{seed}")
}

/// The lab's program: built now, or built already and named by `COURSE_PROGRAM`. A lab's own test has it, and building it once more by another
/// command takes minutes.
fn build(workspace: &Workspace, lab: &Lab, profile: Profile) -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("COURSE_PROGRAM").map(PathBuf::from) {
        if !program.is_file() {
            bail!(
                "COURSE_PROGRAM names {}, expected a program that is built; leave it out to have lab {} built",
                program.display(),
                lab.short()
            );
        }
        return Ok(program);
    }
    let topic = &lab.folder.topic;
    let mut arguments = ["build", "--package", &lab.package(), "--bin", topic].map(str::to_owned).to_vec();
    if profile == Profile::Release {
        arguments.push("--release".to_owned());
    }
    let mut built = Build { root: &workspace.root, arguments, target: None, talk: true }.run()?;
    if !built.ok {
        bail!("{} does not build; what the compiler says stands above", lab.folder.name);
    }
    built
        .programs
        .remove(&("bin".to_owned(), topic.clone()))
        .with_context(|| format!("cargo built no program `{topic}`"))
}

/// What happened, in a table.
fn page(lab: &Lab, outcome: &Outcome, status: i32) -> String {
    let mut page = format!(
        "\nLab {}: {}, world {}, seed {}: {}\n\n",
        lab.short(),
        lab.sheet.title,
        outcome.world,
        outcome.seed,
        outcome::status(status)
    );
    let mut facts = table::plain();
    for (key, value) in &outcome.outcome {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        facts.add_row([key.replace('_', " "), value]);
    }
    facts.add_row(["nodes".to_owned(), format!("{}: {}", outcome.nodes.len(), outcome.nodes.join(", "))]);
    let fired: Vec<String> = outcome
        .faults
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let fired = if fired.is_empty() { "none".to_owned() } else { fired.join(", ") };
    facts.add_row(["faults that fired".to_owned(), fired]);
    let times = format!("{} virtual, {} real", micros(outcome.virtual_us), micros(outcome.real_us));
    facts.add_row(["time".to_owned(), times]);
    facts.add_row(["trace hash".to_owned(), outcome.trace_hash.clone()]);
    page.push_str(&table::text(&facts));

    let mut messages = table::headed(&["message", ">count", ">bytes"]);
    for (name, count) in &outcome.messages {
        messages.add_row([name.clone(), count.count.to_string(), count.bytes.to_string()]);
    }
    let count: u64 = outcome.messages.values().map(|count| count.count).sum();
    let bytes: u64 = outcome.messages.values().map(|count| count.bytes).sum();
    messages.add_row(["all".to_owned(), count.to_string(), bytes.to_string()]);
    page.push('\n');
    page.push_str(&table::text(&messages));

    if let Some(what) = &outcome.unknown {
        page.push_str(&format!("\nunknown, neither held nor broken: {what}\n"));
    }
    if !outcome.waits.is_empty() {
        page.push_str("\nwho waits for what\n");
        outcome.waits.iter().for_each(|line| page.push_str(&format!("  {line}\n")));
    }
    for violation in &outcome.violations {
        // A rule, or what was seen, may have several lines.
        let deeper = |text: &str| text.trim_end().replace('\n', "\n    ");
        page.push_str(&format!(
            "\nrule broken: {}\n  expected: {}\n  got: {}\n",
            deeper(&violation.rule),
            deeper(&violation.expected),
            deeper(&violation.got)
        ));
    }
    page
}

/// Messages by sender, reader and name: many lines, and of interest once one knows what to look for.
fn links(outcome: &Outcome) -> String {
    if outcome.links.is_empty() {
        return "\nthe lab's program does not say who sent how much to whom\n".to_owned();
    }
    let mut links = table::headed(&["from", "to", "message", ">count", ">bytes"]);
    for link in &outcome.links {
        let (count, bytes) = (link.count.count.to_string(), link.count.bytes.to_string());
        links.add_row([link.from.clone(), link.to.clone(), link.message.clone(), count, bytes]);
    }
    format!("\n{}", table::text(&links))
}

/// The picture, the table of links where it was asked for, and where the trace is.
fn drawn(args: &Args, workspace: &Workspace, outcome: &Outcome, kept: &Path) -> Result<String> {
    let Some(path) = written(workspace, outcome, kept) else {
        let links = if args.links { links(outcome) } else { String::new() };
        return Ok(format!("{links}\nno trace was written\n"));
    };
    let mut page = String::new();
    if !args.no_diagram {
        page.push('\n');
        page.push_str(&picture::draw(&picture::read(&path)?, &args.size));
    }
    if args.links {
        page.push_str(&links(outcome));
    }
    let shown = workspace.shown(&path);
    page.push_str(&format!("\ntrace: {shown}\nagain: cargo course replay {shown}\n"));
    Ok(page)
}

/// The trace of the run. A lab may have put it elsewhere than it was told, and says so.
fn written(workspace: &Workspace, outcome: &Outcome, kept: &Path) -> Option<PathBuf> {
    let told = outcome.trace.as_ref().map(|told| workspace.root.join(told));
    told.into_iter().chain([kept.to_owned()]).find(|path| path.is_file())
}

/// Writes the page of the run, and says where.
fn paged(
    args: &Args,
    workspace: &Workspace,
    lab: &Lab,
    outcome: &Outcome,
    file: Option<&Path>,
    kept: &Path,
) -> Result<String> {
    let Some(trace) = written(workspace, outcome, kept) else {
        bail!("there is no page: the program of lab {} wrote no trace", lab.folder.name);
    };
    let file = file.map_or_else(|| kept.with_extension("html"), Path::to_owned);
    let mut command = format!("cargo course run {} --on {}", lab.short(), args.on);
    // What it ran over, also when nobody asked for it.
    if let Some(transport) = outcome.transport.as_ref().or(args.transport.as_ref()) {
        command.push_str(&format!(" --transport {transport}"));
    }
    command.push_str(&format!(" --seed {}", outcome.seed));
    if let Some(experiment) = &args.experiment {
        command.push_str(&format!(" --experiment {}", experiment.display()));
    }
    picture::write_page(&Explained::of(&picture::read(&trace)?).replayed_by(&command), &file)?;
    Ok(format!("page: {}\n", workspace.shown(&file)))
}

/// `12.3 ms`: whole numbers only, as everywhere.
fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_three_places_or_so() {
        assert_eq!(micros(999), "999 µs");
        assert_eq!(micros(12_345), "12.3 ms");
        assert_eq!(micros(61_070_000), "61.07 s");
    }
}
