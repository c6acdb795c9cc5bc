//! `messages link`: the link carries real packets, in UDP datagrams, from one program to another.

use anyhow::{Context, bail};
use messages::link::message::{Message, Output, Settings};
use messages::link::node::{Node, View};
use messages::link::receiver::Receiver;
use messages::link::scene::{RECEIVER, SENDER};
use messages::link::sender::Sender;
use simnet::local::engine::{Action, Engine};
use simnet::local::frame::Letter;
use simnet::local::mischief::{BadWire, Done, Mischief};
use simnet::local::transport::Place;
use simnet::report::{BROKEN, UNDECIDED, wall_clock};
use simnet::storage::Contents;
use simnet::{Chance, NodeId, Observe, Violation};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

/// How the link is set up: both ends have it from here.
const SETTINGS: Settings = Settings {
    numbers: 1 << 16,
    // Soon after the start the numbers begin anew.
    first: (1 << 16) - 8,
    window: 32,
    fragment: 512,
    resend: Duration::from_millis(20),
    longest: Duration::from_millis(500),
};

/// What is sent is cut into messages of so many bytes; an empty one says that it has ended.
const MESSAGE: usize = 2_000;

/// No packet is longer: a fragment, and a few bytes before it.
const MOST_PACKET: usize = 1_400;

/// As much is sent at most: it is held in memory.
const MOST_BYTES: u64 = 256 << 20;

#[derive(clap::Subcommand)]
pub enum End {
    /// Receive what one sender sends, and write it to standard output.
    Receive {
        /// The port to listen on; 0 for any that is free. Which one it is stands on standard error.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// The address to listen on.
        #[arg(long, default_value = "127.0.0.1")]
        host: IpAddr,
        /// After the end, stay for so many milliseconds: the sender may not know yet that everything has come.
        #[arg(long, default_value_t = 1_500)]
        linger: u64,
        #[command(flatten)]
        network: Network,
    },
    /// Send what comes on standard input.
    Send {
        /// Where the receiver listens.
        address: SocketAddr,
        #[command(flatten)]
        network: Network,
    },
}

/// What happens to the packets that this end sends, besides what the real network does.
#[derive(clap::Args)]
pub struct Network {
    /// Lose so many percent.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=99))]
    drop: u32,
    /// Send so many percent twice.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    duplicate: u32,
    /// Let so many percent be overtaken.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    reorder: u32,
    /// The seed of these.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Give up when nothing has moved for so many seconds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
}

impl Network {
    fn mischief(&self) -> Mischief {
        let percent = Chance::percent;
        let wire = BadWire {
            drop: percent(self.drop),
            duplicate: percent(self.duplicate),
            reorder: percent(self.reorder),
        };
        Mischief::new(self.seed, wire)
    }
}

/// An address for the sender: where all addresses of this machine are listened on, the one that reaches it from here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Runs one end.
pub fn run(end: &End) -> anyhow::Result<ExitCode> {
    let (ended, wire) = match end {
        End::Receive { port, host, linger, network } => {
            let listen = SocketAddr::new(*host, *port);
            let socket =
                UdpSocket::bind(listen).with_context(|| format!("{listen} cannot be listened on"))?;
            eprintln!("listening on {}", reachable(socket.local_addr()?));
            let mut wire =
                Wire::new(socket, None, RECEIVER, Node::Receiver(Receiver::new(SETTINGS)), network);
            (wire.receive(Duration::from_millis(*linger)), wire)
        }
        End::Send { address, network } => {
            // Answers come from the address that a packet was sent to, and nothing is ever sent from this one.
            if address.ip().is_unspecified() {
                bail!(
                    "read the address {address}, expected that of one machine; on the receiver's it is {}",
                    reachable(*address)
                );
            }
            let messages = messages_of(io::stdin().lock())?;
            let any = if address.is_ipv4() { [0; 4].into() } else { IpAddr::from([0; 16]) };
            let socket = UdpSocket::bind((any, 0))?;
            let process = Node::Sender(Sender::new(SETTINGS, RECEIVER, messages));
            let mut wire = Wire::new(socket, Some(*address), SENDER, process, network);
            (wire.send(), wire)
        }
    };
    wire.report();
    match ended {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Stopped::Silent) => {
            eprintln!("error: {}", wire.silence());
            Ok(ExitCode::from(UNDECIDED))
        }
        Err(Stopped::Broken(violation)) => {
            eprintln!("{violation}");
            Ok(ExitCode::from(BROKEN))
        }
        Err(Stopped::Io(error)) => Err(error.into()),
    }
}

/// What comes from `input`, as messages, and the empty one that ends them.
fn messages_of(input: impl Read) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    input.take(MOST_BYTES + 1).read_to_end(&mut bytes).context("standard input cannot be read")?;
    if bytes.len() as u64 > MOST_BYTES {
        bail!("read more than {MOST_BYTES} bytes on standard input, expected at most as many");
    }
    let mut messages: Vec<Vec<u8>> = bytes.chunks(MESSAGE).map(<[u8]>::to_vec).collect();
    messages.push(Vec::new());
    Ok(messages)
}

/// Why an end has stopped before everything was done.
enum Stopped {
    /// Nothing has moved for too long.
    Silent,
    /// A handler has panicked.
    Broken(Violation),
    /// The system refuses.
    Io(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Stopped::Io(error)
    }
}

impl From<Violation> for Stopped {
    fn from(violation: Violation) -> Self {
        Stopped::Broken(violation)
    }
}

/// One end at work: the process, the socket and the clock.
struct Wire {
    engine: Engine<Node>,
    socket: UdpSocket,
    /// The other end. A receiver takes the first that sends it a segment.
    peer: Option<SocketAddr>,
    peer_id: NodeId,
    mischief: Mischief,
    patience: Duration,
    began: Duration,
    /// When something of the other end has come last.
    heard: Duration,
    /// When the process was last another than before. Packets that change nothing are no progress: two ends may send them for ever.
    moved: Duration,
    view: View,
    packets_sent: u64,
    packets_come: u64,
    /// What was no packet of this link, or somebody else's.
    refused: u64,
}

impl Wire {
    fn new(
        socket: UdpSocket,
        peer: Option<SocketAddr>,
        me: NodeId,
        process: Node,
        network: &Network,
    ) -> Self {
        let place = Place { run: 0, me, nodes: 2, life: 1 };
        let names = vec!["s".into(), "r".into()];
        Wire {
            view: process.view(),
            engine: Engine::new(process, place, names, network.seed, Contents::default()),
            socket,
            peer,
            peer_id: if me == SENDER { RECEIVER } else { SENDER },
            mischief: network.mischief(),
            patience: Duration::from_secs(network.patience),
            began: wall_clock(),
            heard: wall_clock(),
            moved: wall_clock(),
            packets_sent: 0,
            packets_come: 0,
            refused: 0,
        }
    }

    /// Sends until everything has been acknowledged.
    fn send(&mut self) -> Result<(), Stopped> {
        self.engine.start(0, self.now_us())?;
        self.act()?;
        while !matches!(self.engine.process(), Node::Sender(sender) if sender.is_idle()) {
            if self.stands() {
                return Err(Stopped::Silent);
            }
            self.step(self.patience)?;
        }
        Ok(())
    }

    /// Writes to standard output what comes, until the end has come and the sender has had time to hear of it.
    fn receive(&mut self, linger: Duration) -> Result<(), Stopped> {
        self.engine.start(0, self.now_us())?;
        let mut out = io::stdout().lock();
        let mut ended = false;
        loop {
            if ended && (self.stands() || wall_clock() - self.heard > linger) {
                return Ok(());
            }
            if self.stands() {
                return Err(Stopped::Silent);
            }
            for Output(message) in self.step(if ended { linger } else { self.patience })? {
                ended |= message.is_empty();
                out.write_all(&message)?;
            }
            if ended {
                out.flush()?;
            }
        }
    }

    /// Waits for a packet or an alarm, lets the process react, and does what it asks for. Returns what it tells.
    fn step(&mut self, longest: Duration) -> Result<Vec<Output>, Stopped> {
        let alarm = self.engine.wakes_at().map(|at| Duration::from_micros(at.saturating_sub(self.now_us())));
        let wait = alarm.unwrap_or(longest).min(longest);
        // The system takes no wait of zero.
        self.socket.set_read_timeout(Some(wait.max(Duration::from_micros(1))))?;
        let mut packet = [0; MOST_PACKET];
        match self.socket.recv_from(&mut packet) {
            Ok((length, from)) => self.packet(&packet[..length], from)?,
            // On loopback the system tells when nobody listens. The receiver may still come.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock
                        | ErrorKind::TimedOut
                        | ErrorKind::Interrupted
                        | ErrorKind::ConnectionRefused
                ) => {}
            Err(error) => return Err(error.into()),
        }
        while self.engine.wakes_at().is_some_and(|at| at <= self.now_us()) {
            self.engine.wake(self.now_us())?;
        }
        let view = self.engine.process().view();
        if view != self.view {
            self.view = view;
            self.moved = wall_clock();
        }
        Ok(self.act()?)
    }

    /// A packet has come: anything, from anybody.
    fn packet(&mut self, bytes: &[u8], from: SocketAddr) -> Result<(), Violation> {
        if self.peer.is_some_and(|peer| peer != from) {
            self.refused += 1;
            return Ok(());
        }
        if self.peer.is_none() {
            let Ok((Message::Segment { .. }, [])) = postcard::take_from_bytes(bytes) else {
                self.refused += 1;
                return Ok(());
            };
            self.peer = Some(from);
        }
        let letter =
            Letter { from: self.peer_id, id: self.packets_come, clock: vec![0; 2], message: bytes.to_vec() };
        match self.engine.receive(&letter, self.now_us())? {
            Ok(()) => {
                self.packets_come += 1;
                self.heard = wall_clock();
            }
            Err(_) => self.refused += 1,
        }
        Ok(())
    }

    /// Does what the process asked for.
    fn act(&mut self) -> io::Result<Vec<Output>> {
        let mut told = Vec::new();
        // Nobody records this run.
        drop(self.engine.take_events());
        for action in self.engine.take_actions() {
            match action {
                Action::Send { letter, .. } => {
                    let Some(peer) = self.peer else { continue };
                    for packet in self.mischief.pass(letter.message) {
                        self.packets_sent += 1;
                        match self.socket.send_to(&packet, peer) {
                            // What the system has no room for, or nobody takes, is lost. A link bears that.
                            Err(error)
                                if !matches!(
                                    error.kind(),
                                    ErrorKind::WouldBlock | ErrorKind::ConnectionRefused
                                ) =>
                            {
                                return Err(error);
                            }
                            _ => {}
                        }
                    }
                }
                Action::Commit(_) => self.engine.synced(self.now_us()),
                Action::Output(output) => told.push(output),
            }
        }
        Ok(told)
    }

    fn now_us(&self) -> u64 {
        (wall_clock() - self.began).as_micros() as u64
    }

    /// Whether nothing has moved for too long.
    fn stands(&self) -> bool {
        wall_clock() - self.moved > self.patience
    }

    /// Why nothing has moved, and what to do.
    fn silence(&self) -> String {
        let seconds = self.patience.as_secs();
        let whom = match self.peer {
            Some(peer) => peer.to_string(),
            None => "any sender".to_string(),
        };
        if self.heard + self.patience > wall_clock() {
            return format!(
                "packets come from {whom}, but for {seconds} s none has changed anything: cargo course test 02 --part b"
            );
        }
        let next = if self.peer_id == RECEIVER {
            "is `messages link receive` running there?"
        } else {
            "start `messages link send` with the address above"
        };
        format!("nothing has come from {whom} for {seconds} s: {next}")
    }

    fn report(&self) {
        let Done { dropped, duplicated, reordered } = self.mischief.done();
        eprintln!(
            "{} packets sent, {} come, {} refused; injected: {dropped} dropped, {duplicated} doubled, {reordered} overtaken",
            self.packets_sent, self.packets_come, self.refused
        );
    }
}
