//! Histories: what the clients of a service asked, what they were told, and when.
//!
//! A history is the clients' view alone, so it judges any implementation of a service: it is a finite
//! sequence of invocation and response events (Herlihy & Wing, "Linearizability: A Correctness Condition for
//! Concurrent Objects", TOPLAS 1990, §2.1). [`linearizability`](crate::linearizability) says whether one can
//! be explained.
//!
//! A client that never hears back cannot know what happened: its request may be lost, or late, or carried out
//! with the reply lost. Such an operation is a *maybe*: it took effect at some time after its invocation, or
//! never.
//!
//! ```
//! use simnet::history::History;
//!
//! let mut history = History::new();
//! let write = history.invoke(1, 0, "write 7");
//! let read = history.invoke(2, 40, "read");
//! history.respond(read, 90, 7)?;
//! assert_eq!(
//!     history.to_string(),
//!     "c1   0..   µs  \"write 7\"  no response (maybe)\n\
//!      c2  40..90 µs  \"read\"     7\n"
//! );
//! history.respond(write, 95, 0)?;
//! assert!(history.respond(write, 99, 0).is_err());
//! # Ok::<(), simnet::history::HistoryError>(())
//! ```

use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt::{self, Debug, Display};

/// Names one operation of one [`History`]; prints as `#3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(u64);

impl Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// When an event of a history happened. Moments are ordered by time, and within one microsecond by the order
/// in which the events were recorded.
///
/// In a simulated world recording follows causality, so that order is the true one. Who merges the logs of
/// several clocks does not know it: he records the invocations of one microsecond before its responses, which
/// makes the operations concurrent and never raises a false alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    /// Microseconds since the start of the run.
    pub at_us: u64,
    /// The event's place in the order of recording, from 0.
    pub place: u64,
}

/// How an operation ended, as far as its client knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<Ret> {
    /// Nothing was heard: a *maybe*, in effect at some time after its invocation, or never.
    NoResponse,
    /// It is known that the operation had no effect and never will: it was refused, or was never sent.
    Failed,
    /// The client was told a result.
    Responded {
        /// When.
        at: Moment,
        /// The result.
        ret: Ret,
    },
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operation<Op, Ret> {
    /// Its name in the history.
    pub id: OperationId,
    /// Who asked.
    pub client: u32,
    /// What was asked.
    pub op: Op,
    /// When it was asked.
    pub invoked: Moment,
    /// What the client heard.
    pub outcome: Outcome<Ret>,
}

impl<Op, Ret> Operation<Op, Ret> {
    /// The moment of the response and the result, if the client heard one.
    pub fn response(&self) -> Option<(Moment, &Ret)> {
        match &self.outcome {
            Outcome::Responded { at, ret } => Some((*at, ret)),
            Outcome::NoResponse | Outcome::Failed => None,
        }
    }
}

/// Why an event does not fit into a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The operation is not of this history.
    #[error(
        "read {read} of operation {id}; expected one of the {known} operations that this history invoked"
    )]
    UnknownOperation {
        /// What was to be recorded.
        read: String,
        /// The operation named.
        id: OperationId,
        /// How many operations the history has.
        known: usize,
    },
    /// The operation responded or failed before.
    #[error(
        "read {read} of operation {id} of client c{client}; expected none, because it {ended}: \
         an operation ends at most once"
    )]
    EndedTwice {
        /// What was to be recorded.
        read: String,
        /// The operation named.
        id: OperationId,
        /// Its client.
        client: u32,
        /// How it ended the first time.
        ended: String,
    },
    /// The response is earlier than the invocation.
    #[error(
        "read a response at {responded_at_us} µs of operation {id} of client c{client}; \
         expected one at or after its invocation at {invoked_at_us} µs"
    )]
    ResponseBeforeInvocation {
        /// The operation named.
        id: OperationId,
        /// Its client.
        client: u32,
        /// When it was invoked, in microseconds.
        invoked_at_us: u64,
        /// When it is said to have responded, in microseconds.
        responded_at_us: u64,
    },
    /// A list of operations, read from a file, is no history.
    #[error("read {read}; expected {expected}")]
    Malformed {
        /// What was read.
        read: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// The operations of all clients, in the order of their recording.
///
/// A client may have several operations outstanding: they count as concurrent, each is ordered only after
/// what had responded before it was invoked. (The paper's processes are sequential; a client that pipelines
/// is as many processes as it has operations outstanding.)
///
/// In serde's formats a history is the list of its operations; reading one checks it as recording does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Vec<Operation<Op, Ret>>")]
pub struct History<Op, Ret> {
    /// By ascending id.
    operations: Vec<Operation<Op, Ret>>,
    /// The place of the next event.
    next_place: u64,
}

impl<Op, Ret> Default for History<Op, Ret> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Op, Ret> History<Op, Ret> {
    /// The empty history.
    pub fn new() -> Self {
        Self { operations: Vec::new(), next_place: 0 }
    }

    /// Records that `client` asked for `op` at `at_us` microseconds. Until it ends the operation is a
    /// *maybe*.
    pub fn invoke(&mut self, client: u32, at_us: u64, op: Op) -> OperationId {
        let id = OperationId(self.operations.last().map_or(0, |last| last.id.0 + 1));
        let invoked = self.moment(at_us);
        self.operations.push(Operation { id, client, op, invoked, outcome: Outcome::NoResponse });
        id
    }

    /// Records that the client of operation `id` was told `ret` at `at_us` microseconds.
    ///
    /// # Errors If the operation is unknown, has ended, or was invoked later than `at_us`; the history stays
    /// as it was.
    pub fn respond(&mut self, id: OperationId, at_us: u64, ret: Ret) -> Result<(), HistoryError> {
        let operation = self.open(id, || format!("a response at {at_us} µs"))?;
        if at_us < operation.invoked.at_us {
            return Err(HistoryError::ResponseBeforeInvocation {
                id,
                client: operation.client,
                invoked_at_us: operation.invoked.at_us,
                responded_at_us: at_us,
            });
        }
        let index = self.index(id).expect("found above");
        let at = self.moment(at_us);
        self.operations[index].outcome = Outcome::Responded { at, ret };
        Ok(())
    }

    /// Records that operation `id` is known to have had no effect. A timeout is no such knowledge.
    ///
    /// # Errors If the operation is unknown or has ended; the history stays as it was.
    pub fn fail(&mut self, id: OperationId) -> Result<(), HistoryError> {
        self.open(id, || "a failure".to_string())?;
        let index = self.index(id).expect("found above");
        self.operations[index].outcome = Outcome::Failed;
        Ok(())
    }

    /// All operations, by ascending id.
    pub fn operations(&self) -> &[Operation<Op, Ret>] {
        &self.operations
    }

    /// The operation of that name, if it is of this history.
    pub fn get(&self, id: OperationId) -> Option<&Operation<Op, Ret>> {
        self.index(id).map(|index| &self.operations[index])
    }

    /// The number of operations.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// A history of some operations of another one, which keep their names and moments.
    pub(crate) fn of(operations: Vec<Operation<Op, Ret>>) -> Self {
        let next_place = operations.iter().map(last_place).max().map_or(0, |place| place + 1);
        Self { operations, next_place }
    }

    fn moment(&mut self, at_us: u64) -> Moment {
        let place = self.next_place;
        self.next_place += 1;
        Moment { at_us, place }
    }

    fn index(&self, id: OperationId) -> Option<usize> {
        self.operations.binary_search_by_key(&id, |operation| operation.id).ok()
    }

    /// The operation `id`, which must not have ended; `read` is what was to be recorded, for the error.
    fn open(&self, id: OperationId, read: impl Fn() -> String) -> Result<&Operation<Op, Ret>, HistoryError> {
        let known = self.operations.len();
        let operation =
            self.get(id).ok_or_else(|| HistoryError::UnknownOperation { read: read(), id, known })?;
        let ended = match &operation.outcome {
            Outcome::NoResponse => return Ok(operation),
            Outcome::Failed => "had failed".to_string(),
            Outcome::Responded { at, .. } => format!("had responded at {} µs", at.at_us),
        };
        Err(HistoryError::EndedTwice { read: read(), id, client: operation.client, ended })
    }
}

fn last_place<Op, Ret>(operation: &Operation<Op, Ret>) -> u64 {
    operation.response().map_or(operation.invoked.place, |(at, _)| at.place)
}

impl<Op: Serialize, Ret: Serialize> Serialize for History<Op, Ret> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.operations.serialize(serializer)
    }
}

impl<Op, Ret> TryFrom<Vec<Operation<Op, Ret>>> for History<Op, Ret> {
    type Error = HistoryError;

    fn try_from(operations: Vec<Operation<Op, Ret>>) -> Result<Self, HistoryError> {
        let mut places = BTreeSet::new();
        let mut previous = None;
        for operation in &operations {
            check_id(previous, operation.id)?;
            previous = Some(operation.id);
            check_response(operation)?;
            let response = operation.response().map(|(at, _)| at);
            for moment in [Some(operation.invoked), response].into_iter().flatten() {
                check_place(&mut places, moment)?;
            }
        }
        Ok(Self::of(operations))
    }
}

fn check_id(previous: Option<OperationId>, id: OperationId) -> Result<(), HistoryError> {
    match previous {
        Some(previous) if id <= previous => Err(HistoryError::Malformed {
            read: format!("operation {id} after operation {previous}"),
            expected: "operations by ascending id, each once",
        }),
        _ => Ok(()),
    }
}

fn check_response<Op, Ret>(operation: &Operation<Op, Ret>) -> Result<(), HistoryError> {
    let Some((at, _)) = operation.response() else { return Ok(()) };
    if at.at_us < operation.invoked.at_us {
        return Err(HistoryError::ResponseBeforeInvocation {
            id: operation.id,
            client: operation.client,
            invoked_at_us: operation.invoked.at_us,
            responded_at_us: at.at_us,
        });
    }
    if at.place < operation.invoked.place {
        return Err(HistoryError::Malformed {
            read: format!(
                "the response of operation {} before its invocation in the order of recording",
                operation.id
            ),
            expected: "the place of a response after the place of its invocation",
        });
    }
    Ok(())
}

fn check_place(places: &mut BTreeSet<u64>, moment: Moment) -> Result<(), HistoryError> {
    if places.insert(moment.place) {
        return Ok(());
    }
    Err(HistoryError::Malformed {
        read: format!("place {} twice", moment.place),
        expected: "every invocation and response at a place of its own in the order of recording",
    })
}

/// One line an operation, in the order of the invocations: client, interval, operation, result.
impl<Op: Debug, Ret: Debug> Display for History<Op, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no operations");
        }
        let mut operations: Vec<_> = self.operations.iter().collect();
        operations.sort_by_key(|operation| operation.invoked);
        let rows: Vec<Row> = operations.into_iter().map(Row::of).collect();
        write_rows(f, "", &rows)
    }
}

/// One line of a printed history.
pub(crate) struct Row {
    client: String,
    start: String,
    end: String,
    op: String,
    /// The last column, which may be as long as it likes.
    pub(crate) result: String,
}

impl Row {
    pub(crate) fn of<Op: Debug, Ret: Debug>(operation: &Operation<Op, Ret>) -> Self {
        let result = match &operation.outcome {
            Outcome::NoResponse => "no response (maybe)".to_string(),
            Outcome::Failed => "failed (no effect)".to_string(),
            Outcome::Responded { ret, .. } => format!("{ret:?}"),
        };
        Self {
            client: format!("c{}", operation.client),
            start: operation.invoked.at_us.to_string(),
            end: operation.response().map_or_else(String::new, |(at, _)| at.at_us.to_string()),
            op: format!("{:?}", operation.op),
            result,
        }
    }
}

/// Writes the rows, each after `indent`, with their columns aligned.
pub(crate) fn write_rows(f: &mut fmt::Formatter<'_>, indent: &str, rows: &[Row]) -> fmt::Result {
    let width =
        |column: fn(&Row) -> &String| rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
    let client = width(|row| &row.client);
    let start = width(|row| &row.start);
    let end = width(|row| &row.end);
    let op = width(|row| &row.op);
    for row in rows {
        writeln!(
            f,
            "{indent}{:<client$}  {:>start$}..{:<end$} µs  {:<op$}  {}",
            row.client, row.start, row.end, row.op, row.result
        )?;
    }
    Ok(())
}
