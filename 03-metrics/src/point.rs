//! What is measured: a point of a time series. Pure.

use std::fmt;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A float of 64 bits. NaN and the infinities have no line.
    Float(f64),
    /// A whole number.
    Integer(i64),
    /// A whole number that is never negative.
    Unsigned(u64),
    /// True or false.
    Boolean(bool),
    /// Text, at most 64 KiB.
    Text(String),
}

impl Value {
    /// The value as a number; text and booleans are none.
    #[allow(
        clippy::cast_precision_loss,
        reason = "whole numbers beyond 2^53 are rounded; the reader says so"
    )]
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(*value),
            Value::Integer(value) => Some(*value as f64),
            Value::Unsigned(value) => Some(*value as f64),
            Value::Boolean(_) | Value::Text(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Float(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Unsigned(value) => write!(f, "{value}"),
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Text(value) => f.write_str(value),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),*) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Value::$variant(value.into())
            }
        })*
    };
}
value_from!(f64 => Float, f32 => Float, i64 => Integer, i32 => Integer, u64 => Unsigned, u32 => Unsigned, bool => Boolean, String => Text, &str => Text);

/// A point: measurement, tags, fields, and the moment of it.
///
/// Tags and fields are kept sorted by key, so that equal points are equal values. A database takes points with the same measurement, tags and
/// time for **one** point: the later one's fields replace the earlier one's.
///
/// ```
/// use metrics::Point;
/// let point = Point::new("delivery").tag("topic", "humidity").field("latency_ns", 84_000_i64).at(1_556_813_561_098_000_000);
/// assert_eq!(point.to_string(), "delivery,topic=humidity latency_ns=84000i 1556813561098000000");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    measurement: String,
    tags: Vec<(String, String)>,
    fields: Vec<(String, Value)>,
    time_ns: Option<i64>,
}

impl Point {
    /// A point without tags, fields and time.
    pub fn new(measurement: impl Into<String>) -> Self {
        Point { measurement: measurement.into(), tags: Vec::new(), fields: Vec::new(), time_ns: None }
    }

    /// With this tag. One of the same key is replaced. A tag without a value is none: the tag is left out.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let value: String = value.into();
        let value = if value.is_empty() { None } else { Some(value) };
        put(&mut self.tags, key.into(), value);
        self
    }

    /// With this field. One of the same key is replaced.
    #[must_use]
    pub fn field(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        put(&mut self.fields, key.into(), Some(value.into()));
        self
    }

    /// At this moment, in nanoseconds since 1970 (UTC).
    #[must_use]
    pub fn at(mut self, time_ns: i64) -> Self {
        self.time_ns = Some(time_ns);
        self
    }

    /// The measurement.
    pub fn measurement(&self) -> &str {
        &self.measurement
    }

    /// The tags, sorted by key.
    pub fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    /// The fields, sorted by key.
    pub fn fields(&self) -> &[(String, Value)] {
        &self.fields
    }

    /// The value of a tag.
    pub fn tag_value(&self, key: &str) -> Option<&str> {
        find(&self.tags, key).map(String::as_str)
    }

    /// The value of a field.
    pub fn field_value(&self, key: &str) -> Option<&Value> {
        find(&self.fields, key)
    }

    /// The moment, in nanoseconds since 1970. Without one a recorder takes its own clock's, a database its own.
    pub fn time_ns(&self) -> Option<i64> {
        self.time_ns
    }
}

impl fmt::Display for Point {
    /// The line of the point, or what is wrong with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::line::write(self) {
            Ok(line) => f.write_str(&line),
            Err(error) => write!(f, "({error})"),
        }
    }
}

fn find<'a, V>(sorted: &'a [(String, V)], key: &str) -> Option<&'a V> {
    let at = sorted.binary_search_by(|(other, _)| other.as_str().cmp(key)).ok()?;
    Some(&sorted[at].1)
}

fn put<V>(sorted: &mut Vec<(String, V)>, key: String, value: Option<V>) {
    match (sorted.binary_search_by(|(other, _)| other.cmp(&key)), value) {
        (Ok(at), Some(value)) => sorted[at].1 = value,
        (Ok(at), None) => {
            sorted.remove(at);
        }
        (Err(at), Some(value)) => sorted.insert(at, (key, value)),
        (Err(_), None) => {}
    }
}
