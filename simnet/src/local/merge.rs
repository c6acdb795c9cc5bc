//! The traces of several processes as one. Pure.
//!
//! Each process records its own events, in its own order, with its vector clock. An event comes after another exactly when its clock says that its
//! node had heard of that one (Fidge 1988, Mattern 1989). The merged trace keeps that order, whatever the machine's clocks say; where it leaves a choice,
//! the earlier time goes first.

use crate::node::NodeId;
use crate::record::{Detail, Recorder};
use crate::trace::{Event, Kind, Name, Trace};
use std::collections::{BTreeMap, VecDeque};

/// Merges traces, each of one life of one node, into one of the whole run. Lives of one node are given in the order in which they were lived.
///
/// A life that follows another begins with a `restart`, and a `crash` goes before it. Ids of messages and vector clocks are made small:
/// they count from 0. `dead` were killed and not started again: their last event is a `crash`. Returns `None` when there is no trace.
pub fn merge(lives: &[Trace], dead: &[Name]) -> Option<Trace> {
    let header = lives.first()?.header.clone();
    let mut streams: Vec<VecDeque<Event>> =
        header.nodes.iter().map(|name| stream(name, lives, dead.contains(name))).collect();
    let mut recorder = Recorder::new(&header.nodes);
    let mut ids = BTreeMap::new();
    while let Some(node) = next(&streams) {
        let event = streams[node].pop_front().expect("it is the head of this stream");
        record(&mut recorder, &header.nodes, node, event, &mut ids);
    }
    Some(Trace { header, events: recorder.events })
}

/// The events of one node over all its lives.
fn stream(name: &Name, lives: &[Trace], dead: bool) -> VecDeque<Event> {
    let mut stream: VecDeque<Event> = VecDeque::new();
    for life in lives {
        let events: Vec<&Event> =
            life.events.iter().filter(|event| event.node.as_ref() == Some(name)).collect();
        let again = !stream.is_empty();
        if !events.is_empty() {
            stream.extend(stream.back().map(crash_after));
        }
        stream.extend(events.into_iter().cloned().map(|mut event| {
            if again && event.kind == Kind::Start {
                event.kind = Kind::Restart;
            }
            event
        }));
    }
    if dead {
        stream.extend(stream.back().map(crash_after));
    }
    stream
}

/// A process that is killed cannot record it. It happened after its last event, and before its next life.
fn crash_after(last: &Event) -> Event {
    Event {
        kind: Kind::Crash,
        peer: None,
        id: None,
        name: None,
        body: None,
        why: Some("the process ended".to_string()),
        ..last.clone()
    }
}

/// The node whose event comes next: the earliest of those that depend on nothing that is still to come.
fn next(streams: &[VecDeque<Event>]) -> Option<usize> {
    let heads = || streams.iter().enumerate().filter_map(|(node, stream)| Some((node, stream.front()?)));
    let ready = heads().filter(|(node, head)| {
        streams
            .iter()
            .enumerate()
            .all(|(other, stream)| other == *node || !depends(head, other, stream.front()))
    });
    let earliest = ready.min_by_key(|(_, head)| head.at);
    // Clocks of one run have no circle. Where files do not belong together, time alone decides.
    earliest.or_else(|| heads().min_by_key(|(_, head)| head.at)).map(|(node, _)| node)
}

/// Whether `head` has heard of `to_come`, an event of the node `other`.
fn depends(head: &Event, other: usize, to_come: Option<&Event>) -> bool {
    let entry = |event: &Event| event.clock.as_ref().and_then(|clock| clock.get(other).copied());
    match (entry(head), to_come.and_then(entry)) {
        (Some(heard_of), Some(of_this)) => of_this <= heard_of,
        _ => false,
    }
}

fn record(
    recorder: &mut Recorder,
    names: &[Name],
    node: usize,
    event: Event,
    ids: &mut BTreeMap<(NodeId, u64), u64>,
) {
    let me = NodeId(node as u32);
    let peer = event.peer.and_then(|peer| names.iter().position(|name| *name == peer));
    let peer = peer.map(|peer| NodeId(peer as u32));
    let id = event.id.and_then(|id| match event.kind {
        Kind::Send => {
            let number = ids.len() as u64;
            Some(*ids.entry((me, id)).or_insert(number))
        }
        _ => ids.get(&(peer?, id)).copied(),
    });
    let detail = Detail { peer, id, name: event.name.as_deref(), body: event.body, why: event.why };
    recorder.event(event.at, event.kind, Some(me), detail);
}
