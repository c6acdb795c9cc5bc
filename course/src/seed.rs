//! How a seed is written: the whole range of `u64`, decimal or hexadecimal.

/// Reads a seed. `_` may separate digits, as in Rust.
pub fn parse(read: &str) -> Result<u64, String> {
    let wrong = |why: &str| {
        format!(
            "read `{read}`{why}, expected a whole number from 0 to {}, decimal or hexadecimal: 17, 0xff",
            u64::MAX
        )
    };
    let lower = read.trim().to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (lower.as_str(), 10),
    };
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    // `from_str_radix` would take a sign.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(wrong(""));
    }
    u64::from_str_radix(&digits, radix).map_err(|_| wrong(", which is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_range_in_both_notations() {
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(parse("0xFFFFFFFFFFFFFFFF"), Ok(u64::MAX));
        assert_eq!(parse("0XfF"), Ok(255));
        assert_eq!(parse("1_000_000"), Ok(1_000_000));
    }

    #[test]
    fn anything_else_is_named() {
        for read in ["", "0x", "_", "-1", "+1", "1.5", "abc", "0xg", "18446744073709551616"] {
            let error = parse(read).unwrap_err();
            assert!(error.contains(&format!("read `{read}`")), "{error}");
            assert!(error.contains("expected a whole number"), "{error}");
        }
    }
}
