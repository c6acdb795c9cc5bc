//! The discovery: who takes part, where they are, and when all may go on.
//!
//! It never asks anybody to come again later. A request whose time has not come is kept, and answered when it has: who waits is told, and
//! does not ask every ten seconds. So three questions are enough for the whole course of events: may I register, may I go on, are all done.

use super::config::Dissemination;
use super::message::{Answered, Asked, Provider, Registrant, Request, Response, Role, UNASKED};
use super::topic::Topic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Somebody who is connected to the discovery: a number of the world's, for as long as the connection lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Client(pub u32);

/// How many are waited for, and how samples travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Expected {
    /// So many publishers.
    pub publishers: u32,
    /// So many subscribers.
    pub subscribers: u32,
    /// With `Broker`, one broker as well.
    pub dissemination: Dissemination,
}

impl Expected {
    /// How many of a role take part.
    pub fn of(&self, role: Role) -> u32 {
        match role {
            Role::Publisher => self.publishers,
            Role::Subscriber => self.subscribers,
            Role::Broker => u32::from(self.dissemination == Dissemination::Broker),
        }
    }
}

/// What a participant waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wish {
    /// To go on.
    Ready,
    /// That all are done.
    Completed,
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Participant {
    registrant: Registrant,
    /// All its subscriptions are in force.
    subscribed: bool,
    /// It has published, or heard, all.
    done: bool,
    /// The request that is not answered yet: its number, and what it is about.
    waits: Option<(u32, Wish)>,
}

/// Letters to clients.
pub type Answers = Vec<(Client, Answered)>;

/// The discovery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Discovery {
    expected: Expected,
    participants: BTreeMap<Client, Participant>,
    /// Why nobody can go on any more.
    failed: Option<String>,
}

impl Discovery {
    /// A discovery that waits for so many.
    pub fn new(expected: Expected) -> Self {
        Discovery { expected, participants: BTreeMap::new(), failed: None }
    }

    /// A request has arrived: perhaps a copy of an earlier one. Returns what is to be answered now, and to whom.
    pub fn asked(&mut self, client: Client, asked: Asked) -> Answers {
        let Asked { number, request } = asked;
        let response = match (&self.failed, request) {
            (Some(why), _) => Some(Response::Refused(why.clone())),
            (None, Request::Register(registrant)) => Some(self.register(client, registrant)),
            (None, request) => match self.participants.get_mut(&client) {
                None => Some(Response::Refused(
                    "read a request of somebody unknown, expected register first".into(),
                )),
                Some(participant) => match request {
                    Request::Register(_) => unreachable!("is answered above"),
                    Request::IsReady => participant.wait(number, Wish::Ready),
                    Request::Done => {
                        participant.done = true;
                        participant.wait(number, Wish::Completed)
                    }
                    Request::Subscribed => {
                        participant.subscribed = true;
                        Some(Response::Noted)
                    }
                    Request::LookupByTopic(topics) => Some(Response::Found(self.lookup(client, &topics))),
                    Request::LookupAll => Some(Response::Found(self.lookup(client, &Topic::ALL))),
                },
            },
        };
        let mut answers: Answers =
            response.into_iter().map(|response| (client, Answered { number, response })).collect();
        answers.extend(self.answer_who_waits());
        answers
    }

    /// Whether somebody may take part.
    fn register(&mut self, client: Client, new: Registrant) -> Response {
        if let Err(why) = self.may_register(client, &new) {
            return Response::Refused(why);
        }
        // A copy of a registration must not make somebody forget what came after it.
        self.participants.entry(client).or_insert(Participant {
            registrant: new,
            subscribed: false,
            done: false,
            waits: None,
        });
        Response::Registered
    }

    /// # Errors
    /// Why somebody may not take part, and what to do.
    fn may_register(&self, client: Client, new: &Registrant) -> Result<(), String> {
        let (name, role) = (&new.name, new.role);
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
            return Err("read a name that is none, expected 1 to 64 letters, digits, `.`, `-` and `_`".into());
        }
        let (ours, theirs) = (self.expected.dissemination, new.dissemination);
        if ours != theirs {
            return Err(format!(
                "the discovery's config.ini says {ours}, that of {name} {theirs}: give both the same"
            ));
        }
        if (role == Role::Subscriber) != new.endpoint.is_none()
            || (role == Role::Broker) != new.topics.is_empty()
        {
            return Err(format!("read the {role} {name} with an endpoint or topics that no {role} has"));
        }
        // solution: begin — Part F: who may register
        for (other, participant) in &self.participants {
            let known = &participant.registrant;
            if *other == client && known == new {
                return Ok(());
            }
            if known.name == *name {
                return Err(format!("the name {name} is taken by a {}: choose another with -n", known.role));
            }
            if let Some(endpoint) = &new.endpoint
                && known.endpoint.as_ref() == Some(endpoint)
            {
                return Err(format!(
                    "{} is the endpoint of {} already: choose another with -a and -p",
                    endpoint, known.name
                ));
            }
        }
        if self.participants.contains_key(&client) {
            return Err(format!("{name} has registered as somebody else"));
        }
        let (here, all) = (self.registered(role), self.expected.of(role));
        if here >= all {
            return Err(format!(
                "{here} of {all} {role}s have registered: there is no place for {name}. Start the discovery for more"
            ));
        }
        Ok(())
        // solution: end
    }

    /// How many of a role take part.
    fn registered(&self, role: Role) -> u32 {
        self.participants.values().filter(|participant| participant.registrant.role == role).count() as u32
    }

    /// Whether all have registered.
    fn is_complete(&self) -> bool {
        [Role::Publisher, Role::Subscriber, Role::Broker]
            .into_iter()
            .all(|role| self.registered(role) == self.expected.of(role))
    }

    /// Who publishes these topics, and where `client` can hear it: at the publisher, or at the broker.
    fn lookup(&self, client: Client, topics: &[Topic]) -> Vec<Provider> {
        let asks = self.participants.get(&client).map(|participant| participant.registrant.role);
        let broker = self.participants.values().find(|other| other.registrant.role == Role::Broker);
        let broker = broker.and_then(|broker| broker.registrant.endpoint.as_ref());
        let mut found = Vec::new();
        for Participant { registrant, .. } in self.participants.values() {
            if registrant.role != Role::Publisher {
                continue;
            }
            // solution: begin — Part F: where a publisher can be heard
            let topics: Vec<Topic> =
                registrant.topics.iter().copied().filter(|topic| topics.contains(topic)).collect();
            let at = if asks == Some(Role::Broker) { None } else { broker };
            if let Some(endpoint) = at.or(registrant.endpoint.as_ref())
                && !topics.is_empty()
            {
                found.push(Provider {
                    publisher: registrant.name.clone(),
                    endpoint: endpoint.clone(),
                    topics,
                });
            }
            // solution: end
        }
        found
    }

    /// Answers everybody who waits for something that has come true.
    fn answer_who_waits(&mut self) -> Answers {
        let mut answers = Vec::new();
        if self.failed.is_some() {
            return answers;
        }
        let (complete, heard, done) = self.progress();
        for (client, participant) in &mut self.participants {
            let Some((number, wish)) = participant.waits else { continue };
            // solution: begin — Part F: when may whom go on
            let response = match wish {
                Wish::Ready => {
                    let hears_all = participant.registrant.role != Role::Publisher || heard;
                    (complete && hears_all).then_some(Response::Ready)
                }
                Wish::Completed => (complete && done).then_some(Response::Completed),
            };
            if let Some(response) = response {
                participant.waits = None;
                answers.push((*client, Answered { number, response }));
            }
            // solution: end
        }
        answers
    }

    /// Whether all have registered, whether all subscriptions are in force, whether all are done.
    pub fn progress(&self) -> (bool, bool, bool) {
        let all = |what: fn(&Participant) -> bool| self.participants.values().all(what);
        let heard = all(|other| other.registrant.role == Role::Publisher || other.subscribed);
        let complete = self.is_complete();
        (complete, complete && heard, complete && all(|other| other.done))
    }

    /// A client has hung up. Before all have registered, its place is free again. After that the others cannot go on: all are told, whether
    /// they wait for an answer or not.
    pub fn gone(&mut self, client: Client) -> Answers {
        let (complete, _, done) = self.progress();
        if done {
            return Vec::new();
        }
        let Some(lost) = self.participants.remove(&client) else { return Vec::new() };
        if complete {
            let name = &lost.registrant.name;
            self.failed.get_or_insert(format!("{name} has gone before all were done"));
        }
        let Some(why) = self.failed.clone() else { return Vec::new() };
        let tell = |(client, participant): (&Client, &mut Participant)| {
            let number = participant.waits.take().map_or(UNASKED, |(number, _)| number);
            (*client, Answered { number, response: Response::Refused(why.clone()) })
        };
        self.participants.iter_mut().map(tell).collect()
    }

    /// Whether somebody takes part, and under which name.
    pub fn name_of(&self, client: Client) -> Option<&str> {
        self.participants.get(&client).map(|participant| participant.registrant.name.as_str())
    }

    /// How many have registered, of how many, by role.
    pub fn standing(&self) -> [(Role, u32, u32); 3] {
        [Role::Publisher, Role::Subscriber, Role::Broker]
            .map(|role| (role, self.registered(role), self.expected.of(role)))
    }

    /// Why it has failed, if it has.
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }
}

impl Participant {
    /// It waits now. A copy of a request is answered like the request, under the newest number.
    fn wait(&mut self, number: u32, wish: Wish) -> Option<Response> {
        self.waits = Some((number, wish));
        None
    }
}
