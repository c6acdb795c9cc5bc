//! Whose clock is it? All programs of one machine read one clock; there is nothing to estimate then. A shell: it asks the system.

/// What all programs of this machine have in common, and no other machine has: the number that the kernel drew when it started. Empty where
/// the system has none (it is Linux's).
pub fn machine() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().chars().filter(char::is_ascii_graphic).take(64).collect()
}

/// Whether two programs with these answers of [`machine`] have the same clock. Where one does not know, they have not.
pub fn same_clock(ours: &str, theirs: &str) -> bool {
    // solution: begin — Part D: is it the same clock?
    !ours.is_empty() && ours == theirs
    // solution: end
}
