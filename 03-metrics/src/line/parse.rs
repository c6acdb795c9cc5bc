//! A line becomes a point, or an error that says where. Pure.

use super::escape::unescape;
use super::write::at_most;
use super::{BETWEEN, Element, LONGEST_KEY, LONGEST_LINE, LONGEST_TEXT, LineError, Precision, number};
use crate::point::{Point, Value};

/// Reads a line, its time in nanoseconds. `None` of a comment and of an empty line.
///
/// # Errors
/// Says what was read where, and what was expected.
pub fn parse(line: &str) -> Result<Option<Point>, LineError> {
    parse_in(line, Precision::Nanoseconds)
}

/// Reads a line, its time in this precision. `None` of a comment and of an empty line.
///
/// # Errors
/// Says what was read where, and what was expected.
pub fn parse_in(line: &str, precision: Precision) -> Result<Option<Point>, LineError> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    at_most(LONGEST_LINE, line.len(), Element::Line)?;
    let mut cursor = Cursor { line, at: 0 };
    cursor.skips_spaces();
    if cursor.rest().is_empty() || cursor.rest().starts_with('#') {
        return Ok(None);
    }
    if let Some(at) = line.find('\n') {
        return Err(LineError::Malformed { at: at + 1, got: "a line break".into(), expected: "one line" });
    }
    let begin = cursor.at;
    let mut point = Point::new(cursor.name(Element::Measurement)?);
    // solution: begin — Part A: read a line
    while cursor.takes(',') {
        let key = cursor.name(Element::TagKey)?;
        cursor.expect('=', "`=` and the tag's value")?;
        let value = cursor.text(Element::TagValue)?;
        if point.tag_value(&key).is_some() {
            return Err(LineError::Twice(Element::TagKey, key));
        }
        point = point.tag(key, value);
    }
    let series = cursor.at - begin;
    cursor.expect(' ', "`,` and a tag, or a space and the fields")?;
    cursor.skips_spaces();
    loop {
        let begin = cursor.at;
        let key = cursor.name(Element::FieldKey)?;
        at_most(LONGEST_KEY, series + BETWEEN + cursor.at - begin, Element::SeriesKey)?;
        cursor.expect('=', "`=` and the field's value")?;
        let value = cursor.value()?;
        if point.field_value(&key).is_some() {
            return Err(LineError::Twice(Element::FieldKey, key));
        }
        point = point.field(key, value);
        if !cursor.takes(',') {
            break;
        }
    }
    if cursor.takes(' ') {
        cursor.skips_spaces();
        if !cursor.rest().is_empty() {
            point = point.at(precision.to_ns(cursor.time()?)?);
        }
    }
    // solution: end
    cursor.ends()?;
    Ok(Some(point))
}

/// How far the line has been read.
struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    /// The next character, if it is this one.
    fn takes(&mut self, letter: char) -> bool {
        let takes = self.rest().starts_with(letter);
        self.at += if takes { letter.len_utf8() } else { 0 };
        takes
    }

    /// Spaces that mean nothing, if there are some.
    fn skips_spaces(&mut self) {
        self.at = self.line.len() - self.rest().trim_start_matches(' ').len();
    }

    fn expect(&mut self, letter: char, expected: &'static str) -> Result<(), LineError> {
        if self.takes(letter) { Ok(()) } else { Err(self.malformed(expected)) }
    }

    /// What stands here is not what was expected.
    fn malformed(&self, expected: &'static str) -> LineError {
        let got = match self.rest().chars().next() {
            None => "the end of the line".to_string(),
            Some(_) => format!("`{}`", self.rest().chars().take(20).collect::<String>().escape_debug()),
        };
        LineError::Malformed { at: self.at + 1, got, expected }
    }

    /// Text outside of quotes, with at least one character.
    fn text(&mut self, element: Element) -> Result<String, LineError> {
        let (text, length) = unescape(self.rest(), element);
        if text.is_empty() {
            return Err(LineError::Empty(element));
        }
        self.at += length;
        Ok(text)
    }

    /// A name. One that begins with an underscore is read: files of the database itself have such.
    fn name(&mut self, element: Element) -> Result<String, LineError> {
        self.text(element)
    }

    /// The value of a field: text in quotes, else whatever stands before the next comma or space.
    fn value(&mut self) -> Result<Value, LineError> {
        // solution: begin — Part A: read the value of a field
        if self.takes('"') {
            let (text, length) = unescape(self.rest(), Element::Text);
            at_most(LONGEST_TEXT, text.len(), Element::Text)?;
            self.at += length;
            self.expect('"', "a closing `\"`")?;
            return Ok(Value::Text(text));
        }
        let length = self.rest().find([',', ' ']).unwrap_or(self.rest().len());
        let value = number::parse(&self.rest()[..length]);
        let expected = "a value: 1.5, 3i, 3u, true or \"text\"";
        let value = value.ok_or_else(|| self.malformed(expected))?;
        self.at += length;
        Ok(value)
        // solution: end
    }

    /// A time: digits, perhaps after a minus.
    fn time(&mut self) -> Result<i64, LineError> {
        let expected = "a time: a whole number";
        let length = self.rest().find(' ').unwrap_or(self.rest().len());
        let text = &self.rest()[..length];
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.malformed(expected));
        }
        let time = text.parse().map_err(|_| LineError::Time(text.to_string(), Precision::Nanoseconds))?;
        self.at += length;
        Ok(time)
    }

    fn ends(&self) -> Result<(), LineError> {
        if self.rest().trim_start_matches(' ').is_empty() {
            Ok(())
        } else {
            Err(self.malformed("the end of the line"))
        }
    }
}
