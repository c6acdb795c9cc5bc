//! "Did you mean …?": the known name nearest to what was written.

/// The known name that differs least from `read`, when it differs little enough to be meant.
pub fn nearest<'a>(read: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = read.chars().count().div_ceil(3);
    known
        .into_iter()
        .map(|name| (distance(read, name), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, name)| name)
}

/// "; did you mean `x`?", or nothing.
pub fn hint<'a>(read: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(read, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// How many letters must be put in, taken out or replaced (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised() {
        assert_eq!(nearest("paxso", ["paxos", "raft"]), Some("paxos"));
        assert_eq!(nearest("part_a_promise", ["part_a_promises", "part_b_x"]), Some("part_a_promises"));
    }

    #[test]
    fn another_word_is_not() {
        assert_eq!(nearest("kademlia", ["paxos", "raft"]), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
