//! Pictures of latencies, as SVG that is readable on light and on dark. Pure: text comes out.
//!
//! plotters writes colours into the elements. Each colour here stands for a part: a style sheet in the picture says what it looks like, and
//! says it anew for those who prefer dark (`prefers-color-scheme`). Where style sheets are not heeded, the light colours are left.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a picture of what was measured; no run depends on it"
)]

use crate::percentile::nearest_rank;
use crate::query::{Groups, Sample, downsample};
use plotters::prelude::*;
use std::collections::BTreeMap;
use thiserror::Error;

/// How wide and high a picture is.
const SIZE: (u32, u32) = (900, 480);
/// The most points of a line.
const POINTS: usize = 1000;
/// The largest value that is drawn, either way: an axis is a little longer, and has a middle. What is smaller than its inverse is 0.
const MOST: f64 = 1e100;
/// The most windows of a time series.
const WINDOWS: i64 = 200;
/// The most lines of a picture: more cannot be told apart.
pub const MOST_LINES: usize = 6;

const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xfe);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x21);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdc);
/// Of each line: on light, and on dark. Told apart by those who see no red and green, too (Okabe and Ito 2008).
const LINES: [(RGBColor, &str); MOST_LINES] = [
    (RGBColor(0x00, 0x72, 0xb2), "#56b4e9"),
    (RGBColor(0xb3, 0x4e, 0x00), "#e69f00"),
    (RGBColor(0x00, 0x7a, 0x57), "#2fd3a4"),
    (RGBColor(0xa3, 0x4b, 0x80), "#e08cbf"),
    (RGBColor(0x60, 0x55, 0x00), "#f0e442"),
    (RGBColor(0x33, 0x33, 0x99), "#a9b4ff"),
];

/// Why there is no picture.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChartError {
    /// There is nothing to draw.
    #[error("there is nothing to draw: no sample was found")]
    Nothing,
    /// An axis would have no end.
    #[error(
        "read a value of {0}, expected at most {MOST:e} to draw; take others with --from, --until or --where"
    )]
    TooFar(String),
    /// plotters says no.
    #[error("could not draw: {0}")]
    Drawing(String),
}

/// A line of a picture: its name and its points.
type Line = (String, Vec<(f64, f64)>);

/// The share of samples that are no greater than a value: a line a group. Values are multiplied by `scale`, and are of this `unit` then.
///
/// # Errors
/// When there is no sample.
pub fn cdf(groups: &Groups, title: &str, unit: &str, scale: f64) -> Result<String, ChartError> {
    let lines = names(groups).map(|(name, samples)| {
        let mut values: Vec<f64> = samples.iter().map(|sample| sample.value * scale).collect();
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len().min(POINTS);
        let at = |step: usize| {
            let hundredths = (step * 10_000).div_ceil(count.max(1)) as u32;
            let rank = nearest_rank(values.len(), hundredths).unwrap_or_default();
            (values[rank], (rank + 1) as f64 * 100.0 / values.len() as f64)
        };
        (name, steps((1..=count).map(at)))
    });
    draw(title, unit, "% of messages", SeriesLabelPosition::LowerRight, lines.collect())
}

/// A line that goes up where a value is, and nowhere else.
fn steps(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut line = Vec::new();
    let mut share = 0.0;
    for (value, next) in points {
        line.extend([(value, share), (value, next)]);
        share = next;
    }
    line
}

/// Values over time: of each group the 99th percentile of each of some 200 windows.
///
/// # Errors
/// When there is no sample.
pub fn time_series(groups: &Groups, title: &str, unit: &str, scale: f64) -> Result<String, ChartError> {
    let all = || groups.samples.values().flatten().map(|sample| sample.time_ns);
    let (first, last) = (all().min().ok_or(ChartError::Nothing)?, all().max().ok_or(ChartError::Nothing)?);
    let every_ns = (last.saturating_sub(first) / WINDOWS).max(1);
    let lines = names(groups).map(|(name, samples)| {
        let windows: BTreeMap<i64, _> = downsample(samples, every_ns);
        let second = |begin: i64| begin.saturating_sub(first).max(0) as f64 / 1e9;
        (name, windows.iter().map(|(begin, of)| (second(*begin), of.values.p99 * scale)).collect())
    });
    draw(
        title,
        "s since the first",
        &format!("p99, {unit}"),
        SeriesLabelPosition::UpperRight,
        lines.collect(),
    )
}

/// Some characters cannot stand in XML at all, not even escaped.
fn drawable(text: &str) -> String {
    let no = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|letter| if no(letter) { '\u{fffd}' } else { letter }).collect()
}

/// The groups that are drawn, by name.
fn names(groups: &Groups) -> impl Iterator<Item = (String, &Vec<Sample>)> {
    let name = |group: &Vec<String>| match group.join(", ") {
        name if name.is_empty() => "all".to_string(),
        name => name,
    };
    groups.samples.iter().take(MOST_LINES).map(move |(group, samples)| (drawable(&name(group)), samples))
}

fn draw(
    title: &str,
    across: &str,
    up: &str,
    names: SeriesLabelPosition,
    lines: Vec<Line>,
) -> Result<String, ChartError> {
    let points = || lines.iter().flat_map(|(_, points)| points.iter().copied());
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::MIN, f64::max);
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::MAX, f64::min);
    if points().next().is_none() {
        return Err(ChartError::Nothing);
    }
    if let Some(far) = points().flat_map(|(x, y)| [x, y]).find(|value| !(-MOST..=MOST).contains(value)) {
        return Err(ChartError::TooFar(format!("{far:.1e}")));
    }
    let (left, right) =
        (least(&mut points().map(|point| point.0)).min(0.0), most(&mut points().map(|point| point.0)));
    let (bottom, top) =
        (least(&mut points().map(|point| point.1)).min(0.0), most(&mut points().map(|point| point.1)));
    // Names at the top have room above all lines.
    let room =
        if matches!(names, SeriesLabelPosition::UpperRight) { 0.08 * (lines.len() + 1) as f64 } else { 0.02 };
    let mut svg = String::new();
    let axes = (left..wider(left, right, 0.02), bottom..wider(bottom, top, room));
    let (title, across, up) = (drawable(title), drawable(across), drawable(up));
    paint(&mut svg, &title, (&across, &up), axes, names, &lines)
        .map_err(|error| ChartError::Drawing(error.to_string()))?;
    Ok(with_style(&svg))
}

/// An axis has some length, and this share more than is needed.
fn wider(from: f64, to: f64, share: f64) -> f64 {
    if to - from > 1.0 / MOST { to + (to - from) * share } else { from + 1.0 }
}

type Axes = (std::ops::Range<f64>, std::ops::Range<f64>);

fn paint(
    svg: &mut String,
    title: &str,
    (across, up): (&str, &str),
    (x, y): Axes,
    names: SeriesLabelPosition,
    lines: &[Line],
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&PAPER)?;
    let font = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, font(20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(PAPER)
        .axis_style(INK)
        .label_style(font(14))
        .axis_desc_style(font(15))
        .x_desc(across)
        .y_desc(up)
        .draw()?;
    for ((name, points), (color, _)) in lines.iter().zip(LINES) {
        let drawn = chart.draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?;
        drawn
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(names)
        .background_style(PAPER)
        .border_style(GRID)
        .label_font(font(14))
        .draw()?;
    area.present()
}

/// What the parts look like for those who prefer dark.
fn with_style(svg: &str) -> String {
    let hex = |color: RGBColor| format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2);
    let rule = |color: RGBColor, dark: &str| {
        let light = hex(color);
        format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
    };
    let parts = [(PAPER, "#16181d"), (INK, "#e6e6e6"), (GRID, "#3a3f47")];
    let rules: String = parts.into_iter().chain(LINES).map(|(color, dark)| rule(color, dark)).collect();
    let style = format!("<style>@media (prefers-color-scheme: dark){{{rules}}}</style>");
    match svg.find('>').filter(|_| svg.starts_with("<svg")) {
        Some(at) => format!("{}{style}{}", &svg[..=at], &svg[at + 1..]),
        None => svg.to_string(),
    }
}
