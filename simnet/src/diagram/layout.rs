//! Where the columns stand: as many words on the arrows as there is room for.
//!
//! A diagram has three parts from left to right: the times, the columns of the nodes, and words. With few nodes
//! the arrows carry whole messages; with more, only their names, and the fields stand among the words; with
//! many, all words stand at the right. When not even bare columns fit, the diagram becomes a list.

use super::label::{self, Clock, Phrase};
use super::story::{Act, Arrow, Cast, Fate, Node, Step, Story, What};

/// What an arrow carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    /// The name and the fields.
    All,
    /// The name.
    Name,
    /// Nothing: all is told in words.
    Nothing,
}

/// Where things stand in a line.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) clock: Clock,
    /// Where the part after the times begins.
    pub(super) left: usize,
    /// The column of each node; none for one that is not drawn.
    pub(super) columns: Vec<Option<usize>>,
    /// The distance of two columns; 0 in a list.
    pub(super) step: usize,
    pub(super) carries: Carries,
    /// Where the words begin.
    pub(super) words: usize,
    pub(super) width: usize,
}

/// Columns stand at least this far apart: a lifeline, and an arrow's head.
const STEP_LEAST: usize = 2;
/// Farther apart they are harder to compare, not easier.
const STEP_BARE_MOST: usize = 8;
/// At this distance arrows are easy to follow.
const STEP_BARE_GOOD: usize = 5;
/// At this one they still look like arrows.
const STEP_BARE_FAIR: usize = 3;
/// An arrow's label needs a line before and behind it, the head and the lifeline: `─Prepare─>│`.
const STEP_BESIDES_LABEL: usize = 4;
/// Room that is left over makes arrows longer by at most this.
const STEP_SLACK: usize = 2;
/// Fewer columns for words are useless.
const WORDS_LEAST: usize = 20;
/// A name in the header takes at most this many lines.
const HEADER_LINES: usize = 4;

impl Layout {
    /// The best layout of a story that fits.
    pub(super) fn of(story: &Story, width: usize) -> Self {
        let clock = Clock::for_run(story.steps.iter().map(|step| step.at).max().unwrap_or(0));
        let time = story.steps.iter().map(|step| label::len(&clock.bare(step.at))).max().unwrap_or(0);
        // The unit stands above the times, once.
        let left = time + 2;
        let all: Vec<Node> = (0..story.cast.names.len()).collect();
        let list = Layout {
            clock,
            left,
            columns: vec![None; all.len()],
            step: 0,
            carries: Carries::Nothing,
            words: left,
            width,
        };
        // When all cannot have a column, those that do nothing go without.
        let busy: Vec<Node> = all.iter().copied().filter(|&node| is_busy(story, node)).collect();
        [all, busy].iter().find_map(|nodes| list.with_columns(story, nodes)).unwrap_or(list)
    }

    /// The same with columns for `nodes`, if that fits.
    fn with_columns(&self, story: &Story, nodes: &[Node]) -> Option<Self> {
        let (carries, step) = [Carries::All, Carries::Name, Carries::Nothing]
            .into_iter()
            .find_map(|carries| Some((carries, self.step(story, nodes, carries)?)))?;
        let first = self.first_column(&story.cast, nodes, step);
        let mut columns = vec![None; story.cast.names.len()];
        for (place, &node) in nodes.iter().enumerate() {
            columns[node] = Some(first + place * step);
        }
        let words = first + (nodes.len() - 1) * step + 3;
        Some(Layout { columns, step, carries, words, ..*self })
    }

    /// The distance of columns when arrows carry this much, if that leaves enough room for the words.
    fn step(&self, story: &Story, nodes: &[Node], carries: Carries) -> Option<usize> {
        let gaps = nodes.len().checked_sub(1)?;
        let labels = story.steps.iter().filter_map(|step| match &step.what {
            What::Arrow(arrow) => Some(label::len(&on_arrow(arrow, carries))),
            _ => None,
        });
        let label = labels.max().unwrap_or(0) + STEP_BESIDES_LABEL;
        let spoken = story.steps.iter().map(|step| spoken(&story.cast, step, carries)).max().unwrap_or(0);
        // The longest words may be very long; a share of the line is enough for most.
        let fits = |share: usize, least: usize, most: usize| {
            let first = self.first_column(&story.cast, nodes, most);
            let needed = spoken.min(self.width * share / 100).max(WORDS_LEAST);
            if first + gaps * least + 3 + needed > self.width {
                return None;
            }
            // What room there is beyond that goes to the words first, then to the arrows.
            let room = self.width.saturating_sub(first + 3 + spoken.max(WORDS_LEAST));
            Some(room.checked_div(gaps).unwrap_or(most).clamp(least, most))
        };
        match carries {
            Carries::All => fits(40, label, label + STEP_SLACK),
            Carries::Name => fits(35, label, label + STEP_SLACK),
            Carries::Nothing => fits(55, STEP_BARE_GOOD, STEP_BARE_MOST)
                .or_else(|| fits(40, STEP_BARE_FAIR, STEP_BARE_GOOD))
                .or_else(|| fits(0, STEP_LEAST, STEP_BARE_FAIR)),
        }
    }

    /// The first column stands so far right that its name, when it is centred, does not touch the times.
    fn first_column(&self, cast: &Cast, nodes: &[Node], step: usize) -> usize {
        let name = nodes.first().map_or(0, |&node| label::len(&cast.names[node]));
        self.left + if name < step { name.saturating_sub(1) / 2 } else { 0 }
    }

    /// Whether there are no columns.
    pub(super) fn is_list(&self) -> bool {
        self.step == 0
    }

    /// How many nodes have no column.
    pub(super) fn hidden(&self) -> usize {
        self.columns.iter().filter(|column| column.is_none()).count()
    }

    /// In how many lines the names of the header stand, so that neighbours do not touch.
    pub(super) fn header_lines(&self, cast: &Cast) -> usize {
        let shown = self.columns.iter().zip(&cast.names).filter(|(column, _)| column.is_some());
        let longest = shown.map(|(_, name)| label::len(name)).max().unwrap_or(0);
        (longest + 1).div_ceil(self.step.max(1)).clamp(1, HEADER_LINES)
    }
}

/// Whether a node does anything but start.
fn is_busy(story: &Story, node: Node) -> bool {
    story.steps.iter().any(|step| match &step.what {
        What::Arrow(arrow) => arrow.from == Some(node) || arrow.to == Some(node),
        What::Act(act) => act.nodes == [node] && act.done.iter().any(|&(mark, _)| mark != '┬'),
        What::Broken(broken) => broken.node == Some(node),
        What::Band(_) => false,
    })
}

/// What stands on the arrow.
pub(super) fn on_arrow(arrow: &Arrow, carries: Carries) -> String {
    match carries {
        Carries::All => format!("{} {}", arrow.name, arrow.body).trim().to_owned(),
        Carries::Name => arrow.name.clone(),
        Carries::Nothing => String::new(),
    }
}

/// What is said of an arrow that carries this much already.
pub(super) fn of_arrow(cast: &Cast, arrow: &Arrow, carries: Carries, clock: Clock) -> Phrase {
    let fate = arrow.fate();
    let extra =
        arrow.overtaken.map_or_else(String::new, |sent| format!("(overtaken, sent {})", clock.show(sent)));
    let body = arrow.body.clone();
    match carries {
        Carries::All => Phrase { head: fate, extra, ..Phrase::default() },
        Carries::Name => Phrase { head: fate, body, extra, ..Phrase::default() },
        Carries::Nothing => {
            let head = format!("{}→{} {} {fate}", cast.name(arrow.from), cast.name(arrow.to), arrow.name);
            Phrase { head: head.trim_end().to_owned(), body, extra, ..Phrase::default() }
        }
    }
}

/// What is said of a message in a list, where no arrow shows which way it went.
pub(super) fn in_list(cast: &Cast, arrow: &Arrow, clock: Clock) -> Phrase {
    if !matches!(arrow.fate, Fate::Read | Fate::ReadAgain) {
        return of_arrow(cast, arrow, Carries::Nothing, clock);
    }
    let head = format!("{} gets {} {}", cast.name(arrow.to), arrow.name, arrow.fate()).trim_end().to_owned();
    let tail = format!("← {}", cast.name(arrow.from));
    Phrase { head, tail, ..of_arrow(cast, arrow, Carries::Name, clock) }
}

/// Who did something, for the start of a line of words.
pub(super) fn actors(cast: &Cast, act: &Act) -> String {
    match act.nodes.len() {
        0 => "?".to_owned(),
        all if all > 1 && all == cast.names.len() => String::new(),
        1..=6 => act.nodes.iter().map(|&node| cast.name(Some(node))).collect::<Vec<_>>().join(" "),
        many => format!("{many} nodes"),
    }
}

/// How many columns the words of a step would like to have.
fn spoken(cast: &Cast, step: &Step, carries: Carries) -> usize {
    match &step.what {
        What::Arrow(arrow) => of_arrow(cast, arrow, carries, Clock::Seconds).len(),
        What::Act(act) => {
            let longest = act.done.iter().map(|(_, phrase)| phrase.len()).max().unwrap_or(0);
            label::len(&actors(cast, act)) + 1 + longest
        }
        What::Band(_) | What::Broken(_) => 0,
    }
}
