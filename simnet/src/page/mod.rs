//! One page for a failure: a run as a self-contained HTML file, for any browser, without a server or a network.
//!
//! The rule that was broken stands at the top, with what was expected and what was seen; below it the space-time
//! diagram, which is walked by click or by arrow keys; beside it the state of each node before and after the step. A run
//! that broke no rule has the same page without the rule.
//!
//! ```
//! use simnet::page::{Explained, render};
//! use simnet::trace::Trace;
//!
//! let recorded = r#"{"simnet_trace":1,"lab":"demo","seed":1,"world":"sim","nodes":["a","b"],"run":"one ping"}
//! {"at":0,"seq":0,"kind":"send","node":"a","peer":"b","id":0,"name":"Ping","body":{"round":1}}
//! {"at":1500,"seq":1,"kind":"deliver","node":"b","peer":"a","id":0,"name":"Ping"}
//! "#;
//! let trace = Trace::read(recorded.as_bytes()).unwrap();
//! let page = render(&Explained::of(&trace).replayed_by("cargo course run demo"));
//! assert!(page.starts_with("<!doctype html>") && page.contains("No rule was broken"));
//! ```
//!
//! # How it is made
//!
//! `page.html` has gaps, `<!-- fill: name -->`; this module fills them with the style, the scripts, the run as JSON (`data.rs`) and, for
//! readers without scripts, the rule and the text twin ([`diagram`]). Nothing is compiled or bundled: the scripts are the
//! files of `js/`, one after the other, and the browser gets them as they stand there. A policy in the page's head forbids it to load
//! anything. The same trace gives the same page, byte for byte. Of more than 50,000 events it has those around the broken rule.

mod data;
mod escape;
mod template;
mod verdict;

use crate::diagram;
use crate::trace::Trace;
use std::io;
use std::path::Path;

/// The page with its gaps.
const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// The scripts, each after those that it uses.
const SCRIPTS: [&str; 21] = [
    include_str!("js/words.js"),
    include_str!("js/dom.js"),
    include_str!("js/run.js"),
    include_str!("js/difference.js"),
    include_str!("js/causes.js"),
    include_str!("js/filter.js"),
    include_str!("js/layout.js"),
    include_str!("js/sentences.js"),
    include_str!("js/drawing.js"),
    include_str!("js/overview.js"),
    include_str!("js/inspector.js"),
    include_str!("js/heading.js"),
    include_str!("js/shiviz.js"),
    include_str!("js/printing.js"),
    include_str!("js/page.js"),
    include_str!("js/address.js"),
    include_str!("js/theme.js"),
    include_str!("js/controls.js"),
    include_str!("js/keys.js"),
    include_str!("js/legend.js"),
    include_str!("js/begin.js"),
];

/// How the text twin in the page is drawn. A longer one would make the page slow to load, and nobody reads it.
const TWIN: diagram::Options = diagram::Options { width: 120, color: false, max_lines: Some(1_000) };

/// A run, and what helps to understand it.
#[derive(Clone, Copy, Debug)]
pub struct Explained<'a> {
    original: &'a Trace,
    shortened: Option<Shortened<'a>>,
    test: Option<&'a str>,
    replay: Option<&'a str>,
}

#[derive(Clone, Copy, Debug)]
struct Shortened<'a> {
    trace: &'a Trace,
    removed: &'a [String],
}

impl<'a> Explained<'a> {
    /// The run as it happened.
    pub fn of(original: &'a Trace) -> Self {
        Explained { original, shortened: None, test: None, replay: None }
    }

    /// A shorter run that breaks the same rule, which is shown first, and what was left out for it, a line each.
    pub fn shortened_to(mut self, trace: &'a Trace, removed: &'a [String]) -> Self {
        self.shortened = Some(Shortened { trace, removed });
        self
    }

    /// The test that failed.
    pub fn in_test(mut self, test: &'a str) -> Self {
        self.test = Some(test);
        self
    }

    /// The command that runs this again.
    pub fn replayed_by(mut self, command: &'a str) -> Self {
        self.replay = Some(command);
        self
    }

    /// The run that is shown first.
    fn shown(&self) -> &'a Trace {
        self.shortened.map_or(self.original, |shortened| shortened.trace)
    }
}

/// The page, as one HTML file.
#[must_use]
pub fn render(run: &Explained<'_>) -> String {
    let scripts = SCRIPTS.concat();
    let gaps = [
        ("title", verdict::title(run)),
        ("style", STYLE.to_owned()),
        ("verdict", verdict::html(run)),
        ("twin", escape::html(&diagram::render(run.shown(), &TWIN))),
        ("data", escape::in_script(&data::json(run))),
        ("script", scripts),
    ];
    template::fill(PAGE, &gaps)
}

/// Writes the page to a file, in folders that are made for it.
///
/// # Errors
/// What the file system answers.
pub fn write(run: &Explained<'_>, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, render(run))
}
