//! `metrics report`: a table, and pictures, of a file or a database.

use super::options::Database;
use super::terminal::say;
use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, TableStyle};
use metrics::influx::address::Target;
use metrics::line::Precision;
use metrics::query::{Figures, Groups, Query, downsample, figures};
use metrics::reader::{Reading, read};
use metrics::{Percentiles, Point, chart};
use serde_json::{Value, json};
use simnet::delay::Micros;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The arguments of `metrics report`.
#[derive(Args)]
pub struct Arguments {
    /// Files of lines; without one, the database.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the times of the files count: s, ms, us, ns.
    #[arg(long, default_value = "ns")]
    precision: Precision,
    /// The measurement.
    #[arg(short, long, default_value = "delivery")]
    measurement: String,
    /// The field. One that ends with _ns is shown in milliseconds.
    #[arg(short, long, default_value = "latency_ns")]
    field: String,
    /// Tags by which points are grouped.
    #[arg(short, long = "by", value_delimiter = ',', default_value = "topic")]
    by: Vec<String>,
    /// Only points with this tag: KEY=VALUE.
    #[arg(short = 'w', long = "where", value_parser = pair)]
    filter: Vec<(String, String)>,
    /// Only from this moment on, in nanoseconds since 1970.
    #[arg(long, value_name = "NS", allow_hyphen_values = true)]
    from: Option<i64>,
    /// Only before this moment, in nanoseconds since 1970.
    #[arg(long, value_name = "NS", allow_hyphen_values = true)]
    until: Option<i64>,
    /// A row for each window of this length.
    #[arg(long, value_name = "LENGTH")]
    every: Option<Micros>,
    /// Draw cdf.svg and time.svg into this folder.
    #[arg(long, value_name = "FOLDER")]
    svg: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// How long the database may take.
    #[arg(long, default_value = "60s")]
    patience: Micros,
    #[command(flatten)]
    database: Database,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("read the filter `{text}`, expected KEY=VALUE, such as topic=humidity"))?;
    Ok((key.to_string(), value.to_string()))
}

/// Reports.
pub fn report(arguments: &Arguments) -> Result<ExitCode> {
    let by: Vec<String> = arguments.by.iter().filter(|tag| !tag.is_empty()).cloned().collect();
    let query = Query {
        measurement: Some(arguments.measurement.clone()),
        field: arguments.field.clone(),
        from_ns: arguments.from,
        until_ns: arguments.until,
        filter: arguments.filter.clone(),
        by,
    };
    if arguments.every.is_some_and(|every| every.0 == 0) {
        bail!("read windows of no length, expected some, such as --every 1s");
    }
    let (groups, readings) = collect(arguments, &query)?;
    if groups.samples.is_empty() {
        bail!(
            "found no number in the field `{}` of `{}`{}; other names go with --measurement and --field",
            query.field,
            arguments.measurement,
            if groups.without > 0 { " where it was asked for" } else { "" }
        );
    }
    if arguments.json {
        say(&as_json(&groups, &query, &readings).to_string());
    } else {
        readings.iter().for_each(|(name, reading)| tell(name, reading));
        say(&table(&groups, &query, arguments.every));
        say(&format!(
            "percentiles by nearest rank over all values, exactly; rate is (count - 1) over the time from the first to the last{}",
            if query.field.ends_with("_ns") { "; times in ms" } else { "" }
        ));
    }
    if let Some(folder) = &arguments.svg {
        draw(arguments, &groups, folder)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn collect(arguments: &Arguments, query: &Query) -> Result<(Groups, Vec<(String, Reading)>)> {
    let (mut groups, mut readings) = (Groups::default(), Vec::new());
    for file in &arguments.files {
        let name = file.display().to_string();
        let reading = read(file, arguments.precision, |point| query.add(&point, &mut groups));
        readings.push((name.clone(), reading.with_context(|| format!("could not read {name}"))?));
    }
    if arguments.files.is_empty() {
        let target = arguments.database.target()?;
        let target =
            target.context("no file and no database are named; name a file, or a database with --url")?;
        for point in ask(&target, query, arguments.patience.into())? {
            query.add(&point, &mut groups);
        }
    }
    Ok((groups, readings))
}

/// Asks a database for the points of a query.
#[cfg(feature = "flux")]
fn ask(target: &Target, query: &Query, patience: Duration) -> Result<Vec<Point>> {
    Ok(metrics::influx::ask::points(target, query, patience)?)
}

/// Says how to get a program that asks databases.
#[cfg(not(feature = "flux"))]
fn ask(target: &Target, _: &Query, _: Duration) -> Result<Vec<Point>> {
    bail!(
        "this program cannot ask {}: it was built without the feature `flux`; next: cargo run -p lab-metrics --features flux -- report --url …",
        target.address
    )
}

/// What was passed over in a file.
fn tell(name: &str, reading: &Reading) {
    for bad in &reading.first_bad {
        eprintln!("{name}, {bad}");
    }
    if reading.bad > reading.first_bad.len() as u64 {
        eprintln!("{name}: {} bad lines in all; they are passed over", reading.bad);
    }
    if let Some(torn) = &reading.torn {
        eprintln!("{name}, {torn}: its program has crashed, or is still writing");
    }
}

fn as_json(groups: &Groups, query: &Query, readings: &[(String, Reading)]) -> Value {
    let group = |(tags, samples): (&Vec<String>, &Vec<_>)| {
        let tags: serde_json::Map<String, Value> =
            query.by.iter().cloned().zip(tags.iter().map(|value| json!(value))).collect();
        json!({"tags": tags, "figures": figures(samples)})
    };
    let groups: Vec<Value> = groups.samples.iter().map(group).collect();
    let bad: u64 = readings.iter().map(|(_, reading)| reading.bad).sum();
    let torn = readings.iter().filter(|(_, reading)| reading.torn.is_some()).count();
    json!({"measurement": query.measurement, "field": query.field, "groups": groups, "bad": bad, "torn": torn})
}

#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "for people to read")]
fn table(groups: &Groups, query: &Query, every: Option<Micros>) -> String {
    let times = query.field.ends_with("_ns");
    let number = |value: f64| if times { format!("{:.3}", value / 1e6) } else { format!("{value:.3}") };
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    let mut head = query.by.clone();
    head.extend(every.map(|_| "from s".to_string()));
    head.extend(["count", "per s", "mean", "p50", "p90", "p95", "p99", "max"].map(String::from));
    let left = query.by.len();
    table.set_header(head);
    let mut add = |tags: &[String], window: Option<String>, of: &Figures| {
        let rate = of.rate.map_or("-".to_string(), |rate| format!("{rate:.1}"));
        let Percentiles { count, mean, p50, p90, p95, p99, max, .. } = of.values;
        let figures = [mean, p50, p90, p95, p99, max].map(number);
        let cells = [count.to_string(), rate].into_iter().chain(figures);
        table.add_row(tags.iter().cloned().chain(window).chain(cells));
    };
    let first = groups.samples.values().flatten().map(|sample| sample.time_ns).min().unwrap_or_default();
    for (tags, samples) in &groups.samples {
        match every.map(|every| i64::try_from(every.0.saturating_mul(1000)).unwrap_or(i64::MAX)) {
            None => add(tags, None, &figures(samples).expect("a group has samples")),
            Some(every_ns) => {
                for (begin, of) in downsample(samples, every_ns) {
                    let since = begin.saturating_sub(first - first.rem_euclid(every_ns));
                    add(tags, Some(format!("{:.3}", since as f64 / 1e9)), &of);
                }
            }
        }
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if at < left { CellAlignment::Left } else { CellAlignment::Right });
    }
    table.trim_fmt()
}

fn draw(arguments: &Arguments, groups: &Groups, folder: &PathBuf) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("could not make the folder {}", folder.display()))?;
    let (unit, scale) =
        if arguments.field.ends_with("_ns") { ("ms", 1e-6) } else { (arguments.field.as_str(), 1.0) };
    let title = format!("{} {}", arguments.measurement, arguments.field.trim_end_matches("_ns"));
    for (name, drawn) in [
        ("cdf.svg", chart::cdf(groups, &title, unit, scale)?),
        ("time.svg", chart::time_series(groups, &title, unit, scale)?),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, drawn).with_context(|| format!("could not write {}", path.display()))?;
        say(&format!("drawn: {}", path.display()));
    }
    if groups.samples.len() > chart::MOST_LINES {
        say(&format!("of {} groups the first {} are drawn", groups.samples.len(), chart::MOST_LINES));
    }
    Ok(())
}
