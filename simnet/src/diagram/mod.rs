//! Space-time diagrams for the terminal: the text twin of the page that shows a failure.
//!
//! Time flows down, a node is a column, a line is an event. A message is an arrow on the line of its delivery,
//! from the column of its sender to that of its reader; what does not fit on the arrow stands at the right.
//!
//! ```
//! use simnet::diagram::{Options, render};
//! use simnet::trace::Trace;
//!
//! let recorded = r#"{"simnet_trace":1,"lab":"demo","seed":1,"world":"sim","nodes":["a","b"],"run":"one ping"}
//! {"at":0,"seq":0,"kind":"send","node":"a","peer":"b","id":1,"name":"Ping","body":{"round":1}}
//! {"at":1500,"seq":1,"kind":"deliver","node":"b","peer":"a","id":1,"name":"Ping","body":{"round":1}}
//! "#;
//! let trace = Trace::read(recorded.as_bytes()).unwrap();
//! let diagram = render(&trace, &Options::default());
//! assert!(diagram.contains("├──Ping round=1──>│"));
//! ```

mod canvas;
mod draw;
mod label;
mod layout;
mod story;

use crate::trace::{Header, Trace};
use canvas::{Ink, Line};
use draw::{Row, Weight};
use layout::Layout;
use story::{Act, Fate, Story, What};

/// How a diagram is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// No line is wider than this many columns. Narrower than 40 is drawn as 40, wider than 400 as 400.
    pub width: usize,
    /// Whether to colour it with ANSI sequences, which do not count as columns.
    pub color: bool,
    /// About how many lines to print at most: the middle is left out, but never the title and never a violation.
    pub max_lines: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Options { width: 100, color: false, max_lines: None }
    }
}

/// The names of the nodes are repeated after this many lines, about a screen.
const PAGE: usize = 40;

/// Draws a trace as a space-time diagram, every line with its line feed.
///
/// Whatever the trace holds, this answers with something readable: nodes that the header does not list get a
/// column too, and with more nodes than columns fit it becomes a list, a line an event.
#[must_use]
pub fn render(trace: &Trace, options: &Options) -> String {
    let width = options.width.clamp(40, 400);
    let story = story::tell(trace);
    let layout = Layout::of(&story, width);
    let top = title(&trace.header, &story, &layout);
    let names = if story.steps.is_empty() { Vec::new() } else { draw::header(&story, &layout) };
    let bottom = reminder(&story, &layout);
    let mut rows = draw::draw(&story, &layout);
    if let Some(most) = options.max_lines {
        let besides = top.len() + names.len() + bottom.len() + most / PAGE * names.len();
        rows = leave_out(rows, most.saturating_sub(besides), &layout);
    }
    let mut text = String::new();
    for line in &top {
        line.print(options.color, &mut text);
    }
    print_rows(rows, &names, &layout, options.color, &mut text);
    for line in &bottom {
        line.print(options.color, &mut text);
    }
    text
}

/// What ran, and how to read what follows.
fn title(header: &Header, story: &Story, layout: &Layout) -> Vec<Line> {
    let run = if header.run.is_empty() { String::new() } else { format!(": {}", header.run) };
    let title = format!("{}{run} (world {}, seed {})", header.lab, header.world, header.seed);
    let legend = if story.steps.is_empty() { "nothing happened".to_owned() } else { legend(story, layout) };
    let mut lines = Vec::new();
    for (text, ink) in [(label::clean(&title), Ink::Bold), (legend, Ink::Dim)] {
        let mut line = Line::new(layout.width);
        line.text(0, &label::cut(&text, layout.width), ink);
        lines.extend((!text.is_empty()).then_some(line));
    }
    lines.push(Line::new(layout.width));
    lines
}

/// The signs that occur in this diagram, as many as there is room for; the words at the right tell the rest.
fn legend(story: &Story, layout: &Layout) -> String {
    if layout.is_list() {
        return format!("{} nodes, too many for columns at this width", layout.columns.len());
    }
    let arrow = |fates: &[Fate]| {
        story.steps.iter().any(|step| matches!(&step.what, What::Arrow(arrow) if fates.contains(&arrow.fate)))
    };
    let mark = |sign: char| {
        let done = |act: &Act| act.done.iter().any(|&(mark, _)| mark == sign);
        story.steps.iter().any(|step| matches!(&step.what, What::Act(act) if done(act)))
    };
    let idle = format!("{} idle nodes not drawn", layout.hidden());
    let signs = [
        (layout.hidden() > 0, idle.as_str()),
        (mark('o'), "o sends"),
        (arrow(&[Fate::Read, Fate::ReadAgain]), "──> is read"),
        (arrow(&[Fate::Lost]), "──x is lost"),
        (arrow(&[Fate::Copied]), "──+ is copied"),
        (mark('●'), "● output"),
        (mark('T'), "T timer"),
        (mark('w'), "w writes"),
        (mark('s'), "s syncs"),
    ];
    let mut legend = String::new();
    for (_, words) in signs.iter().filter(|(occurs, _)| *occurs) {
        let longer = if legend.is_empty() { (*words).to_owned() } else { format!("{legend}   {words}") };
        if label::len(&longer) > layout.width {
            break;
        }
        legend = longer;
    }
    legend
}

/// A terminal shows the end: a rule broken long before it is named there again.
fn reminder(story: &Story, layout: &Layout) -> Vec<Line> {
    let broken = |what: &What| matches!(what, What::Broken(_));
    if story.steps.last().is_none_or(|step| broken(&step.what)) {
        return Vec::new();
    }
    let times: Vec<String> =
        story.steps.iter().filter(|step| broken(&step.what)).map(|step| layout.clock.show(step.at)).collect();
    if times.is_empty() {
        return Vec::new();
    }
    let mut line = Line::new(layout.width);
    line.text(0, &label::cut(&format!("RULE BROKEN above, at {}", times.join(", ")), layout.width), Ink::Bad);
    vec![line]
}

/// Keeps about `room` rows: the first ones, the last ones, of which there are more, and every violation.
fn leave_out(rows: Vec<Row>, room: usize, layout: &Layout) -> Vec<Row> {
    if rows.len() <= room {
        return rows;
    }
    let kept = keep(&rows, room);
    let mut short = Vec::new();
    let (mut missing, mut faults) = (0, 0);
    for (row, kept) in rows.into_iter().zip(kept) {
        if kept {
            short.extend(gap(missing, faults, layout));
            (missing, faults) = (0, 0);
            short.push(row);
        } else {
            missing += 1;
            faults += usize::from(row.weight == Weight::Fault);
        }
    }
    short.extend(gap(missing, faults, layout));
    short
}

/// Which rows to keep.
fn keep(rows: &[Row], room: usize) -> Vec<bool> {
    let violation = |row: &Row| row.weight == Weight::Violation;
    let mut kept: Vec<bool> = rows.iter().map(violation).collect();
    // A line each for the gaps: one in the middle, and one more for each violation in it.
    let boxes = kept.chunk_by(|one, other| one == other).filter(|run| run[0]).count();
    let left = room.saturating_sub(kept.iter().filter(|&&kept| kept).count() + boxes + 1);
    let head = left / 3;
    let events: Vec<usize> = (0..rows.len()).filter(|&row| !kept[row]).collect();
    let tail = events.len().saturating_sub(left - head);
    for (number, &row) in events.iter().enumerate() {
        kept[row] = number < head || number >= tail;
    }
    kept
}

/// The line that stands for rows that are left out.
fn gap(missing: usize, faults: usize, layout: &Layout) -> Option<Row> {
    let lines = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let words = match (missing, faults) {
        (0, _) => return None,
        (_, 0) => format!("… {} left out …", lines(missing, "line")),
        _ => format!("… {} left out, {} among them …", lines(missing, "line"), lines(faults, "fault")),
    };
    let mut line = Line::new(layout.width);
    line.text(layout.left, &words, Ink::Note);
    Some(Row { at: None, line, weight: Weight::Event })
}

/// The rows with their times, below the names.
fn print_rows(rows: Vec<Row>, names: &[Line], layout: &Layout, color: bool, to: &mut String) {
    let mut above = None;
    for (number, mut row) in rows.into_iter().enumerate() {
        if number == 0 || (number % PAGE == 0 && !layout.is_list()) {
            names.iter().for_each(|line| line.print(color, to));
            above = None;
        }
        if let Some(at) = row.at.filter(|_| row.at != above) {
            let time = layout.clock.bare(at);
            row.line.text(layout.left.saturating_sub(2 + label::len(&time)), &time, Ink::Dim);
        }
        above = row.at;
        row.line.print(color, to);
    }
}

/// A message in the words of a picture: its name, and its fields as a person would jot them down.
pub(crate) fn words_of(name: &str, body: Option<&serde_json::Value>) -> String {
    let fields = label::fields(name, body);
    if fields.is_empty() { name.to_owned() } else { format!("{name} {fields}") }
}
