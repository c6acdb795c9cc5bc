//! What the linter finds, in four parts: where, what was read, what was expected, what to do next.

use std::fmt;

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the workspace.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What was read.
    pub read: String,
    /// What was expected.
    pub expected: String,
    /// What to do next.
    pub next: String,
}

impl Finding {
    /// A finding.
    pub fn new(
        file: impl Into<String>,
        line: usize,
        read: impl Into<String>,
        expected: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Finding { file: file.into(), line, read: read.into(), expected: expected.into(), next: next.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indented = |text: &str| text.trim_end().replace('\n', "\n            ");
        writeln!(f, "{}:{}", self.file, self.line)?;
        writeln!(f, "  read      {}", indented(&self.read))?;
        writeln!(f, "  expected  {}", indented(&self.expected))?;
        writeln!(f, "  next      {}", indented(&self.next))
    }
}
