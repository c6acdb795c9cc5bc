//! `metrics report`: a table, and pictures, of a file or a database.

use super::options::Database;
use super::terminal::{say, warn};
use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, TableStyle};
use metrics::influx::address::Target;
use metrics::line::Precision;
use metrics::query::{Figures, Groups, Query, Sample, downsample, figures};
use metrics::reader::{Reading, read};
use metrics::{Percentiles, Point, chart};
use serde_json::{Value, json};
use simnet::delay::Micros;
use std::collections::BTreeMap;
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
    let Collected { groups, bounds, readings } = collect(arguments, &query)?;
    readings.iter().for_each(|(name, reading)| tell(name, reading));
    if groups.samples.is_empty() {
        bail!(
            "found no number in the field `{}` of `{}`{}; other names go with --measurement and --field",
            query.field,
            arguments.measurement,
            if groups.without > 0 { " where it was asked for" } else { "" }
        );
    }
    if arguments.json {
        say(&as_json(&groups, &bounds, &query, arguments.every, &readings).to_string());
    } else {
        say(&table(&groups, &bounds, &query, arguments.every));
        say(&format!(
            "percentiles by nearest rank over all values, exactly; rate is (count - 1) over the time from the first to the last{}",
            if query.field.ends_with("_ns") { "; times in ms" } else { "" }
        ));
        if let Some(clocks) = bounds.clocks() {
            say(clocks);
        }
    }
    if let Some(folder) = &arguments.svg {
        draw(arguments, &groups, folder)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was found.
#[derive(Default)]
struct Collected {
    groups: Groups,
    bounds: Bounds,
    readings: Vec<(String, Reading)>,
}

fn collect(arguments: &Arguments, query: &Query) -> Result<Collected> {
    let mut collected = Collected::default();
    let bounded = Bounds::query(query);
    for file in &arguments.files {
        let name = file.display().to_string();
        let reading = read(file, arguments.precision, |point| {
            query.add(&point, &mut collected.groups);
            bounded.iter().for_each(|bounded| bounded.add(&point, &mut collected.bounds.0));
        });
        collected.readings.push((name.clone(), reading.with_context(|| format!("could not read {name}"))?));
    }
    if arguments.files.is_empty() {
        let target = arguments.database.target()?;
        let target =
            target.context("no file and no database are named; name a file, or a database with --url")?;
        let patience = arguments.patience.into();
        ask(&target, query, patience)?.iter().for_each(|point| query.add(point, &mut collected.groups));
        if let Some(bounded) = bounded {
            let points = ask(&target, &bounded, patience)?;
            points.iter().for_each(|point| bounded.add(point, &mut collected.bounds.0));
        }
    }
    Ok(collected)
}

/// How wrong one-way latencies may be, since two clocks were looked at: the field `error_ns` of the same points, in the same groups.
#[derive(Default)]
struct Bounds(Groups);

impl Bounds {
    /// What to ask for besides: only one-way latencies have such a bound.
    fn query(query: &Query) -> Option<Query> {
        (query.field == "latency_ns").then(|| Query { field: "error_ns".to_string(), ..query.clone() })
    }

    fn largest(&self) -> Option<f64> {
        self.0.samples.values().flatten().map(|sample| sample.value).reduce(f64::max)
    }

    /// The bound of a group.
    fn of(&self, tags: &[String], group: &Figures) -> Option<f64> {
        all_of(&figures(self.0.samples.get(tags)?)?, group)
    }

    /// The bounds in each window of a group.
    fn windows(&self, tags: &[String], every_ns: i64) -> BTreeMap<i64, Figures> {
        self.0.samples.get(tags).map(|samples| downsample(samples, every_ns)).unwrap_or_default()
    }

    /// What there is to say about clocks, below the figures.
    fn clocks(&self) -> Option<&'static str> {
        Some(if self.largest()? > 0.0 {
            "error: no latency is further from the truth, as the clocks were before the run; what they drifted since, `metrics subscribe` has said at its end"
        } else {
            "one clock: latencies have no error from offsets"
        })
    }
}

/// The largest of these bounds; `None` unless each of the points says one.
fn all_of(bounds: &Figures, points: &Figures) -> Option<f64> {
    (bounds.values.count == points.values.count).then_some(bounds.values.max)
}

/// Where the window begins that this moment is in.
fn window_of(time_ns: i64, every_ns: i64) -> i64 {
    time_ns.saturating_sub(time_ns.rem_euclid(every_ns))
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
        warn(&format!("{name}, {bad}"));
    }
    if reading.bad > reading.first_bad.len() as u64 {
        warn(&format!("{name}: {} bad lines in all; they are passed over", reading.bad));
    }
    if let Some(torn) = &reading.torn {
        warn(&format!("{name}, {torn}: its program has crashed, or is still writing"));
    }
}

fn as_json(
    groups: &Groups,
    bounds: &Bounds,
    query: &Query,
    every: Option<Micros>,
    readings: &[(String, Reading)],
) -> Value {
    let group = |(tags, samples): (&Vec<String>, &Vec<Sample>)| {
        let named: serde_json::Map<String, Value> =
            query.by.iter().cloned().zip(tags.iter().map(|value| json!(value))).collect();
        let of = figures(samples).expect("a group has samples");
        let mut group = json!({"tags": named, "figures": of, "error_ns": bounds.of(tags, &of)});
        if let Some(every_ns) = every.map(length_ns) {
            let errors = bounds.windows(tags, every_ns);
            let window = |(begin, of): (i64, Figures)| {
                let error_ns = errors.get(&begin).and_then(|errors| all_of(errors, &of));
                json!({"from_ns": begin, "figures": of, "error_ns": error_ns})
            };
            group["windows"] = downsample(samples, every_ns).into_iter().map(window).collect();
        }
        group
    };
    let groups: Vec<Value> = groups.samples.iter().map(group).collect();
    let bad: u64 = readings.iter().map(|(_, reading)| reading.bad).sum();
    let torn = readings.iter().filter(|(_, reading)| reading.torn.is_some()).count();
    json!({"measurement": query.measurement, "field": query.field, "groups": groups, "bad": bad, "torn": torn})
}

/// How long a window is.
fn length_ns(every: Micros) -> i64 {
    i64::try_from(every.0.saturating_mul(1000)).unwrap_or(i64::MAX)
}

#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "for people to read")]
fn table(groups: &Groups, bounds: &Bounds, query: &Query, every: Option<Micros>) -> String {
    let times = query.field.ends_with("_ns");
    let number = |value: f64| if times { format!("{:.3}", value / 1e6) } else { format!("{value:.3}") };
    let with_error = bounds.largest().is_some_and(|largest| largest > 0.0);
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    let mut head = query.by.clone();
    head.extend(every.map(|_| "from s".to_string()));
    head.extend(["count", "per s", "mean", "p50", "p90", "p95", "p99", "max"].map(String::from));
    head.extend(with_error.then(|| "error ≤".to_string()));
    let left = query.by.len();
    table.set_header(head);
    let mut add = |tags: &[String], window: Option<String>, of: &Figures, error: Option<f64>| {
        let rate = of.rate.map_or("-".to_string(), |rate| format!("{rate:.1}"));
        let Percentiles { count, mean, p50, p90, p95, p99, max, .. } = of.values;
        let figures = [mean, p50, p90, p95, p99, max].map(number);
        let error = with_error.then(|| error.map_or("-".to_string(), number));
        let cells = [count.to_string(), rate].into_iter().chain(figures).chain(error);
        table.add_row(tags.iter().cloned().chain(window).chain(cells));
    };
    let first = groups.samples.values().flatten().map(|sample| sample.time_ns).min().unwrap_or_default();
    for (tags, samples) in &groups.samples {
        let Some(every_ns) = every.map(length_ns) else {
            let of = figures(samples).expect("a group has samples");
            add(tags, None, &of, bounds.of(tags, &of));
            continue;
        };
        let errors = bounds.windows(tags, every_ns);
        for (begin, of) in downsample(samples, every_ns) {
            let since = begin.saturating_sub(window_of(first, every_ns));
            let error = errors.get(&begin).and_then(|errors| all_of(errors, &of));
            add(tags, Some(format!("{:.3}", since as f64 / 1e9)), &of, error);
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
