//! A chain of services: client, tiers, round robin.
//!
//! A client asks a tier, the tier asks the next, and the last answers. Each puts its name before the text, so that an answer tells its way:
//! `tier3.1->tier2.1->tier1.1->C1 request# 7`.
//!
//! With REP in front and REQ behind, a tier can do nothing while it waits for an answer, and breaks when it is asked twice: a REQ must
//! receive before it sends again. Here a tier has ROUTER in front and DEALER behind: any number of requests is under way, and each reply
//! finds its way by the addresses it carries ([`crate::envelope`]). To a REQ and a REP on either side that makes no difference.
//!
//! [`round`], [`flight`] and [`tier`] are pure, [`serve`] and [`client`] have the sockets.

pub mod client;
pub mod flight;
pub mod round;
pub mod serve;
pub mod tier;
