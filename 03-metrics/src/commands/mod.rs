//! The subcommands of `metrics`, a file each.

mod options;
pub mod publish;
pub mod report;
pub mod run;
pub mod send;
pub mod serve_check;
pub mod subscribe;
pub mod terminal;
