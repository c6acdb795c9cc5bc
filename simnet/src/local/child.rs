//! A node's `main`: from the command line to the end of the process.

use super::control::{FromNode, ToNode};
use super::engine::line;
use super::node::{News, NodeError, Options, run};
use super::transport::Bound;
use crate::cluster::Cluster;
use crate::process::Observe;
use crate::trace::Name;
use std::cell::Cell;
use std::future::pending;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How a node finds the others.
#[derive(Clone, Debug)]
pub enum Peers {
    /// They listen there, by id; its own entry is its own address.
    Fixed(Vec<SocketAddr>),
    /// Whoever started it says so on standard input, and is told on standard output where this node listens. It ends when standard input does.
    FromParent,
}

/// Why a node has ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its process told what it was run for.
    Done,
    /// It was told to: by a signal, or by its parent.
    Told,
    /// Its time was over.
    TimedOut,
}

/// Plays one node of a [`Stage`](super::stage::Stage), until the stage ends it: what a lab's program does when the stage starts it with these options.
///
/// # Errors
/// When there is no such node with a process, it cannot start, its storage fails, or a handler panics.
pub fn play<P: Observe>(cluster: &Cluster<P>, options: Options) -> Result<(), NodeError> {
    let names: Vec<Name> = cluster.names().cloned().collect();
    let process = cluster.build(options.me).filter(|_| names == options.names).ok_or_else(|| {
        let (read, node) = (&options.names, options.me);
        io::Error::other(format!(
            "read {node} of the nodes {read:?}, expected one with a process of {names:?}"
        ))
    })?;
    serve(process, options, &Peers::FromParent, |_| false, None).map(drop)
}

/// Runs a node until `done` says so of an output, until `within` is over, or until it is told to end: by SIGINT, by SIGTERM, or by its parent. What it
/// has to tell goes to standard output, a line of JSON each.
///
/// # Errors
/// When it cannot start, its storage fails, or a handler panics.
pub fn serve<P: Observe>(
    process: P,
    options: Options,
    peers: &Peers,
    mut done: impl FnMut(&P::Output) -> bool,
    within: Option<Duration>,
) -> Result<Ended, NodeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let me = options.me.index();
        let listen = match peers {
            Peers::Fixed(addresses) => addresses[me],
            Peers::FromParent => SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let mut signals = Signals::listen()?;
        let kind = options.transport;
        let bound = Bound::bind(kind, listen).await?;
        let (book, addresses) = watch::channel(vec![None; options.names.len()]);
        let orphaned = match peers {
            Peers::Fixed(fixed) => {
                book.send_replace(fixed.iter().copied().map(Some).collect());
                eprintln!("{} listens on {} by {kind}", options.names[me], bound.address());
                None
            }
            Peers::FromParent => {
                say(&FromNode::Listening(bound.address()))?;
                Some(listen_to_parent(book.clone())?)
            }
        };
        let (satisfy, satisfied) = watch::channel(false);
        let why = Cell::new(Ended::Told);
        let stop = async {
            tokio::select! {
                () = signals.arrive() => {}
                () = or_never(orphaned) => {}
                () = holds(satisfied) => why.set(Ended::Done),
                () = over(within) => why.set(Ended::TimedOut),
            }
        };
        let tell = |news: News<'_, P::Output>| {
            // Whoever wanted to hear it may be gone.
            let _ = match news {
                News::Output(output) => {
                    satisfy.send_if_modified(|satisfied| {
                        *satisfied |= done(output);
                        *satisfied
                    });
                    say(&FromNode::Output(serde_json::to_value(output).unwrap_or_default()))
                }
                News::Heard(from) => say(&FromNode::Heard(from.to_string())),
                News::Halted => say(&FromNode::Halted),
            };
        };
        let report = run(process, options, bound, addresses, tell, stop).await?;
        let _ = say(&FromNode::Done(report.wire));
        drop(book);
        Ok(why.get())
    });
    // Nothing that still waits, such as a look-up of a name, may keep the process.
    runtime.shutdown_background();
    ended
}

async fn or_never(orphaned: Option<oneshot::Receiver<()>>) {
    match orphaned {
        Some(orphaned) => drop(orphaned.await),
        None => pending().await,
    }
}

async fn holds(mut condition: watch::Receiver<bool>) {
    if condition.wait_for(|holds| *holds).await.is_err() {
        pending().await
    }
}

async fn over(within: Option<Duration>) {
    match within {
        Some(within) => tokio::time::sleep(within).await,
        None => pending().await,
    }
}

fn say(what: &FromNode) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line(what).as_bytes())?;
    out.flush()
}

/// Reads standard input in a thread of its own, since nothing can end such a read. Done when it ends.
fn listen_to_parent(book: watch::Sender<Vec<Option<SocketAddr>>>) -> io::Result<oneshot::Receiver<()>> {
    let (ended, orphaned) = oneshot::channel();
    std::thread::Builder::new().name("parent".to_string()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            match serde_json::from_str(&line) {
                Ok(ToNode::Addresses(addresses)) if addresses.len() == book.borrow().len() => {
                    book.send_replace(addresses);
                }
                _ => eprintln!(
                    "read `{line}` on standard input, expected {{\"addresses\":[…]}} with one for each node"
                ),
            }
        }
        let _ = ended.send(());
    })?;
    Ok(orphaned)
}

/// SIGINT and SIGTERM, as something to wait for.
///
/// From [`Signals::listen`] on none is lost, and none kills the process: whoever says that it runs listens first.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system refuses to tell of signals.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Signals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Signals {})
    }

    /// Done at the first that arrives, or has arrived.
    pub async fn arrive(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
