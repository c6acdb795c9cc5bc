//! A character that means something, meaning itself. Pure.

use super::Element;

impl Element {
    /// The characters that end this element where they stand unescaped.
    pub fn special(self) -> &'static str {
        match self {
            Element::Measurement => ", ",
            Element::Text => "\"",
            _ => ",= ",
        }
    }
}

/// Appends `text` to `line`, so that it is read as it is in the place of this `element`.
///
/// In names and tags a backslash is doubled only where it would be taken for an escape; within quotes it always is.
pub fn escape(text: &str, element: Element, line: &mut String) {
    // solution: begin — Part A: escape what means something
    let special = element.special();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        let escapes_next = match rest.peek() {
            None => true,
            Some(next) => *next == '\\' || special.contains(*next),
        };
        if special.contains(letter) || (letter == '\\' && (element == Element::Text || escapes_next)) {
            line.push('\\');
        }
        line.push(letter);
    }
    // solution: end
}

/// Reads the element at the beginning of `rest`: its text without escapes, and how many bytes of `rest` it takes. It ends before the first
/// special character that is not escaped, or with `rest`.
pub fn unescape(rest: &str, element: Element) -> (String, usize) {
    // solution: begin — Part A: read until something ends it
    let special = element.special();
    let mut text = String::new();
    let mut letters = rest.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if special.contains(letter) {
            return (text, at);
        }
        let next = letters.peek().map(|(_, next)| *next);
        match next {
            Some(next) if letter == '\\' && (next == '\\' || special.contains(next)) => {
                text.push(next);
                letters.next();
            }
            _ => text.push(letter),
        }
    }
    (text, rest.len())
    // solution: end
}
