//! Discovery, publishers, subscribers, broker; application and middleware meet in up-calls.
//!
//! # The files, in reading order
//!
//! | file | idea |
//! |---|---|
//! | [`topic`], [`frequency`] | what is measured, and how often |
//! | [`config`] | `config.ini`, and what of it is refused |
//! | [`message`] | what travels |
//! | [`discovery`] | who takes part, where they are, when all may go on |
//! | [`application`] | what is wanted: a state machine, moved by up-calls |
//! | [`participant`] | the middleware: it carries out orders, and makes the up-calls |
//! | [`stub`] | its way to the discovery |
//! | [`outgoing`] | what a publisher says, and a broker passes on |
//! | [`incoming`] | what a subscriber hears, and misses |
//! | [`turn`] | events in, effects out |
//! | [`node`], [`scene`], [`invariants`] | the same in `simnet`'s worlds, and what must hold there |
//! | [`shell`] | the same with ZeroMQ's sockets |
//!
//! # Nothing is lost at the start
//!
//! A publication reaches who has subscribed *at the publisher*, and a subscription takes its time to get there. So a publisher answers each
//! subscription that it sees with a [`Welcome`](message::Content::Welcome) on the topic. Who hears the welcome hears everything after it.
//! A subscriber with all of its welcomes tells the discovery, and the discovery lets publishers go on when all subscribers have.

pub mod application;
pub mod config;
pub mod discovery;
pub mod frequency;
pub mod incoming;
pub mod invariants;
pub mod message;
pub mod node;
pub mod outgoing;
pub mod participant;
pub mod scene;
pub mod shell;
pub mod stub;
pub mod topic;
pub mod turn;
