//! Values as text and back. Pure.

use super::LineError;
use crate::point::Value;

/// The shortest text that is read as exactly this float. Very large and very small ones have an exponent.
///
/// # Errors
/// NaN and the infinities have none.
pub fn float(value: f64, field: &str) -> Result<String, LineError> {
    // solution: begin — Part A: write a float
    if !value.is_finite() {
        return Err(LineError::NotANumber(field.to_string(), value.to_string()));
    }
    let plain = value == 0.0 || (1e-5..1e16).contains(&value.abs());
    Ok(if plain { value.to_string() } else { format!("{value:e}") })
    // solution: end
}

/// Reads a value that is no text: `1`, `-1.5e+78`, `3i`, `3u`, `t`. `None` when it is none of these.
pub fn parse(text: &str) -> Option<Value> {
    // solution: begin — Part A: read a value
    match text {
        "t" | "T" | "true" | "True" | "TRUE" => return Some(Value::Boolean(true)),
        "f" | "F" | "false" | "False" | "FALSE" => return Some(Value::Boolean(false)),
        _ => {}
    }
    let digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = text.strip_suffix('i') {
        let plain = digits(number.strip_prefix('-').unwrap_or(number));
        return if plain { number.parse().ok().map(Value::Integer) } else { None };
    }
    if let Some(number) = text.strip_suffix('u') {
        return if digits(number) { number.parse().ok().map(Value::Unsigned) } else { None };
    }
    // What Rust reads beyond that, such as `inf` and `nan`, is no value.
    let known = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let value: f64 = if known { text.parse().ok()? } else { return None };
    value.is_finite().then_some(Value::Float(value))
    // solution: end
}
