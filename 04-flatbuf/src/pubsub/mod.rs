//! Publisher and subscriber of samples.
//!
//! A message is one frame, and the frame is the buffer: so the programs of the course that this one follows, in Python, understand it. The
//! price is that a subscription, which is the beginning of a message, cannot say what it wants: the first bytes of a buffer are an offset.
//!
//! | file | idea |
//! |---|---|
//! | [`stream`] | which samples have come, which are missing, when it is over; pure |
//! | [`publisher`] | an XPUB that stamps what it sends |
//! | [`subscriber`] | a SUB that looks at samples where they lie |

pub mod publisher;
pub mod stream;
pub mod subscriber;
