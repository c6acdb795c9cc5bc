//! Text from a run within HTML: a node may be called `</script>`.

/// Text as HTML shows it: between tags and within quoted attributes.
pub(super) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // HTML has no way to write the first; the others would turn the direction of the text around them.
            '\0' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// JSON that may stand in a `<script>` element: nothing in it ends the element or begins a comment.
///
/// These characters occur only inside strings of JSON, where `\u…` means the same. U+2028 and U+2029 end a line of JavaScript; what follows
/// them turns the direction of text, also in an editor.
pub(super) fn in_script(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NASTY: &str = "</script><!--<script>alert(1)</script>]]>&amp;'\"\u{2028}\u{2029}\\u003c\0";

    #[test]
    fn text_cannot_leave_its_element_or_attribute() {
        let safe = html(NASTY);
        assert!(!safe.contains(['<', '>', '"', '\'', '\0']), "{safe}");
        assert!(
            safe.starts_with("&lt;/script&gt;&lt;!--") && safe.contains("&amp;amp;&#39;&quot;"),
            "{safe}"
        );
    }

    #[test]
    fn data_cannot_leave_its_script_and_stays_the_same_data() {
        let data = json!({ NASTY: [NASTY, {"x": NASTY}] });
        let safe = in_script(&data.to_string());
        assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{safe}");
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), data);
    }
}
