//! Publications, filtered by prefix where they are sent (PUB, SUB).
//!
//! A subscriber says which messages it wants by how they begin. The subscription travels to the publisher, and what nobody
//! wants never leaves it. A subscriber that comes late has missed what was published before: nothing is kept for it.
//!
//! The publisher here is an XPUB: a PUB that also shows the subscriptions that arrive. It can so wait for its subscribers
//! (the flag `--subscribers`) instead of hoping that they are there.
//!
//! | file | idea |
//! |---|---|
//! | [`report`] | one message: zip, temperature, humidity; pure |
//! | [`average`] | the mean of whole numbers, exactly; pure |
//! | [`stations`] | what the weather is, from a seed; pure |
//! | [`subscription`] | what a subscriber sends; pure |
//! | [`publisher`] | sends reports, and hears subscriptions |
//! | [`subscriber`] | asks for a prefix, and averages what comes |

pub mod average;
pub mod publisher;
pub mod report;
pub mod stations;
pub mod subscriber;
pub mod subscription;
