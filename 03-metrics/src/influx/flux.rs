//! A question to a real InfluxDB, in its language Flux. Pure.

use crate::query::Query;

/// The question in Flux. All that is put in is quoted, so that no name can be more than a name.
pub fn flux(query: &Query, bucket: &str) -> String {
    let time = |ns: i64| format!("time(v: {ns})");
    let start = query.from_ns.map_or("0".to_string(), time);
    let stop = query.until_ns.map_or(String::new(), |until| format!(", stop: {}", time(until)));
    let mut text = format!("from(bucket: {})\n  |> range(start: {start}{stop})\n", quoted(bucket));
    let mut filter = |column: &str, value: &str| {
        text.push_str(&format!("  |> filter(fn: (r) => r[{}] == {})\n", quoted(column), quoted(value)));
    };
    if let Some(measurement) = &query.measurement {
        filter("_measurement", measurement);
    }
    filter("_field", &query.field);
    query.filter.iter().for_each(|(key, value)| filter(key, value));
    text
}

/// A text of Flux: in quotes, with backslash, quote and `${` (which would begin an expression) escaped.
pub fn quoted(text: &str) -> String {
    // solution: begin — Part E: a name that cannot be more than a name
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '$' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
    // solution: end
}
