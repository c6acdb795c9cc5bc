//! The middleware of a publisher, a subscriber or the broker: it carries out its application's orders, and tells it by up-calls what came
//! of them.
//!
//! Pure: events in, effects out. The sockets are played by [`super::node`] in `simnet`'s worlds, and by `shell` with ZeroMQ.

use super::application::{Application, Order, Publisher, State, Subscriber};
use super::config::Dissemination;
use super::incoming::Incoming;
use super::message::{
    Answered, Content, Endpoint, Publication, Registrant, Request, Response, Role, UNASKED,
};
use super::outgoing::Outgoing;
use super::stub::Stub;
use super::topic::Topic;
use super::turn::{Effect, Event, Output, Timer, Turn};
use std::time::Duration;

/// So many times the time after which others say something again, a subscriber waits for what a publisher's end has overtaken. What comes
/// later counts as lost.
pub const PATIENCE: u32 = 4;

/// The application of either kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AnyApplication {
    /// Measures.
    Publisher(Publisher),
    /// Hears; also the broker's.
    Subscriber(Subscriber),
}

impl AnyApplication {
    fn get(&mut self) -> &mut dyn Application {
        match self {
            AnyApplication::Publisher(application) => application,
            AnyApplication::Subscriber(application) => application,
        }
    }

    fn as_ref(&self) -> &dyn Application {
        match self {
            AnyApplication::Publisher(application) => application,
            AnyApplication::Subscriber(application) => application,
        }
    }
}

/// Who a participant is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Where it can be heard; a subscriber has none.
    pub endpoint: Option<Endpoint>,
    /// What its `config.ini` says.
    pub dissemination: Dissemination,
    /// One number for each start of its program.
    pub session: u64,
}

/// A participant's middleware, with its application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Participant {
    identity: Identity,
    application: AnyApplication,
    stub: Stub,
    incoming: Incoming,
    outgoing: Outgoing,
    /// After how long what is not answered is said again; `None` where nothing is lost.
    resend: Option<Duration>,
    /// The state that was told last.
    told: State,
    /// Something has ended that is not all there, and the time to wait for the rest runs.
    patient: bool,
    /// Nothing is left to do: it was released, or refused.
    over: bool,
}

impl Participant {
    /// A participant that has not begun.
    pub fn new(identity: Identity, application: AnyApplication, resend: Option<Duration>) -> Self {
        let outgoing = Outgoing::new(identity.name.clone());
        Participant {
            identity,
            application,
            stub: Stub::new(resend),
            incoming: Incoming::default(),
            outgoing,
            resend,
            told: State::Initialize,
            patient: false,
            over: false,
        }
    }

    /// How far its application has come.
    pub fn state(&self) -> State {
        self.application.as_ref().state()
    }

    /// What it takes part as.
    pub fn role(&self) -> Role {
        self.application.as_ref().role()
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Something happens.
    pub fn on(&mut self, event: Event, turn: &mut Turn<'_>) {
        if self.over {
            return;
        }
        match event {
            Event::Start => self.invoke(turn),
            // Somebody has gone, or what it sent was no request: it cannot go on.
            Event::Answered(Answered { number: UNASKED, response: refused @ Response::Refused(_) }) => {
                self.answered(refused, turn);
            }
            Event::Answered(answered) => {
                if let Some(response) = self.stub.answered(answered, turn) {
                    self.answered(response, turn);
                }
            }
            Event::Subscription(topic) => self.outgoing.subscription(topic, turn),
            Event::Heard(publication) => self.heard(publication, turn),
            Event::Alarm(Timer::Ask) => self.stub.ask_again(turn),
            Event::Alarm(Timer::Subscribe) => self.subscribe(turn),
            Event::Alarm(Timer::Missing) => self.settle(turn),
            Event::Alarm(Timer::End) => self.end(turn),
            Event::Alarm(Timer::Measure) => self.invoke(turn),
        }
    }

    /// Asks the application what is next, and does it.
    fn invoke(&mut self, turn: &mut Turn<'_>) {
        loop {
            let order = self.application.get().invoke(turn.random);
            self.tell_state(turn);
            match order {
                Order::Again => continue,
                Order::Wait => {}
                Order::Register(topics) => self.register(topics, turn),
                Order::AskReady => self.stub.ask(Request::IsReady, turn),
                Order::Lookup(topics) if topics == Topic::ALL => self.stub.ask(Request::LookupAll, turn),
                Order::Lookup(topics) => self.stub.ask(Request::LookupByTopic(topics), turn),
                Order::Subscribe(providers) => {
                    self.incoming.expect(providers);
                    self.subscribe(turn);
                }
                Order::Publish { samples, again } => {
                    for (topic, value) in samples {
                        self.outgoing.publish(topic, value, turn);
                    }
                    turn.ask_for(Effect::SetTimer(Timer::Measure, again));
                }
                Order::Finish => {
                    self.end(turn);
                    self.stub.ask(Request::Done, turn);
                }
            }
            return;
        }
    }

    fn tell_state(&mut self, turn: &mut Turn<'_>) {
        let state = self.state();
        if state != self.told {
            self.told = state;
            turn.tell(Output::Entered(state));
        }
    }

    fn register(&mut self, topics: Vec<Topic>, turn: &mut Turn<'_>) {
        let role = self.role();
        if role == Role::Publisher {
            self.outgoing.announce(&topics);
        }
        turn.tell(Output::Topics(topics.clone()));
        let Identity { name, endpoint, dissemination, session } = self.identity.clone();
        let registrant = Registrant { role, name, endpoint, topics, dissemination, session };
        self.stub.ask(Request::Register(registrant), turn);
    }

    /// The discovery has answered the request under way: an up-call, and what comes next.
    fn answered(&mut self, response: Response, turn: &mut Turn<'_>) {
        let application = self.application.get();
        // solution: begin — Part F: from an answer to an up-call
        match response {
            Response::Registered => application.registered(),
            Response::Ready => application.ready(),
            Response::Found(providers) => application.found(providers),
            Response::Noted => application.subscribed(),
            Response::Completed => {
                self.over = true;
                self.forget_timers(turn);
                turn.tell(Output::Released);
                return;
            }
            Response::Refused(why) => {
                self.over = true;
                self.forget_timers(turn);
                turn.tell(Output::Refused(why));
                return;
            }
        }
        self.invoke(turn);
        // What was heard before the discovery had noted the subscriptions may have been all.
        self.settle_if_over(turn);
        // solution: end
    }

    /// Subscribes to what has no welcome yet; when nothing is left, the discovery is told.
    fn subscribe(&mut self, turn: &mut Turn<'_>) {
        if self.state() != State::Subscribe || self.stub.open().is_some() {
            return;
        }
        // solution: begin — Part F: subscribe, and be sure of it
        if self.incoming.is_welcome() {
            turn.ask_for(Effect::CancelTimer(Timer::Subscribe));
            self.stub.ask(Request::Subscribed, turn);
            return;
        }
        self.incoming.subscribe(turn);
        if let Some(after) = self.resend {
            turn.ask_for(Effect::SetTimer(Timer::Subscribe, after));
        }
        // solution: end
    }

    /// Something published has arrived.
    fn heard(&mut self, publication: Publication, turn: &mut Turn<'_>) {
        let mut told = Vec::new();
        let mut inner = Turn { now_us: turn.now_us, random: turn.random, effects: &mut told };
        if !self.incoming.heard(&publication, &mut inner) {
            let (topic, publisher) = (publication.topic, &publication.publisher);
            turn.ask_for(Effect::Note(format!("ignored {topic} of {publisher}: never asked for it")));
            return;
        }
        if self.role() == Role::Broker {
            // It hears for others, and tells of itself nothing.
            self.outgoing.pass_on(publication.clone(), turn);
        } else {
            turn.effects.append(&mut told);
        }
        if publication.content == Content::Welcome && self.incoming.is_welcome() {
            self.subscribe(turn);
        }
        self.settle_if_over(turn);
    }

    /// Tells the application when all is heard. Where nothing is lost and nothing overtakes, what is not here at the end never comes.
    fn settle_if_over(&mut self, turn: &mut Turn<'_>) {
        if self.state() != State::Disseminate || self.role() == Role::Publisher {
            return;
        }
        if self.incoming.is_over() {
            let (received, missed) = self.incoming.counts();
            turn.ask_for(Effect::CancelTimer(Timer::Missing));
            if self.role() == Role::Subscriber {
                turn.tell(Output::Heard { received, missed });
            }
            self.application.get().heard_all();
            self.invoke(turn);
        } else if self.incoming.lacks() {
            match self.resend {
                None => {
                    self.incoming.begin_to_wait();
                    self.settle(turn);
                }
                // An end is said again and again: only the first sets the time.
                Some(after) if !self.patient => {
                    self.patient = true;
                    self.incoming.begin_to_wait();
                    turn.ask_for(Effect::SetTimer(Timer::Missing, after * PATIENCE));
                }
                Some(_) => {}
            }
        }
    }

    /// Gives up what has not come.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        if self.state() != State::Disseminate {
            return;
        }
        self.patient = false;
        let mut told = Vec::new();
        let mut inner = Turn { now_us: turn.now_us, random: turn.random, effects: &mut told };
        self.incoming.give_up(&mut inner);
        if self.role() == Role::Subscriber {
            turn.effects.append(&mut told);
        }
        self.settle_if_over(turn);
    }

    /// Says, also again, that this was all.
    fn end(&mut self, turn: &mut Turn<'_>) {
        if self.role() != Role::Publisher {
            return;
        }
        self.outgoing.end(turn);
        if let Some(after) = self.resend {
            turn.ask_for(Effect::SetTimer(Timer::End, after));
        }
    }

    fn forget_timers(&self, turn: &mut Turn<'_>) {
        for timer in [Timer::Ask, Timer::Subscribe, Timer::Missing, Timer::End, Timer::Measure] {
            turn.ask_for(Effect::CancelTimer(timer));
        }
    }

    /// What it waits for, in words; `None` when nothing is left to do.
    pub fn waits_for(&self) -> Option<String> {
        if self.over {
            return None;
        }
        Some(match (self.stub.open(), self.state()) {
            (Some(Request::Register(_)), _) => "the discovery to register it".to_string(),
            (Some(Request::IsReady), _) => "all others to be ready".to_string(),
            (Some(Request::Done), _) => "all others to be done".to_string(),
            (Some(_), _) => "the discovery to answer".to_string(),
            (None, State::Disseminate) if self.role() == Role::Publisher => {
                "its next measurement".to_string()
            }
            (None, _) => self.incoming.waits_for(),
        })
    }
}
