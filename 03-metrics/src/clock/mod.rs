//! Clocks: what they say, and how far apart they are.

pub mod wall;
