//! A queue with an end: back-pressure.
//!
//! zeromq's PUSH, DEALER and ROUTER keep up to 100,000 messages for each peer, and that cannot be set. 100,000 messages of a megabyte are
//! all the memory there is, long before `send` waits. And nothing says how many wait: a limit of our own before that queue would limit
//! nothing, since all it lets through would wait behind it.
//!
//! What can be limited is how much is sent and not taken. The *receiver* says how many it will take: that is **credit**. Each message
//! spends one, and each message that the receiver's application takes earns one back. Without credit the sender waits or is refused, as
//! it chooses; nothing is dropped silently. So the memory of all queues on the way together is bounded.
//!
//! [`queue`] and [`credit`] are pure, [`sender`] and [`receiver`] have the sockets.

pub mod credit;
pub mod queue;
pub mod receiver;
pub mod sender;
