//! Is the other side still there?
//!
//! A connection says that its other end has gone only when the other system says so. A machine without power, a pulled cable, a process
//! that hangs say nothing. So both sides send a *beat* when they have nothing else to send, and count: `liveness` intervals without a
//! word, and the other is taken for gone. zeromq has no heartbeats of its own, and a libzmq peer with `ZMQ_HEARTBEAT_IVL` set sends a PING
//! that zeromq does not know; these are messages like others, so they work with everybody.
//!
//! [`heart`] is pure and knows the time only from its caller; [`watch`] has the socket.

pub mod heart;
pub mod watch;
