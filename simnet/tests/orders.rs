//! The checked world: what each order of messages allows, and what it does not.
#![cfg(feature = "checked")]

use serde::{Deserialize, Serialize};
use simnet::checked::{Answer, Order, Question};
use simnet::{Cluster, Context, Happening, Marks, Message, Monitor, NodeId, Nodes, Observe, Process};
use simnet::{Time, Violation};

/// Sends its numbers at its start, one message each; the reader only reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Counter {
    numbers: Vec<u32>,
    read: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Number(u32);

impl Message for Number {
    fn name(&self) -> &'static str {
        "Number"
    }
}

impl Process for Counter {
    type Message = Number;
    type Timer = ();
    type Output = ();

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for number in &self.numbers {
            ctx.send(NodeId(1), Number(*number));
        }
    }

    fn receive(&mut self, _from: NodeId, number: Number, _ctx: &mut Context<'_, Self>) {
        self.read.push(number.0);
    }
}

impl Observe for Counter {
    type View = Vec<u32>;

    fn view(&self) -> Vec<u32> {
        self.read.clone()
    }
}

/// Breaks a rule when the reader has read exactly this.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Never(Vec<u32>);

impl Monitor<Counter> for Never {
    fn check(
        &mut self,
        _at: Time,
        _happening: &Happening<'_, Counter>,
        nodes: &dyn Nodes<Counter>,
        _marks: &mut Marks,
    ) -> Result<(), Violation> {
        match nodes.process(NodeId(1)) {
            Some(reader) if reader.read == self.0 => Err(Violation::new("reached", "", "")),
            _ => Ok(()),
        }
    }
}

/// Whether, of these messages, the reader can have read just those, in that order.
fn reaches(order: Order, sent: &[u32], read: &[u32]) -> bool {
    let mut cluster = Cluster::new();
    let numbers = sent.to_vec();
    cluster.node("sender", move || Counter { numbers: numbers.clone(), read: Vec::new() });
    cluster.node("reader", || Counter { numbers: Vec::new(), read: Vec::new() });
    let answer: Answer = Question::new(&cluster, Never(read.to_vec())).with_order(order).check("test", "");
    assert!(answer.broken.is_some() || answer.complete);
    answer.broken.is_some()
}

#[test]
fn any_order_loses_and_overtakes() {
    for read in [&[1, 2, 3][..], &[3, 1, 2], &[2], &[3, 1]] {
        assert!(reaches(Order::Any, &[1, 2, 3], read), "{read:?}");
    }
    // An equal message is the same message, and comes once.
    assert!(!reaches(Order::Any, &[1, 1], &[1, 1]));
}

#[test]
fn reliable_links_lose_nothing_before_a_later_one() {
    for read in [&[1][..], &[1, 2], &[1, 2, 3]] {
        assert!(reaches(Order::Reliable, &[1, 2, 3], read), "{read:?}");
    }
    for read in [&[2][..], &[1, 3], &[2, 1], &[1, 1]] {
        assert!(!reaches(Order::Reliable, &[1, 2, 3], read), "{read:?}");
    }
    assert!(reaches(Order::Reliable, &[1, 1], &[1, 1]), "what is sent twice comes twice");
}

#[test]
fn lossy_links_lose_and_keep_the_order() {
    let order = Order::Lossy { most: 3 };
    for read in [&[1, 2, 3][..], &[2], &[1, 3], &[3]] {
        assert!(reaches(order, &[1, 2, 3], read), "{read:?}");
    }
    for read in [&[2, 1][..], &[3, 1], &[1, 1]] {
        assert!(!reaches(order, &[1, 2, 3], read), "{read:?}");
    }
}

#[test]
fn a_lossy_link_holds_only_so_many() {
    let order = Order::Lossy { most: 2 };
    assert!(reaches(order, &[1, 2, 3], &[1, 2]));
    assert!(!reaches(order, &[1, 2, 3], &[3]), "there was no room for the third");
}
