//! Where sockets meet: `tcp://HOST:PORT` and `ipc://PATH`, read, bound and connected to, with errors that say what to do.

use std::error::Error;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{sleep, timeout};
use zeromq::{Endpoint, Socket, ZmqError};

/// The pause before a connection that was broken off is tried again.
const PAUSE: Duration = Duration::from_millis(50);
/// What to do about a port that cannot be had.
const BUSY_PORT: &str = "is another program there? --port 0 takes a free port";
/// What to do about a path that cannot be had.
const BUSY_PATH: &str = "is the folder there, and no other program at this path?";

/// Why two sockets do not meet.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// What was read is no address.
    #[error(
        "read the address `{0}`, expected HOST:PORT, tcp://HOST:PORT or ipc://PATH, such as tcp://127.0.0.1:5555"
    )]
    Malformed(String),
    /// Somebody else listens there, or nobody may.
    #[error("could not listen on {0}: {1}; {advice}", advice = if .0.starts_with("ipc:") { BUSY_PATH } else { BUSY_PORT })]
    Busy(String, String),
    /// The system cannot even try: the name has no address, say.
    #[error("could not connect to {0}: {1}; is the name or the path right?")]
    NoWay(String, io::Error),
    /// Nobody answers there.
    #[error("nobody answers at {0} within {1:?}; is the other program running, and at this address?")]
    Unreachable(String, Duration),
    /// Somebody answers, and cannot be understood.
    #[error("what answers at {0} is not the socket that was expected: {1}")]
    Stranger(String, ZmqError),
}

/// The address that `text` means: an endpoint as it is, else `HOST:PORT`, or a host reached over TCP at the usual `port`, where there is one.
///
/// # Errors
/// When it is none of these.
pub fn endpoint(text: &str, port: impl Into<Option<u16>>) -> Result<String, EndpointError> {
    let malformed = || EndpointError::Malformed(text.to_string());
    let whole = match (text.matches(':').count(), port.into()) {
        _ if text.contains("://") => text.to_string(),
        (1, _) => format!("tcp://{text}"),
        (0, Some(port)) => format!("tcp://{text}:{port}"),
        // An IPv6 address has colons of its own.
        (_, Some(port)) if !text.starts_with('[') => format!("tcp://[{text}]:{port}"),
        (2.., _) => format!("tcp://{text}"),
        (0, None) => return Err(malformed()),
    };
    match whole.parse() {
        Ok(Endpoint::Tcp(..)) => Ok(whole),
        // The crate does not know the wildcard that libzmq has for `ipc`.
        Ok(Endpoint::Ipc(_)) if whole != "ipc://*" => Ok(whole),
        _ => Err(malformed()),
    }
}

/// Binds `socket`, and returns the address that it got: with port 0 the system chooses. Bare: what strangers can reach has a
/// [`Door`](crate::door::Door).
///
/// # Errors
/// When the text is no address, somebody else listens there, or the system says no.
pub async fn bind(socket: &mut impl Socket, text: &str) -> Result<String, EndpointError> {
    let endpoint = endpoint(text, None)?;
    let bound = match endpoint.strip_prefix("ipc://") {
        Some(path) => match listen_ipc(Path::new(path)) {
            Ok(listener) => socket.bind_listener(listener).await,
            Err(error) => Err(ZmqError::Network(error)),
        },
        None => socket.bind(&endpoint).await,
    };
    match bound {
        Ok(bound) => Ok(bound.to_string()),
        Err(ZmqError::Network(error)) => Err(EndpointError::Busy(endpoint, error.to_string())),
        Err(error) => Err(EndpointError::Busy(endpoint, error.to_string())),
    }
}

/// Connects `socket`. The crate tries again while nobody answers; here that ends after `patience`. Who hangs up before the handshake is over may
/// be a program that ends, or begins anew: that is tried again, too.
///
/// # Errors
/// When the text is no address, nobody answers, or who answers is not what a socket of this kind talks to.
pub async fn connect(socket: &mut impl Socket, text: &str, patience: Duration) -> Result<(), EndpointError> {
    let endpoint = endpoint(text, None)?;
    let mut broken = None;
    let trying = async {
        loop {
            match socket.connect(&endpoint).await {
                // The crate gives up after 30 s; how long to try is decided here.
                Err(ZmqError::ConnectTimeout(_)) => {}
                Err(error) if is_broken_off(&error) => {
                    broken = Some(error);
                    sleep(PAUSE).await;
                }
                tried => return tried,
            }
        }
    };
    match timeout(patience, trying).await {
        Ok(Ok(())) => Ok(()),
        Err(_) => Err(match broken {
            Some(error) => EndpointError::Stranger(endpoint, error),
            None => EndpointError::Unreachable(endpoint, patience),
        }),
        Ok(Err(ZmqError::Network(error))) => Err(EndpointError::NoWay(endpoint, error)),
        Ok(Err(error)) => Err(EndpointError::Stranger(endpoint, error)),
    }
}

/// Whether a connection ended before both sides had shaken hands.
fn is_broken_off(error: &ZmqError) -> bool {
    match error {
        // The crate's words for an end before the greeting, and before READY.
        ZmqError::Other("Failed Greeting exchange" | "No reply from server") => true,
        ZmqError::Codec(error) => error.source().is_some_and(|source| source.is::<io::Error>()),
        _ => false,
    }
}

/// Listens on a path. A program that was killed leaves its path behind: who finds one where nobody answers takes it over.
///
/// # Errors
/// When somebody answers there, or the system says no.
pub fn listen_ipc(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match UnixStream::connect(path) {
                Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {}
                _ => return Err(error),
            }
            // A file that is no socket refuses a connection too, and may be somebody's thesis.
            if !path.symlink_metadata()?.file_type().is_socket() {
                return Err(io::Error::new(error.kind(), "there is a file that is no socket"));
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use zeromq::{PullSocket, PushSocket};

    #[test]
    fn a_host_is_an_endpoint_at_the_usual_port() {
        let read = |text| endpoint(text, 5555).ok();
        assert_eq!(read("10.0.0.1").as_deref(), Some("tcp://10.0.0.1:5555"));
        assert_eq!(read("10.0.0.1:80").as_deref(), Some("tcp://10.0.0.1:80"));
        assert_eq!(read("::1").as_deref(), Some("tcp://[::1]:5555"));
        assert_eq!(read("tcp://host:1").as_deref(), Some("tcp://host:1"));
        assert_eq!(read("ipc:///tmp/x").as_deref(), Some("ipc:///tmp/x"));
        assert_eq!(endpoint("[::1]:80", None).unwrap(), "tcp://[::1]:80");
        assert!(endpoint("nonsense", None).is_err(), "there is no usual port");
        for wrong in ["", "udp://host:1", "tcp://host", "tcp://host:70000", "ipc://*"] {
            let error = endpoint(wrong, 5555).unwrap_err().to_string();
            assert!(error.starts_with(&format!("read the address `{wrong}`, expected ")), "{error}");
        }
    }

    #[tokio::test]
    async fn a_path_that_a_dead_program_left_is_taken_over_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let at = format!("ipc://{}", path.display());
        let mut first = PullSocket::new();
        assert_eq!(bind(&mut first, &at).await.unwrap(), at);
        let error = bind(&mut PullSocket::new(), &at).await.unwrap_err();
        assert!(error.to_string().ends_with(BUSY_PATH), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thesis.txt");
        std::fs::write(&path, "a thesis").unwrap();
        let at = format!("ipc://{}", path.display());
        let error = bind(&mut PullSocket::new(), &at).await.unwrap_err();
        assert!(error.to_string().contains("there is a file that is no socket"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a thesis");
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_said_to_be_none() {
        let error = connect(&mut PushSocket::new(), "no..name:1", Duration::from_secs(20)).await.unwrap_err();
        assert!(error.to_string().starts_with("could not connect to tcp://no..name:1: "), "{error}");
    }

    /// The crate's own limit is shorter than the patience, as its 30 s are shorter than a minute.
    #[tokio::test]
    async fn patience_is_as_long_as_it_says() {
        let mut options = zeromq::SocketOptions::default();
        options.connect_timeout(Duration::from_millis(5));
        let patience = Duration::from_millis(100);
        let begun = tokio::time::Instant::now();
        let error =
            connect(&mut PushSocket::with_options(options), "127.0.0.1:1", patience).await.unwrap_err();
        assert!(matches!(error, EndpointError::Unreachable(..)), "{error}");
        assert!(begun.elapsed() >= patience, "it gave up after {:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_busy_port_and_an_address_where_nobody_answers_are_named() {
        let mut first = PullSocket::new();
        let at = bind(&mut first, "tcp://127.0.0.1:0").await.unwrap();
        let error = bind(&mut PullSocket::new(), &at).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("could not listen on {at}: ")), "{error}");
        first.close().await;
        let error = connect(&mut PushSocket::new(), &at, Duration::from_millis(20)).await.unwrap_err();
        assert!(matches!(error, EndpointError::Unreachable(..)), "{error}");
    }

    /// Reads so many bytes, says these, and hangs up.
    fn break_off(listener: &UnixListener, read: usize, said: &[u8]) {
        let (mut peer, _) = listener.accept().unwrap();
        peer.read_exact(&mut vec![0; read]).unwrap();
        peer.write_all(said).unwrap();
    }

    #[tokio::test]
    async fn who_is_hung_up_on_within_the_handshake_tries_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let at = format!("ipc://{}", path.display());
        let mut greeting = [0; 64];
        (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
        greeting[12..16].copy_from_slice(b"NULL");
        let begins_anew = tokio::task::spawn_blocking(move || {
            break_off(&listener, 0, b"");
            break_off(&listener, 64, b"");
            break_off(&listener, 64, &greeting);
            break_off(&listener, 0, &greeting);
            listener
        });
        let serving = async {
            let mut pull = PullSocket::new();
            pull.bind_listener(begins_anew.await.unwrap()).await.unwrap();
            pull
        };
        let mut push = PushSocket::new();
        let (connected, _pull) = tokio::join!(connect(&mut push, &at, Duration::from_secs(20)), serving);
        connected.unwrap();
    }

    #[tokio::test]
    async fn a_socket_of_the_wrong_kind_is_a_stranger() {
        let mut first = PullSocket::new();
        let at = bind(&mut first, "tcp://127.0.0.1:0").await.unwrap();
        let error = connect(&mut PullSocket::new(), &at, Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(error, EndpointError::Stranger(..)), "{error}");
    }
}
