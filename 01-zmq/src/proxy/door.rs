//! Unsubscribes for subscribers that vanish.
//!
//! An XPUB of libzmq receives the end of each subscription of a subscriber that has gone. The crate's forgets them without a word, so a
//! proxy would keep publications coming that nobody wants. So the XPUB listens on a port of loopback that nobody is told, and subscribers
//! come to this door: it brings each of them to the XPUB, listens to what it subscribes to, and when it has gone says goodbye for it.

use super::gate::Gate;
use crate::endpoint::{EndpointError, bind, listen_ipc};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use zeromq::{Endpoint, Host, XPubSocket};

/// How long the XPUB may take to hang up after it was told goodbye.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;

/// Is told why a subscriber was sent away.
pub type SentAway = Arc<dyn Fn(String) + Send + Sync>;

/// A door before an XPUB. It closes, and all connections with it, when this is dropped.
#[derive(Debug)]
pub struct Door {
    /// Where subscribers connect.
    pub address: String,
    keeper: AbortHandle,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

enum Listener {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

impl Door {
    /// Opens a door at `endpoint`, and binds `socket` behind it.
    ///
    /// # Errors
    /// When somebody else listens there, or the system says no.
    pub async fn open(
        endpoint: &str,
        socket: &mut XPubSocket,
        sent_away: SentAway,
    ) -> Result<Self, EndpointError> {
        let busy = |error: io::Error| EndpointError::Busy(endpoint.to_string(), error.to_string());
        let (listener, address) = listen(endpoint).await.map_err(busy)?;
        let behind = bind(socket, "tcp://127.0.0.1:0").await?;
        let behind = behind.trim_start_matches("tcp://").to_string();
        let keeper = tokio::spawn(keep(listener, behind, sent_away)).abort_handle();
        Ok(Door { address, keeper })
    }
}

async fn listen(endpoint: &str) -> io::Result<(Listener, String)> {
    match endpoint.parse() {
        Ok(Endpoint::Tcp(host, port)) => {
            let listener = TcpListener::bind((host.to_string().as_str(), port)).await?;
            let address =
                Endpoint::Tcp(Host::from(listener.local_addr()?.ip()), listener.local_addr()?.port());
            Ok((Listener::Tcp(listener), address.to_string()))
        }
        Ok(Endpoint::Ipc(Some(path))) => {
            let listener = listen_ipc(Path::new(&path))?;
            listener.set_nonblocking(true)?;
            Ok((Listener::Ipc(UnixListener::from_std(listener)?), endpoint.to_string()))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "expected tcp:// or ipc://")),
    }
}

/// Lets in whoever comes, until it is aborted; the connections are aborted with it.
async fn keep(listener: Listener, behind: String, sent_away: SentAway) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let attended = (behind.clone(), sent_away.clone());
        let accepted = match &listener {
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                let _ = stream.set_nodelay(true);
                connections.spawn(attend(stream, attended.0, attended.1));
            }),
            Listener::Ipc(listener) => listener.accept().await.map(|(stream, _)| {
                connections.spawn(attend(stream, attended.0, attended.1));
            }),
        };
        if accepted.is_err() {
            // Out of files, say: what waits is still there, and is asked again; but not at once.
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Brings one subscriber to the XPUB, until either hangs up.
async fn attend(stream: impl AsyncRead + AsyncWrite, behind: String, sent_away: SentAway) {
    let Ok(mut socket) = TcpStream::connect(behind).await else { return };
    let _ = socket.set_nodelay(true);
    let (mut from_subscriber, mut to_subscriber) = tokio::io::split(stream);
    let (mut from_socket, mut to_socket) = socket.split();
    let mut gate = Gate::default();
    let inward = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match from_subscriber.read(&mut buffer).await {
                Ok(read) if read > 0 => read,
                _ => return,
            };
            match gate.pass(&buffer[..read]) {
                Ok(passed) if to_socket.write_all(&passed).await.is_ok() => {}
                Ok(_) => return,
                Err(why) => return sent_away(why.to_string()),
            }
        }
    };
    tokio::select! {
        () = inward => {}
        _ = tokio::io::copy(&mut from_socket, &mut to_subscriber) => {}
    }
    let goodbye = async {
        to_socket.write_all(&gate.goodbye()).await?;
        to_socket.shutdown().await?;
        // To close with publications unread would be a reset, and might take the goodbye back.
        tokio::io::copy(&mut from_socket, &mut tokio::io::sink()).await
    };
    let _ = timeout(PATIENCE, goodbye).await;
}
