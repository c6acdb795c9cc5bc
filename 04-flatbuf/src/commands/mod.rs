//! The subcommands of `flatbuf`, a file each.

pub mod compatible;
mod file;
pub mod publish;
pub mod read;
pub mod run;
pub mod show;
pub mod subscribe;
mod terminal;
pub mod write;
