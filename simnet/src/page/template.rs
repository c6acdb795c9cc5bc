//! Filling the gaps of the page.

const OPEN: &str = "<!-- fill: ";
const CLOSE: &str = " -->";

/// The page with each gap, `<!-- fill: name -->`, replaced. What is filled in is not looked at again, so a run that speaks of gaps
/// is shown as it is.
///
/// # Panics
/// When the page has a gap that is not in the list: the page and this program are built together.
pub(super) fn fill(page: &str, gaps: &[(&str, String)]) -> String {
    let room: usize = gaps.iter().map(|(_, text)| text.len()).sum();
    let mut filled = String::with_capacity(page.len() + room);
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after.split_once(CLOSE).expect("a gap of the page ends");
        let (_, text) = gaps.iter().find(|(gap, _)| *gap == name).expect("a gap of the page has a text");
        filled.push_str(before);
        filled.push_str(text);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_has_no_gaps() {
        let gaps = [("a", "<!-- fill: b -->".to_owned()), ("b", "B".to_owned())];
        let filled = fill("1<!-- fill: a -->2<!-- fill: b -->3<!-- fill: a -->", &gaps);
        assert_eq!(filled, "1<!-- fill: b -->2B3<!-- fill: b -->");
    }
}
