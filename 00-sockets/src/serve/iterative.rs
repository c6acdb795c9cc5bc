//! The simplest model: one connection after the other. While one is served, all others wait in the backlog.

use super::{House, accept_each, session};
use std::io;
use std::net::TcpListener;

/// Serves until the house closes.
///
/// # Errors
/// When the listener fails for good.
pub fn serve(listener: &TcpListener, house: &House) -> io::Result<()> {
    accept_each(listener, house, |stream, peer| session::attend(stream, peer, house))
}
