//! From steps to lines, from top to bottom.

use super::canvas::{Ink, Line};
use super::label::{self, Phrase};
use super::layout::{Carries, Layout, actors, in_list, of_arrow, on_arrow};
use super::story::{Act, Arrow, Broken, Fate, Life, Node, Story, What};

/// How much a line matters when there is not room for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// May be left out.
    Event,
    /// May be left out, but is counted: a fault.
    Fault,
    /// Never left out: a broken rule.
    Violation,
}

/// A line of the diagram.
#[derive(Debug)]
pub(super) struct Row {
    /// Its time, which is written unless the line above has the same.
    pub(super) at: Option<u64>,
    pub(super) line: Line,
    pub(super) weight: Weight,
}

/// Draws step after step, and remembers which nodes are up.
struct Drawer<'a> {
    story: &'a Story,
    layout: &'a Layout,
    lives: Vec<Life>,
    rows: Vec<Row>,
}

/// All lines below the header.
pub(super) fn draw(story: &Story, layout: &Layout) -> Vec<Row> {
    let lives = vec![Life::Up; story.cast.names.len()];
    let mut drawer = Drawer { story, layout, lives, rows: Vec::new() };
    drawer.before_starts();
    for step in &story.steps {
        match &step.what {
            What::Arrow(arrow) => drawer.arrow(step.at, arrow),
            What::Act(act) => drawer.act(step.at, act),
            What::Band(text) => drawer.band(step.at, text),
            What::Broken(broken) => drawer.broken(step.at, broken),
        }
    }
    drawer.rows
}

/// The names of the nodes, in as many lines as they need.
pub(super) fn header(story: &Story, layout: &Layout) -> Vec<Line> {
    let lines = layout.header_lines(&story.cast);
    let mut header = vec![Line::new(layout.width); lines];
    let unit = layout.clock.unit();
    header[lines - 1].text(layout.left.saturating_sub(2 + label::len(unit)), unit, Ink::Dim);
    let shown =
        layout.columns.iter().zip(&story.cast.names).filter_map(|(column, name)| Some(((*column)?, name)));
    for (place, (column, name)) in shown.enumerate() {
        let name = label::cut(name, (layout.step * lines).saturating_sub(1).max(1));
        // Names wider than a column stand on lines of their own by turns, each beginning above its lifeline.
        let start = if lines == 1 { column.saturating_sub((label::len(&name) - 1) / 2) } else { column };
        header[place % lines].text(start, &name, Ink::Bold);
    }
    header
}

impl Drawer<'_> {
    /// A node whose start is told is not there before it.
    fn before_starts(&mut self) {
        let mut seen = vec![false; self.lives.len()];
        for step in &self.story.steps {
            match &step.what {
                What::Act(act) => {
                    for &node in &act.nodes {
                        let starts =
                            act.life == Some(Life::Up) && act.done.iter().any(|&(mark, _)| mark == '┬');
                        if !std::mem::replace(&mut seen[node], true) && starts {
                            self.lives[node] = Life::Down;
                        }
                    }
                }
                What::Arrow(Arrow { to: Some(to), fate: Fate::Read | Fate::ReadAgain, .. }) => {
                    seen[*to] = true
                }
                _ => {}
            }
        }
    }

    fn column(&self, node: Option<Node>) -> Option<usize> {
        self.layout.columns[node?]
    }

    /// A line with the lifelines as they are now.
    fn line(&self) -> Line {
        let mut line = Line::new(self.layout.width);
        for (life, column) in self.lives.iter().zip(&self.layout.columns) {
            if let Some(column) = column {
                line.put(*column, lifeline(*life), Ink::Dim);
            }
        }
        line
    }

    fn push(&mut self, at: u64, line: Line, weight: Weight) {
        self.rows.push(Row { at: Some(at), line, weight });
    }

    /// The columns from where words stand to the end of the line.
    fn room(&self) -> usize {
        self.layout.width.saturating_sub(self.layout.words)
    }

    /// A message that was read, lost or copied.
    fn arrow(&mut self, at: u64, arrow: &Arrow) {
        let mut line = self.line();
        let (ink, weight) = match arrow.fate {
            Fate::Read => (Ink::Plain, Weight::Event),
            Fate::ReadAgain => (Ink::Fault, Weight::Event),
            Fate::Copied => (Ink::Fault, Weight::Fault),
            Fate::Lost => (Ink::Bad, Weight::Fault),
        };
        let carried = match (self.column(arrow.from), self.column(arrow.to)) {
            (Some(from), Some(to)) if from != to => self.shaft(&mut line, from, to, arrow, ink),
            (from, to) => {
                if let Some(column) = to.or(from) {
                    line.put(column, if from == to { '@' } else { head(arrow.fate, true) }, ink);
                }
                Carries::Nothing
            }
        };
        let (cast, clock) = (&self.story.cast, self.layout.clock);
        let phrase = if self.layout.is_list() {
            in_list(cast, arrow, clock)
        } else {
            of_arrow(cast, arrow, carried, clock)
        };
        line.text(self.layout.words, &phrase.fit(self.room()), ink);
        self.push(at, line, weight);
    }

    /// Draws the arrow itself, and answers how much of its label found room on it.
    fn shaft(&self, line: &mut Line, from: usize, to: usize, arrow: &Arrow, ink: Ink) -> Carries {
        let right = from < to;
        let (low, high) = (from.min(to), from.max(to));
        let up = |x: usize| self.life_at(x).is_some_and(|life| life != Life::Down);
        for x in low + 1..high {
            line.put(x, if up(x) { '┼' } else { '─' }, ink);
        }
        if up(from) {
            line.put(from, if right { '├' } else { '┤' }, ink);
        }
        let (tip, gap) = if right { (to - 1, to + 1 - self.layout.step) } else { (to + 1, to + 2) };
        line.put(tip, head(arrow.fate, right), ink);
        // The label stands before the head, at the reader: labels of a broadcast do not stand above each other.
        let label = on_arrow(arrow, self.layout.carries);
        let room = self.layout.step.saturating_sub(2);
        if label.is_empty() || label::len(&label) + 2 > room {
            return Carries::Nothing;
        }
        line.text(gap + (room - label::len(&label)) / 2, &label, ink);
        self.layout.carries
    }

    fn life_at(&self, x: usize) -> Option<Life> {
        let node = self.layout.columns.iter().position(|&column| column == Some(x))?;
        Some(self.lives[node])
    }

    /// What nodes did: as much in a line as there is room for.
    fn act(&mut self, at: u64, act: &Act) {
        let mut who = actors(&self.story.cast, act);
        if act.done.first().is_some_and(|&(mark, _)| mark == '*') {
            who.push(':');
        }
        let mut done = act.done.clone();
        if self.layout.is_list() {
            for (_, phrase) in done.iter_mut().filter(|(mark, _)| *mark == 'o') {
                phrase.head.insert_str(0, "sends ");
            }
        }
        let weight = if matches!(act.ink, Ink::Bad | Ink::Fault) { Weight::Fault } else { Weight::Event };
        let room = self.room().saturating_sub(label::len(&who) + 1);
        let mut rest = &done[..];
        while !rest.is_empty() {
            let (text, taken) = pack(rest, room);
            let mut line = self.line();
            for column in act.nodes.iter().filter_map(|&node| self.column(Some(node))) {
                line.put(column, rest[taken - 1].0, if act.ink == Ink::Plain { Ink::Bold } else { act.ink });
            }
            let words = format!("{who} {text}");
            line.text(self.layout.words, &label::cut(words.trim(), self.room()), act.ink);
            self.push(at, line, weight);
            rest = &rest[taken..];
        }
        for &node in &act.nodes {
            self.lives[node] = act.life.unwrap_or(self.lives[node]);
        }
    }

    /// A line through all columns.
    fn band(&mut self, at: u64, text: &str) {
        let (left, width) = (self.layout.left, self.layout.width);
        let mut line = Line::new(width);
        line.fill(left, width, '═', Ink::Fault);
        let text = label::cut(text, width.saturating_sub(left + 8));
        line.text(left + 3, &format!(" {text} "), Ink::Fault);
        self.push(at, line, Weight::Fault);
    }

    /// A box that nobody overlooks.
    fn broken(&mut self, at: u64, broken: &Broken) {
        let title = match broken.node {
            Some(node) => format!(" RULE BROKEN at {} ", self.story.cast.names[node]),
            None => " RULE BROKEN ".to_owned(),
        };
        let width = self.layout.width;
        let time = format!(" {} ", self.layout.clock.show(at));
        let mut top = edge('╔', '╗', width);
        top.text(3, &label::cut(&title, width.saturating_sub(label::len(&time) + 8)), Ink::Bad);
        top.text(width.saturating_sub(label::len(&time) + 3), &time, Ink::Bad);
        let mut lines = vec![top];
        let rule = [("rule".to_owned(), broken.rule.clone())];
        let named = rule.iter().chain(&broken.facts).map(|(key, _)| label::len(key)).max().unwrap_or(0);
        let indent = 2 + named.min(width / 4) + 2;
        for (key, value) in rule.iter().chain(&broken.facts) {
            for (number, text) in
                label::wrap_lines(value, width.saturating_sub(indent + 2)).iter().enumerate()
            {
                let mut line = Line::new(width);
                line.put(0, '║', Ink::Bad);
                line.put(width - 1, '║', Ink::Bad);
                if number == 0 {
                    line.text(2, &label::cut(key, indent - 3), Ink::Plain);
                }
                line.text(indent, text, Ink::Bold);
                lines.push(line);
            }
        }
        lines.push(edge('╚', '╝', width));
        // The time stands in the box itself, which begins at the left edge.
        self.rows.extend(lines.into_iter().map(|line| Row { at: None, line, weight: Weight::Violation }));
    }
}

/// The upper or lower edge of a box.
fn edge(left: char, right: char, width: usize) -> Line {
    let mut line = Line::new(width);
    line.fill(1, width - 1, '═', Ink::Bad);
    line.put(0, left, Ink::Bad);
    line.put(width - 1, right, Ink::Bad);
    line
}

/// How a lifeline looks.
fn lifeline(life: Life) -> char {
    match life {
        Life::Up => '│',
        Life::Paused => '┊',
        Life::Down => ' ',
    }
}

/// The end of an arrow.
fn head(fate: Fate, right: bool) -> char {
    match fate {
        Fate::Lost => 'x',
        Fate::Copied => '+',
        Fate::Read | Fate::ReadAgain if right => '>',
        Fate::Read | Fate::ReadAgain => '<',
    }
}

/// As many phrases as fit whole in `room`, at least one, which is cut when it must be.
fn pack(phrases: &[(char, Phrase)], room: usize) -> (String, usize) {
    let mut text = phrases[0].1.fit(room);
    let mut taken = 1;
    for (_, phrase) in &phrases[1..] {
        if label::len(&text) + 1 + phrase.len() > room {
            break;
        }
        text = format!("{text} {}", phrase.fit(room));
        taken += 1;
    }
    (text, taken)
}
