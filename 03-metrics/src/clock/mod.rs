//! Clocks: what they say, and how far apart they are.
//!
//! | file | idea |
//! |---|---|
//! | [`wall`] | the system's clock |
//! | [`offset`] | how far apart two clocks are: four timestamps, and a bound of the error |
//! | [`same`] | whose clock is it? |
//! | [`message`] | what is said when one asks another for its time |
//! | [`service`] | a program tells its time to whoever asks |

pub mod message;
pub mod offset;
pub mod same;
pub mod service;
pub mod wall;
