//! Bytes with notes, a line for each. Pure: lines of text.

use super::{Anatomy, Span};

/// How many bytes stand on a line.
const ACROSS: usize = 8;
/// How many lines one note may take.
const MOST_LINES: usize = 8;

/// The lines. What no note is about is padding when it is zero, and belongs to nothing else.
pub fn lines(bytes: &[u8], anatomy: &Anatomy) -> Vec<String> {
    let mut lines = Vec::new();
    let mut reached = 0;
    for span in &anatomy.spans {
        if span.at > reached {
            gap(bytes, reached, span.at, &mut lines);
        }
        let again = if span.at < reached { " (again)" } else { "" };
        show(bytes, span, again, &mut lines);
        reached = reached.max(span.at.saturating_add(span.length));
    }
    if reached < bytes.len() {
        gap(bytes, reached, bytes.len(), &mut lines);
    }
    lines
}

fn gap(bytes: &[u8], from: usize, to: usize, lines: &mut Vec<String>) {
    let is_padding = bytes[from..to.min(bytes.len())].iter().all(|byte| *byte == 0);
    let text = if is_padding { "padding" } else { "belongs to nothing" };
    show(bytes, &Span { at: from, length: to - from, text: text.to_string() }, "", lines);
}

fn show(bytes: &[u8], span: &Span, again: &str, lines: &mut Vec<String>) {
    let end = span.at.saturating_add(span.length).min(bytes.len());
    let shown = bytes.get(span.at..end).unwrap_or_default();
    for (number, part) in shown.chunks(ACROSS).enumerate() {
        let at = span.at + number * ACROSS;
        if number == MOST_LINES {
            lines.push(format!("{at:>6}  … {} more bytes", end - at));
            return;
        }
        let hex: Vec<String> = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = if number == 0 { format!("{}{again}", span.text) } else { String::new() };
        lines.push(format!("{at:>6}  {:<23}  {text}", hex.join(" ")).trim_end().to_string());
    }
}
