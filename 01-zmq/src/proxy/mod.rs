//! Many publishers behind one known address (XSUB, XPUB), and what a proxy can see.
//!
//! Publishers connect to the proxy's XSUB, subscribers to its XPUB; neither knows of the other. Publications go down,
//! subscriptions go up. The crate's own `zeromq::proxy` passes both on blindly, and ends with the first connection that
//! breaks. This one is made by hand: it receives from both sides, so it can count, change and drop what goes by, and it
//! passes a subscription up **once**, however many ask, and takes it back when the **last** one has gone.
//!
//! | file | idea |
//! |---|---|
//! | [`subscriptions`] | how many want what; pure |
//! | [`inspector`] | what goes by, and what may; pure |
//! | [`gate`] | the bytes of one subscriber: what it wants, and what it leaves behind, for the [`door`](crate::door) to take back; pure |
//! | [`poller`] | both sides at once |

pub mod gate;
pub mod inspector;
pub mod poller;
pub mod subscriptions;
