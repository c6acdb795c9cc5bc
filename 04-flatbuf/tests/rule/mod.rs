//! How a graded test says which rule a solution breaks: the rule in words, what was expected, what came. The course's tool reads these lines.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::fmt::{Debug, Display};

/// What came must be what was expected.
#[track_caller]
pub fn expect<T: Debug + PartialEq>(rule: impl Display, expected: T, got: T) {
    assert!(got == expected, "rule broken: {rule}\n  expected: {expected:?}\n  got: {got:?}");
}

/// Where more than one thing would do: what was expected is said in words.
#[track_caller]
pub fn expect_that(rule: impl Display, expected: &str, holds: bool, got: impl Debug) {
    assert!(holds, "rule broken: {rule}\n  expected: {expected}\n  got: {got:?}");
}

/// What came, when anything came at all.
#[track_caller]
pub fn expect_ok<T, E: Debug>(rule: impl Display, expected: &str, got: Result<T, E>) -> T {
    got.unwrap_or_else(|error| panic!("rule broken: {rule}\n  expected: {expected}\n  got: {error:?}"))
}
