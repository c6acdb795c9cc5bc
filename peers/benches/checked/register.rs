//! A register on single-decree Paxos, on stateright's actor layer: the scene of its own Paxos example.
//!
//! Each server is proposer and acceptor. A client writes once to one server, and reads from another when that has been answered.

use stateright::Expectation;
use stateright::actor::register::{RegisterActor, RegisterMsg};
use stateright::actor::{Actor, ActorModel, Id, Network, Out, majority, model_peers};
use stateright::semantics::LinearizabilityTester;
use stateright::semantics::register::Register;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The register's value: a letter.
type Letter = char;
/// A round, and the server that leads it.
type Ballot = (u32, Id);
/// The client's request, the client, what it writes.
type Write = (u64, Id, Letter);
type Vote = Option<(Ballot, Write)>;

/// What servers say to each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Talk {
    Prepare(Ballot),
    Promise(Ballot, Vote),
    Accept(Ballot, Write),
    Accepted(Ballot),
    Chosen(Ballot, Write),
}

/// A server's memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    promised: Ballot,
    vote: Vote,
    is_chosen: bool,
    /// What it proposes, once a client has asked.
    wish: Option<Write>,
    promises: BTreeMap<Id, Vote>,
    acceptances: BTreeSet<Id>,
}

/// A server.
#[derive(Clone)]
pub struct Server {
    others: Vec<Id>,
}

impl Server {
    fn majority(&self) -> usize {
        majority(self.others.len() + 1)
    }

    fn tell(&self, talk: Talk, out: &mut Out<Self>) {
        out.broadcast(&self.others, &RegisterMsg::Internal(talk));
    }
}

impl Actor for Server {
    type Msg = RegisterMsg<u64, Letter, Talk>;
    type State = Memory;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, _id: Id, _storage: &Option<()>, _out: &mut Out<Self>) -> Memory {
        Memory {
            promised: (0, Id::from(0)),
            vote: None,
            is_chosen: false,
            wish: None,
            promises: BTreeMap::new(),
            acceptances: BTreeSet::new(),
        }
    }

    fn on_msg(&self, id: Id, state: &mut Cow<'_, Memory>, from: Id, message: Self::Msg, out: &mut Out<Self>) {
        match message {
            RegisterMsg::Get(request) => {
                if let (true, Some((_, (_, _, letter)))) = (state.is_chosen, state.vote) {
                    out.send(from, RegisterMsg::GetOk(request, letter));
                }
            }
            _ if state.is_chosen => {}
            RegisterMsg::Put(request, letter) if state.wish.is_none() => {
                let memory = state.to_mut();
                memory.wish = Some((request, from, letter));
                // Its own promise is the first.
                memory.promised = (memory.promised.0 + 1, id);
                memory.promises = BTreeMap::from([(id, memory.vote)]);
                self.tell(Talk::Prepare(memory.promised), out);
            }
            RegisterMsg::Internal(Talk::Prepare(ballot)) if ballot > state.promised => {
                state.to_mut().promised = ballot;
                out.send(from, RegisterMsg::Internal(Talk::Promise(ballot, state.vote)));
            }
            RegisterMsg::Internal(Talk::Promise(ballot, vote)) if ballot == state.promised => {
                let memory = state.to_mut();
                memory.promises.insert(from, vote);
                if memory.promises.len() == self.majority() {
                    let highest = memory.promises.values().flatten().max();
                    let write = highest.map(|(_, write)| *write).or(memory.wish);
                    let write = write.expect("whoever has a ballot has a wish");
                    memory.wish = Some(write);
                    memory.vote = Some((ballot, write));
                    memory.acceptances.insert(id);
                    self.tell(Talk::Accept(ballot, write), out);
                }
            }
            RegisterMsg::Internal(Talk::Accept(ballot, write)) if ballot >= state.promised => {
                let memory = state.to_mut();
                memory.promised = ballot;
                memory.vote = Some((ballot, write));
                out.send(from, RegisterMsg::Internal(Talk::Accepted(ballot)));
            }
            RegisterMsg::Internal(Talk::Accepted(ballot)) if ballot == state.promised => {
                let memory = state.to_mut();
                memory.acceptances.insert(from);
                if let (true, Some(write)) = (memory.acceptances.len() == self.majority(), memory.wish) {
                    memory.is_chosen = true;
                    self.tell(Talk::Chosen(ballot, write), out);
                    out.send(write.1, RegisterMsg::PutOk(write.0));
                }
            }
            RegisterMsg::Internal(Talk::Chosen(ballot, write)) => {
                let memory = state.to_mut();
                memory.promised = ballot;
                memory.vote = Some((ballot, write));
                memory.is_chosen = true;
            }
            _ => {}
        }
    }
}

/// The history of the register, judged in each state.
pub type History = LinearizabilityTester<Id, Register<Letter>>;

/// So many servers and clients; each message is delivered at most once, in any order.
pub fn model(servers: usize, clients: usize) -> ActorModel<RegisterActor<Server>, (), History> {
    ActorModel::new((), LinearizabilityTester::new(Register(Letter::default())))
        .actors(
            (0..servers).map(|index| RegisterActor::Server(Server { others: model_peers(index, servers) })),
        )
        .actors((0..clients).map(|_| RegisterActor::Client { put_count: 1, server_count: servers }))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Always, "linearizable", |_, state| {
            state.history.serialized_history().is_some()
        })
        .property(Expectation::Sometimes, "a value is read", |_, state| {
            let mut messages = state.network.iter_deliverable();
            messages
                .any(|sent| matches!(sent.msg, RegisterMsg::GetOk(_, letter) if *letter != Letter::default()))
        })
        .record_msg_in(RegisterMsg::record_returns)
        .record_msg_out(RegisterMsg::record_invocations)
}
