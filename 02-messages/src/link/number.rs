//! Sequence numbers that wrap around: after the largest comes 0.

/// The number `by` places after `number`, of `numbers` numbers.
pub fn after(number: u32, by: u32, numbers: u32) -> u32 {
    // solution: begin — Part B: count on, past the largest number
    ((u64::from(number) + u64::from(by)) % u64::from(numbers)) as u32
    // solution: end
}

/// How many steps it takes to count from `from` on to `to`, of `numbers` numbers: 0 to `numbers - 1`.
pub fn distance(from: u32, to: u32, numbers: u32) -> u32 {
    // solution: begin — Part B: the distance from one number to another
    ((u64::from(to) + u64::from(numbers) - u64::from(from)) % u64::from(numbers)) as u32
    // solution: end
}

/// The largest window that is safe with so many numbers, on links that lose and double but keep the order.
///
/// The receiver takes the `window` numbers from the one it waits for. It may have taken all of a window, and the sender not know: then
/// the sender sends the old window again. So the two windows must have no number in common.
pub fn largest_window(numbers: u32) -> u32 {
    // solution: begin — Part B: how many segments may be under way
    numbers / 2
    // solution: end
}
