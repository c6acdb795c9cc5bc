//! A panic in a handler, as a broken rule.

use crate::monitor::Violation;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    /// Where the last panic of this thread was, while a run is guarded.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Whether a panic of this thread is to be told by its catcher alone.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// How the text of a `todo!` begins.
const UNWRITTEN: &str = "not yet implemented";

/// Remembers where panics happen. The hook that was there before is called as well, so nothing that it prints is lost; but what is not
/// written yet is told in one line, since a student meets it often and where Rust stood says nothing more.
pub(crate) fn remember_places() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
            let text = message(info.payload());
            match &place {
                _ if QUIET.get() => {}
                Some(place) if text.starts_with(UNWRITTEN) => eprintln!("{place}: {text}"),
                _ => before(info),
            }
            PLACE.with(|last| *last.borrow_mut() = place);
        }));
    });
}

/// Runs what may panic, and catches that without a word. The checked world tries a node with more than any schedule brings it: a panic there
/// concerns nobody unless a schedule leads to it, and then the answer tells it.
#[cfg(feature = "checked")]
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> std::thread::Result<T> {
    QUIET.set(true);
    let ran = panic::catch_unwind(panic::AssertUnwindSafe(run));
    QUIET.set(false);
    ran
}

/// The text of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_string(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_string(),
    }
}

/// The rule that a panic in a handler of `node` has broken.
pub(crate) fn violation(node: &str, panic: &(dyn Any + Send)) -> Violation {
    blame(Some(node), panic)
}

/// The rule that a panic has broken in a process that a test holds alone: there is no other to tell it from by a name.
pub(crate) fn violation_alone(panic: &(dyn Any + Send)) -> Violation {
    blame(None, panic)
}

fn blame(node: Option<&str>, panic: &(dyn Any + Send)) -> Violation {
    let text = message(panic);
    let place =
        PLACE.with(|last| last.borrow_mut().take()).map(|place| format!(" ({place})")).unwrap_or_default();
    let on = |before: &str| node.map(|node| format!("{before} on {node}")).unwrap_or_default();
    if text.starts_with(UNWRITTEN) {
        return Violation::new(text, "a solution", format!("`todo!`{}{place}", on("")));
    }
    // An assertion of the paper's invariant reads "rule: what was seen".
    let rule = match text.split_once(": ") {
        Some((rule, _)) if !rule.contains('\n') && !rule.contains('`') => rule.to_string(),
        _ => "a process never panics".to_string(),
    };
    Violation::new(rule, "the assertion holds", format!("{text}{}{place}", on(",")))
}
