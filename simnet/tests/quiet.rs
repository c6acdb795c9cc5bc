//! The checked world: a panic that no schedule leads to is not told, and one that a schedule leads to is told once, in the answer.
#![cfg(feature = "checked")]

use serde::{Deserialize, Serialize};
use simnet::checked::{Order, Question};
use simnet::{Cluster, Context, Happening, Marks, Message, Monitor, NodeId, Nodes, Observe, Process};
use simnet::{Time, Violation};
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asserts that numbers come in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct InOrder {
    sends: bool,
    last: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Number(u32);

impl Message for Number {
    fn name(&self) -> &'static str {
        "Number"
    }
}

impl Process for InOrder {
    type Message = Number;
    type Timer = ();
    type Output = ();

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if self.sends {
            ctx.send(NodeId(1), Number(1));
            ctx.send(NodeId(1), Number(2));
        }
    }

    fn receive(&mut self, _from: NodeId, number: Number, _ctx: &mut Context<'_, Self>) {
        assert_eq!(number.0, self.last + 1, "numbers come in order: {}", number.0);
        self.last = number.0;
    }
}

impl Observe for InOrder {
    type View = u32;

    fn view(&self) -> u32 {
        self.last
    }
}

/// No rule but the process's own assertion.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct NoRule;

impl Monitor<InOrder> for NoRule {
    fn check(
        &mut self,
        _at: Time,
        _happening: &Happening<'_, InOrder>,
        _nodes: &dyn Nodes<InOrder>,
        _marks: &mut Marks,
    ) -> Result<(), Violation> {
        Ok(())
    }
}

#[test]
fn a_panic_is_told_by_the_answer_alone() {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    panic::set_hook(Box::new(|_| {
        TOLD.fetch_add(1, Ordering::Relaxed);
    }));
    let mut cluster = Cluster::new();
    cluster.node("sender", || InOrder { sends: true, last: 0 });
    cluster.node("reader", || InOrder { sends: false, last: 0 });
    let ordered = Question::new(&cluster, NoRule).with_order(Order::Reliable).check("test", "");
    assert!(ordered.complete && ordered.broken.is_none(), "a link that keeps the order brings no other");
    let (violation, _) =
        Question::new(&cluster, NoRule).check("test", "").broken.expect("2 may come before 1");
    assert!(violation.got.contains("numbers come in order: 2"), "{violation}");
    assert_eq!(TOLD.load(Ordering::Relaxed), 0, "nothing was told besides the answer");
}
