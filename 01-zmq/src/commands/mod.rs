//! The subcommands of `zmq`, a file each.

pub mod broker;
pub mod hello;
pub mod joiner;
pub mod middleware;
pub mod monitor;
mod options;
pub mod pipeline;
pub mod pirate;
pub mod proxy;
pub mod run;
pub mod sensors;
mod terminal;
pub mod tiers;
pub mod weather;
