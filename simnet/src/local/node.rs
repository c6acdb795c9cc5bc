//! A node as a process of the operating system: the clock, the sockets and the files around an [`Engine`].

use super::engine::{Action, Engine, header};
use super::folder::Folder;
use super::frame::Letter;
use super::mischief::{BadWire, Done};
use super::recording::Recording;
use super::storage::{FileStorage, StorageError};
use super::transport::{Addresses, Bound, Place, TransportKind, Wire};
use crate::delay::Delay;
use crate::monitor::Violation;
use crate::node::NodeId;
use crate::process::{Observe, Process};
use crate::random::{Purpose, Random};
use crate::storage::{Contents, Write};
use crate::tally::Tally;
use crate::time::micros;
use crate::trace::{Event, Kind, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// What a node needs to know beside its process. As text it is JSON: so it goes through a command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The lab's folder, for the header of the trace.
    pub lab: String,
    /// What the run is, in words.
    pub run_text: String,
    /// The run. Nodes of another run are refused.
    pub run: u64,
    /// What carries the messages.
    pub transport: TransportKind,
    /// What goes wrong below it, where messages are datagrams.
    pub wire: BadWire,
    /// The seed of the processes' random choices.
    pub seed: u64,
    /// The nodes' names, by id.
    pub names: Vec<Name>,
    /// This node.
    pub me: NodeId,
    /// When the run began, in microseconds of the Unix epoch: all nodes count from there.
    pub epoch_us: u64,
    /// The folder of the node's storage. Without one, it lasts as long as the process.
    pub data: Option<PathBuf>,
    /// The folder for the trace. Without one, nothing is recorded.
    pub traces: Option<PathBuf>,
    /// How long each message waits before it leaves, besides what the network takes. Where the transport keeps the order of sending, so does
    /// the wait.
    pub delay: Delay,
    /// After the first message of this name has left, the node reacts to nothing any more: someone is about to kill it.
    pub halt_after: Option<String>,
    /// Each message of this name that has come is told of.
    pub tell_of: Option<String>,
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Options {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let options: Options = serde_json::from_str(text)
            .map_err(|error| format!("read `{text}`, expected the options of a node as JSON: {error}"))?;
        let nodes = options.names.len();
        if options.me.index() < nodes {
            Ok(options)
        } else {
            Err(format!("read the node {}, expected one of {nodes}", options.me))
        }
    }
}

/// Why a node has stopped before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A handler has panicked.
    #[error("{0}")]
    Broken(Violation),
    /// Its storage fails. A write that fails stops the node.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// The system refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<Violation> for NodeError {
    fn from(violation: Violation) -> Self {
        NodeError::Broken(violation)
    }
}

/// What the sockets of a node have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireReport {
    /// Bytes sent, with all heads, and with what was sent again.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Messages dropped for want of room, or lost with a connection.
    pub messages_dropped: u64,
    /// How often someone was refused.
    pub refusals: u64,
    /// What was done to datagrams on purpose.
    pub mischief: Done,
}

impl AddAssign for WireReport {
    fn add_assign(&mut self, more: Self) {
        self.bytes_sent += more.bytes_sent;
        self.bytes_received += more.bytes_received;
        self.messages_dropped += more.messages_dropped;
        self.refusals += more.refusals;
        self.mischief.dropped += more.mischief.dropped;
        self.mischief.duplicated += more.mischief.duplicated;
        self.mischief.reordered += more.mischief.reordered;
    }
}

/// What a node has done.
#[derive(Clone, Debug)]
pub struct Report {
    /// Messages and bytes, counted as in the simulated world.
    pub tally: Tally,
    /// What its sockets have seen.
    pub wire: WireReport,
}

/// Something that a node tells whoever started it.
#[derive(Debug)]
pub enum News<'a, O> {
    /// The process told the outside something.
    Output(&'a O),
    /// The node has halted, as its options said.
    Halted,
    /// A message of the name that the options say has come from this node.
    Heard(&'a Name),
}

/// How often the two clocks are compared at the start.
const READINGS: u32 = 20;

/// The time of the run: the system's clock once, and from then on one that never runs back.
#[derive(Clone, Copy, Debug)]
struct RunClock {
    base_us: u64,
    since: Instant,
}

impl RunClock {
    fn start(epoch_us: u64) -> Self {
        // Two clocks are read, and the process may lose the processor in between for longer than a message takes: the narrowest of
        // several readings counts.
        let readings = (0..READINGS).map(|_| {
            let before = Instant::now();
            let wall_us = unix_us();
            (before.elapsed(), wall_us, before)
        });
        let (_, wall_us, since) = readings.min_by_key(|(gap, ..)| *gap).expect("there are several");
        RunClock { base_us: wall_us.saturating_sub(epoch_us), since }
    }

    fn now_us(&self) -> u64 {
        self.base_us + micros(self.since.elapsed())
    }

    fn instant(&self, at_us: u64) -> Instant {
        self.since + Duration::from_micros(at_us.saturating_sub(self.base_us))
    }
}

/// What the system's clock says, in microseconds of the Unix epoch: a run's beginning.
#[allow(
    clippy::disallowed_types,
    reason = "this is the shell: a common epoch is what all nodes' clocks share"
)]
pub fn unix_us() -> u64 {
    micros(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default())
}

/// The node's storage: at rest, or at work in a thread that may wait for the disk.
enum Disk {
    None,
    AtRest(Box<FileStorage<Folder>>),
    AtWork(JoinHandle<Committed>),
}

/// The storage comes back, with what came of it.
type Committed = (Box<FileStorage<Folder>>, Result<(), StorageError>);

impl Disk {
    fn open(folder: Option<&Path>) -> Result<(Self, Contents, u64), NodeError> {
        let Some(folder) = folder else { return Ok((Disk::None, Contents::default(), 0)) };
        let (storage, opened) = FileStorage::open(Folder::take(folder)?)?;
        if opened.torn > 0 {
            eprintln!(
                "{}: threw away {} bytes of a write that was never synced",
                folder.display(),
                opened.torn
            );
        }
        Ok((Disk::AtRest(Box::new(storage)), opened.contents, opened.written))
    }

    /// Begins to make these writes durable. Returns whether there is anything to wait for.
    fn commit(&mut self, writes: Vec<Write>) -> bool {
        match std::mem::replace(self, Disk::None) {
            Disk::AtRest(mut storage) => {
                *self = Disk::AtWork(tokio::task::spawn_blocking(move || {
                    let done = storage.commit(writes);
                    (storage, done)
                }));
                true
            }
            Disk::None => false,
            Disk::AtWork(_) => unreachable!("the engine asks for one commit at a time"),
        }
    }

    /// Waits for the end of the commit that is under way. It may be dropped while it waits.
    async fn finished(&mut self) -> Result<(), StorageError> {
        let Disk::AtWork(work) = self else { return pending().await };
        let (storage, done) = work.await.expect("storage does not panic");
        *self = Disk::AtRest(storage);
        done
    }
}

struct Shell<P: Process> {
    options: Options,
    engine: Engine<P>,
    clock: RunClock,
    wire: Wire,
    disk: Disk,
    recording: Option<Recording>,
    /// Messages that wait before they leave, by the time when they do.
    delayed: BTreeMap<(u64, u64), (NodeId, Letter)>,
    delays: Random,
    /// For each node, when the last message to it leaves, if the transport keeps the order of sending: later ones do not leave before.
    leaves_last: Option<Vec<u64>>,
    halted: bool,
    /// Who has sent what is to be told of.
    heard: Vec<Name>,
}

/// Runs a node until `stop` is done. What it has to tell goes to `tell`, after what it follows from was recorded.
///
/// # Errors
/// When the node cannot start, its storage fails, or a handler panics.
pub async fn run<P: Observe>(
    process: P,
    options: Options,
    bound: Bound,
    addresses: Addresses,
    mut tell: impl FnMut(News<'_, P::Output>),
    stop: impl Future<Output = ()>,
) -> Result<Report, NodeError> {
    let (disk, contents, written) = Disk::open(options.data.as_deref())?;
    let clock = RunClock::start(options.epoch_us);
    let nodes = u32::try_from(options.names.len()).expect("fewer than 2^32 nodes");
    let place = Place { run: options.run, me: options.me, nodes, life: clock.now_us().max(1) };
    let recording = match &options.traces {
        Some(folder) => {
            let header = header(&options.lab, options.seed, &options.names, &options.run_text);
            Some(Recording::begin(folder, &options.names[options.me.index()], place.life, &header)?)
        }
        None => None,
    };
    let engine = Engine::new(process, place, options.names.clone(), options.seed, contents).recording_views();
    let delays = Random::new(options.seed, Purpose::Network);
    // Each node's wire is bad in its own way.
    let wire_seed = options.seed.wrapping_add(u64::from(options.me.0) << 32);
    let leaves_last = bound.keeps_order().then(|| vec![0; options.names.len()]);
    let wire = bound.over(wire_seed, options.wire).start(place, addresses);
    let mut shell = Shell {
        options,
        engine,
        clock,
        wire,
        disk,
        recording,
        delayed: BTreeMap::new(),
        delays,
        leaves_last,
        halted: false,
        heard: Vec::new(),
    };
    let ended = shell.live(written, &mut tell, stop).await;
    // What has happened is recorded also when it ends badly.
    shell.record()?;
    ended?;
    shell.save().await?;
    Ok(shell.report())
}

impl<P: Process> Shell<P> {
    async fn live(
        &mut self,
        written: u64,
        tell: &mut impl FnMut(News<'_, P::Output>),
        stop: impl Future<Output = ()>,
    ) -> Result<(), NodeError> {
        tokio::pin!(stop);
        let now_us = self.clock.now_us();
        self.engine.start(written, now_us)?;
        loop {
            self.carry_out(tell)?;
            let wakes_at = self.wakes_at();
            let halted = self.halted;
            tokio::select! {
                () = &mut stop => return Ok(()),
                letter = self.wire.receive(), if !halted => self.receive(&letter)?,
                done = self.disk.finished(), if !halted => {
                    done?;
                    self.engine.synced(self.clock.now_us());
                }
                () = at(wakes_at) => self.wake()?,
            }
        }
    }

    fn receive(&mut self, letter: &Letter) -> Result<(), NodeError> {
        if let Err(why) = self.engine.receive(letter, self.clock.now_us())? {
            eprintln!("{}: refused a letter of {}: {why}", self.options.me, letter.from);
        }
        Ok(())
    }

    fn wakes_at(&self) -> Option<Instant> {
        let delayed = self.delayed.keys().next().map(|(at_us, _)| *at_us);
        let engine = if self.halted { None } else { self.engine.wakes_at() };
        delayed.into_iter().chain(engine).min().map(|at_us| self.clock.instant(at_us))
    }

    fn wake(&mut self) -> Result<(), NodeError> {
        let now_us = self.clock.now_us();
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now_us
        {
            let (to, letter) = entry.remove();
            self.wire.send(to, letter);
        }
        if !self.halted {
            self.engine.wake(now_us)?;
        }
        Ok(())
    }

    fn record(&mut self) -> io::Result<()> {
        let events = self.engine.take_events();
        let is = |event: &Event, kind: Kind, name: &Option<String>| {
            event.kind == kind && name.is_some() && event.name.as_deref() == name.as_deref()
        };
        self.halted |= events.iter().any(|event| is(event, Kind::Send, &self.options.halt_after));
        let heard = events.iter().filter(|event| is(event, Kind::Deliver, &self.options.tell_of));
        self.heard.extend(heard.filter_map(|event| event.peer.clone()));
        match &mut self.recording {
            Some(recording) => recording.add(events),
            None => Ok(()),
        }
    }

    /// Records what has happened, and then does what is to be done.
    fn carry_out(&mut self, tell: &mut impl FnMut(News<'_, P::Output>)) -> Result<(), NodeError> {
        loop {
            let before = self.halted;
            self.record()?;
            self.heard.drain(..).for_each(|from| tell(News::Heard(&from)));
            let actions = self.engine.take_actions();
            if actions.is_empty() {
                return Ok(());
            }
            for action in actions {
                match action {
                    Action::Send { to, letter } => self.send(to, letter),
                    Action::Output(output) => tell(News::Output(&output)),
                    Action::Commit(writes) => {
                        if !self.disk.commit(writes) {
                            self.engine.synced(self.clock.now_us());
                        }
                    }
                }
            }
            if self.halted && !before {
                tell(News::Halted);
            }
        }
    }

    fn send(&mut self, to: NodeId, letter: Letter) {
        if self.options.delay == Delay::NONE {
            self.wire.send(to, letter);
            return;
        }
        let mut leaves = self.clock.now_us() + self.options.delay.draw_us(&mut self.delays);
        if let Some(last) = &mut self.leaves_last {
            leaves = leaves.max(last[to.index()]);
            last[to.index()] = leaves;
        }
        // Ids grow, so what leaves at one time leaves in the order of sending.
        self.delayed.insert((leaves, letter.id), (to, letter));
    }

    /// Before an orderly end: waits for the disk, and saves what nobody had asked to sync.
    async fn save(&mut self) -> Result<(), NodeError> {
        if let Disk::AtWork(_) = self.disk {
            self.disk.finished().await?;
        }
        let unsynced = self.engine.take_unsynced();
        if !unsynced.is_empty() && self.disk.commit(unsynced) {
            self.disk.finished().await?;
        }
        Ok(())
    }

    fn report(&self) -> Report {
        let counts = self.wire.counts();
        Report {
            tally: self.engine.tally().clone(),
            wire: WireReport {
                bytes_sent: counts.bytes_sent(),
                bytes_received: counts.bytes_received(),
                messages_dropped: counts.messages_dropped(),
                refusals: counts.refusals(),
                mischief: counts.mischief_done(),
            },
        }
    }
}

/// Sleeps until then, or for ever.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
