//! A door for connections: not more of them than nodes need, and one line about whoever is turned away.

use super::transport::{LONGEST_PAUSE, MOST_SPARE, Place, Stranger, WireCounts};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;

/// Takes connections for ever; each has a task of its own, which `attend` makes.
pub(crate) async fn keep<F>(
    listener: TcpListener,
    place: Place,
    counts: Arc<WireCounts>,
    attend: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = Result<(), Stranger>> + Send + 'static,
{
    let most = place.nodes as usize + MOST_SPARE;
    let room = Arc::new(Semaphore::new(most));
    let mut attended = JoinSet::new();
    loop {
        let (stream, who) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // Mostly too many open files: it does not get better at once, and must not spin.
                time::sleep(LONGEST_PAUSE).await;
                continue;
            }
        };
        while attended.try_join_next().is_some() {}
        let Ok(permit) = room.clone().try_acquire_owned() else {
            counts.refuse(place.me, &who, &Stranger::TooMany(most));
            continue;
        };
        let (attention, counts) = (attend(stream, who), counts.clone());
        attended.spawn(async move {
            if let Err(why) = attention.await {
                counts.refuse(place.me, &who, &why);
            }
            drop(permit);
        });
    }
}
