//! A point becomes a line. Pure.

use super::escape::escape;
use super::{BETWEEN, Element, LONGEST_KEY, LONGEST_LINE, LONGEST_TEXT, LineError, Precision, number};
use crate::point::{Point, Value};

/// The line of a point, without a line break, its time in nanoseconds. Tags and fields stand in the order of their keys.
///
/// # Errors
/// When it has none.
pub fn write(point: &Point) -> Result<String, LineError> {
    write_in(point, Precision::Nanoseconds)
}

/// The line of a point, its time in this precision.
///
/// # Errors
/// When it has none.
pub fn write_in(point: &Point, precision: Precision) -> Result<String, LineError> {
    let mut line = String::with_capacity(128);
    // solution: begin — Part A: write a line
    if point.measurement().starts_with('#') {
        return Err(LineError::Comment(point.measurement().to_string()));
    }
    name(point.measurement(), Element::Measurement, &mut line)?;
    for (key, value) in point.tags() {
        line.push(',');
        name(key, Element::TagKey, &mut line)?;
        line.push('=');
        text(value, Element::TagValue, &mut line)?;
    }
    let series = line.len();
    let mut before = ' ';
    for (key, value) in point.fields() {
        line.push(before);
        let begin = line.len();
        name(key, Element::FieldKey, &mut line)?;
        at_most(LONGEST_KEY, series + BETWEEN + line.len() - begin, Element::SeriesKey)?;
        line.push('=');
        field(key, value, &mut line)?;
        before = ',';
    }
    if point.fields().is_empty() {
        return Err(LineError::NoFields);
    }
    if let Some(time_ns) = point.time_ns() {
        line.push(' ');
        line.push_str(&precision.from_ns(time_ns)?.to_string());
    }
    at_most(LONGEST_LINE, line.len(), Element::Line)?;
    // solution: end
    Ok(line)
}

/// The value of a field.
fn field(key: &str, value: &Value, line: &mut String) -> Result<(), LineError> {
    // solution: begin — Part A: write a value
    match value {
        Value::Float(value) => line.push_str(&number::float(*value, key)?),
        Value::Integer(value) => line.push_str(&format!("{value}i")),
        Value::Unsigned(value) => line.push_str(&format!("{value}u")),
        Value::Boolean(value) => line.push_str(&value.to_string()),
        Value::Text(value) => {
            at_most(LONGEST_TEXT, value.len(), Element::Text)?;
            unbroken(value, Element::Text)?;
            line.push('"');
            escape(value, Element::Text, line);
            line.push('"');
        }
    }
    Ok(())
    // solution: end
}

/// A name: text that does not begin with an underscore.
fn name(name: &str, element: Element, line: &mut String) -> Result<(), LineError> {
    if name.starts_with('_') {
        return Err(LineError::Reserved(element, name.to_string()));
    }
    text(name, element, line)
}

/// Text that is not empty, outside of quotes.
fn text(text: &str, element: Element, line: &mut String) -> Result<(), LineError> {
    if text.is_empty() {
        return Err(LineError::Empty(element));
    }
    unbroken(text, element)?;
    escape(text, element, line);
    Ok(())
}

fn unbroken(text: &str, element: Element) -> Result<(), LineError> {
    if text.contains(['\n', '\r']) {
        return Err(LineError::LineBreak(element, text.escape_debug().to_string()));
    }
    Ok(())
}

pub(super) fn at_most(most: usize, length: usize, element: Element) -> Result<(), LineError> {
    if length > most { Err(LineError::TooLong { element, length, most }) } else { Ok(()) }
}
