//! Ventilator, workers, sink (PUSH, PULL).
//!
//! A source pushes tasks, workers pull them, do them and push results, a sink pulls the results. Nobody asks and nobody
//! answers: a PUSH deals its messages round, one to each peer in turn, also to one that has more to do than the others.
//!
//! Two things are left to the program. **A barrier**: tasks that are pushed before all workers are there go to those that
//! are. **A deal**: a PUSH does not know how long a task takes, but the source does, so the order in which it pushes decides
//! who gets what.
//!
//! | file | idea |
//! |---|---|
//! | [`task`] | tasks from a seed, what they cost, how fast that can go; pure |
//! | [`deal`] | the order in which dealing round is fair; pure |
//! | [`message`] | what goes over the wire; pure |
//! | [`barrier`] | who is ready; pure |
//! | [`batch`] | results on their way in: which are missing, how long it took; pure |
//! | [`source`] | the ventilator |
//! | [`worker`] | does what it is given |
//! | [`sink`] | collects |

pub mod barrier;
pub mod batch;
pub mod deal;
pub mod message;
pub mod sink;
pub mod source;
pub mod task;
pub mod worker;
