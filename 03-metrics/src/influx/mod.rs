//! A database that speaks InfluxDB's API, version 2.
//!
//! | file | idea |
//! |---|---|
//! | [`address`] | where it is |
//! | [`token`] | a secret that is used and never shown |
//! | [`request`] | the bytes of a request |
//! | [`response`] | the head of an answer, from bytes that a stranger sends |
//! | [`verdict`] | what an answer means for the lines that were sent |
//! | [`backoff`] | how long to wait after a failure |
//! | [`delivery`] | what is sent when, and again |
//! | [`spool`] | lines that wait, in a file |
//! | [`connection`] | the socket |
//! | [`sink`] | all of it as a sink |
//! | [`diagnosis`] | what is wrong with it, in words |
//! | [`check`] | asks what is wrong |
//! | [`flux`] | a question |
//! | `ask` | asks it, with the feature `flux` |

pub mod address;
#[cfg(feature = "flux")]
pub mod ask;
pub mod backoff;
pub mod check;
pub mod connection;
pub mod delivery;
pub mod diagnosis;
pub mod flux;
pub mod request;
pub mod response;
pub mod sink;
pub mod spool;
pub mod token;
pub mod verdict;
