//! The line protocol of InfluxDB, version 2: a point is a line of text. Pure.
//!
//! ```text
//! measurement,tag=value,tag=value field=1i,field="text" 1556813561098000000
//! ```
//!
//! | what | is written as | escaped by a backslash |
//! |---|---|---|
//! | measurement | as it is | comma, space |
//! | tag key, tag value, field key | as it is | comma, equals sign, space |
//! | float | `1.5`, `1e+78`, also `1`; NaN and the infinities cannot be written | |
//! | integer, unsigned | `-3i`, `3u` | |
//! | boolean | `t`, `T`, `true`, `True`, `TRUE`, and the same of false | |
//! | text | `"…"` | double quote, backslash |
//! | time | whole number in the precision of the request; from −(2^63 − 2) to 2^63 − 2 | |
//!
//! Of two backslashes in a row the first escapes the second. A backslash before any other character is a backslash. So a lone one is written
//! as it is, and one that stands before a backslash, before a character to be escaped or at the end is doubled. (InfluxDB's own parser,
//! before version 3, keeps both of such a pair in names and tags, and takes the comma after it for escaped: who can choose does not let a tag
//! end with a backslash.)
//!
//! Spaces at the beginning, and more than one where one stands, mean nothing; we write none. A line that begins with `#` is a comment. What has no line is an error: a line break in any text, an empty name or tag value, a name that
//! begins with `_` (reserved), a measurement that begins with `#`, a tag or field that comes twice, a point without fields.
//!
//! | file | idea |
//! |---|---|
//! | [`escape`] | a character that means something, meaning itself |
//! | [`number`] | values as text and back |
//! | [`write()`] | a point becomes a line |
//! | [`parse()`] | a line becomes a point, or an error that says where |
//! | [`precision`] | seconds, milliseconds, microseconds, nanoseconds |

pub mod escape;
pub mod number;
pub mod precision;

mod parse;
mod write;

pub use parse::{parse, parse_in};
pub use precision::Precision;
pub use write::{write, write_in};

use thiserror::Error;

/// The longest text of a field, in bytes.
pub const LONGEST_TEXT: usize = 65_536;
/// The longest key of a series, in bytes: what the database's index takes. It is measurement and tags as they are written, [`BETWEEN`], and the
/// key of a field; so the longest of these counts.
pub const LONGEST_KEY: usize = 65_535;
/// How many bytes the index puts between the tags and the field's key: `#!~#`.
pub const BETWEEN: usize = 4;
/// The longest line without its line break, in bytes. The protocol has no limit; a reader needs one.
pub const LONGEST_LINE: usize = 1 << 20;
/// The first and the last moment.
pub const TIMES_NS: std::ops::RangeInclusive<i64> = -9_223_372_036_854_775_806..=9_223_372_036_854_775_806;

/// Why a point has no line, or a line is no point.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineError {
    /// There is no such name or value.
    #[error("read an empty {0}, expected some text; a tag without a value is left out")]
    Empty(Element),
    /// A line ends with the line.
    #[error("read a line break in the {0} `{1}`, which no line can hold; replace it")]
    LineBreak(Element, String),
    /// The database keeps such names to itself.
    #[error("read the {0} `{1}`, expected a name that does not begin with `_`: those are the database's own")]
    Reserved(Element, String),
    /// It would be a comment.
    #[error(
        "read the measurement `{0}`, expected a name that does not begin with `#`: such a line is a comment"
    )]
    Comment(String),
    /// There is no telling which one is meant.
    #[error("read the {0} `{1}` twice, expected each once")]
    Twice(Element, String),
    /// There is nothing to keep.
    #[error("read a point without fields, expected at least one, such as `value=1`")]
    NoFields,
    /// NaN or an infinity.
    #[error("read the float {1} in the field `{0}`, which no line can hold; leave the field out")]
    NotANumber(String, String),
    /// A text, a key or a line is longer than anybody takes.
    #[error("read {length} bytes of {element}, expected at most {most}")]
    TooLong {
        /// What is too long.
        element: Element,
        /// How long it is.
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// A moment that the database cannot hold.
    #[error("read the time {0}, expected one from 1677 to 2262 in {1}; is that the precision?")]
    Time(String, Precision),
    /// The line goes on otherwise, or ends.
    #[error("at byte {at}: read {got}, expected {expected}")]
    Malformed {
        /// Where, from 1.
        at: usize,
        /// What stands there.
        got: String,
        /// What should.
        expected: &'static str,
    },
}

/// A part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// What is measured.
    Measurement,
    /// The name of a tag.
    TagKey,
    /// What a tag says.
    TagValue,
    /// The name of a field.
    FieldKey,
    /// Text as the value of a field.
    Text,
    /// Measurement, tags and the key of a field together.
    SeriesKey,
    /// All of it.
    Line,
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Element::Measurement => "measurement",
            Element::TagKey => "tag key",
            Element::TagValue => "tag value",
            Element::FieldKey => "field key",
            Element::Text => "text",
            Element::SeriesKey => "measurement, tags and field key",
            Element::Line => "line",
        })
    }
}
