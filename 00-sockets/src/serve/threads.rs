//! A thread a connection: a slow client blocks its own thread, and nobody else.

use super::{Ending, Event, House, accept_each, session};
use std::io;
use std::net::TcpListener;
use std::thread;

/// Serves until the house closes.
///
/// A thread that cannot be had costs one connection, not the server.
///
/// # Errors
/// When the listener fails for good.
pub fn serve(listener: &TcpListener, house: &House) -> io::Result<()> {
    accept_each(listener, house, |stream, peer| {
        let own = house.clone();
        // solution: begin — Part B: a thread for each connection
        let started = thread::Builder::new().spawn(move || session::attend(stream, peer, &own));
        if let Err(error) = started {
            house.tell(Event::Closed(peer, Ending::Gone(format!("no thread for it: {error}"))));
        }
        // solution: end
    })
}
