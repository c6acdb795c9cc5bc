//! `metrics`: what happened, when, from the command line.

fn main() {}
