//! A line of the terminal: cells of one character each, with a colour.

/// What a character is drawn with; colours carry meaning, never the meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// The terminal's own colour.
    Plain,
    /// What the eye may skip: times, lifelines.
    Dim,
    /// Names of nodes.
    Bold,
    /// What a process told the outside.
    Output,
    /// Annotations.
    Note,
    /// What the network or a host did wrong.
    Fault,
    /// What was lost, and rules broken.
    Bad,
}

impl Ink {
    /// The ANSI sequence that starts this ink.
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Dim => "\x1b[2m",
            Ink::Bold => "\x1b[1m",
            Ink::Output => "\x1b[1;32m",
            Ink::Note => "\x1b[36m",
            Ink::Fault => "\x1b[33m",
            Ink::Bad => "\x1b[1;31m",
        }
    }
}

/// A line that cannot become wider than it may: what is drawn beyond its end is not drawn.
#[derive(Clone, Debug)]
pub(super) struct Line {
    cells: Vec<(char, Ink)>,
    width: usize,
}

impl Line {
    /// An empty line of at most `width` columns.
    pub(super) fn new(width: usize) -> Self {
        Line { cells: Vec::new(), width }
    }

    /// Draws one character at column `x`.
    pub(super) fn put(&mut self, x: usize, character: char, ink: Ink) {
        if x >= self.width {
            return;
        }
        if self.cells.len() <= x {
            self.cells.resize(x + 1, (' ', Ink::Plain));
        }
        self.cells[x] = (character, ink);
    }

    /// Draws text from column `x` on.
    pub(super) fn text(&mut self, x: usize, text: &str, ink: Ink) {
        for (offset, character) in text.chars().enumerate() {
            self.put(x + offset, character, ink);
        }
    }

    /// Draws one character on every column from `x` to before `end`.
    pub(super) fn fill(&mut self, x: usize, end: usize, character: char, ink: Ink) {
        for column in x..end.min(self.width) {
            self.put(column, character, ink);
        }
    }

    /// Appends the line to `to`, without blanks at its end, with its line feed.
    pub(super) fn print(&self, color: bool, to: &mut String) {
        let end = self.cells.iter().rposition(|&(character, _)| character != ' ').map_or(0, |last| last + 1);
        let mut current = Ink::Plain;
        for &(character, ink) in &self.cells[..end] {
            // A blank shows no ink, so it need not end the run of its neighbours.
            if color && ink != current && character != ' ' {
                if current != Ink::Plain {
                    to.push_str("\x1b[0m");
                }
                to.push_str(ink.code());
                current = ink;
            }
            to.push(character);
        }
        if current != Ink::Plain {
            to.push_str("\x1b[0m");
        }
        to.push('\n');
    }
}
