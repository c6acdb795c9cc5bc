//! One subscriber, several publishers: a poller and up-calls.
//!
//! The subscriber has a socket for each thing that it wants, each connected to every publisher. A poller waits for all of
//! them at once, takes what has come, and calls the application *up*: the library calls the application's code, not the
//! other way round.
//!
//! | file | idea |
//! |---|---|
//! | [`reading`] | one measurement, and what a subscription to it matches; pure |
//! | [`upcall`] | what the application is called with, and with which; pure |
//! | [`poller`] | several sockets, each in its turn |
//! | [`publisher`] | measures, and publishes (PUB) |
//! | [`subscriber`] | the event loop |

pub mod poller;
pub mod publisher;
pub mod reading;
pub mod subscriber;
pub mod upcall;
