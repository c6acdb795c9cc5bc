//! Objects whose histories the course checks: a register, consensus, a queue, and one of them for every key.

use super::Specification;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

/// A register: one value that is read, written, and compared-and-swapped.
#[derive(Clone, Debug, Default)]
pub struct Register<V> {
    initial: V,
}

impl<V> Register<V> {
    /// A register that holds `initial` at first.
    pub fn new(initial: V) -> Self {
        Self { initial }
    }
}

/// What a client asks of a [`Register`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterOp<V> {
    /// Tell the value.
    Read,
    /// Make this the value.
    Write(V),
    /// Make `new` the value if it is `expected`.
    Cas {
        /// The value at which to swap.
        expected: V,
        /// The value after a swap.
        new: V,
    },
}

/// What a [`Register`] tells a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterRet<V> {
    /// The value read.
    Value(V),
    /// It was written.
    Written,
    /// Whether the value was the expected one, so that it was swapped.
    Swapped(bool),
}

impl<V: Clone + Eq + Hash + Debug> Specification for Register<V> {
    type State = V;
    type Op = RegisterOp<V>;
    type Ret = RegisterRet<V>;
    type Key = ();

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn observes(&self, op: &RegisterOp<V>, ret: &RegisterRet<V>) -> bool {
        *op == RegisterOp::Read || *ret == RegisterRet::Swapped(false)
    }

    fn apply(&self, state: &mut V, op: &RegisterOp<V>) -> RegisterRet<V> {
        match op {
            RegisterOp::Read => RegisterRet::Value(state.clone()),
            RegisterOp::Write(value) => {
                *state = value.clone();
                RegisterRet::Written
            }
            RegisterOp::Cas { expected, new } => {
                let swapped = state == expected;
                if swapped {
                    *state = new.clone();
                }
                RegisterRet::Swapped(swapped)
            }
        }
    }
}

/// Consensus as an object: the first value proposed is the one decided, for everybody and for ever (Herlihy,
/// "Wait-Free Synchronization", TOPLAS 1991, §3.1). That two decisions agree and that what is decided was
/// proposed are its linearizability.
#[derive(Clone, Debug)]
pub struct Consensus<V> {
    values: PhantomData<V>,
}

impl<V> Consensus<V> {
    /// Consensus on which nothing was proposed yet.
    pub fn new() -> Self {
        Self { values: PhantomData }
    }
}

impl<V> Default for Consensus<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a client asks of [`Consensus`]; it is told the value decided, `None` if there is none yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConsensusOp<V> {
    /// Decide this value, or tell the one decided before.
    Propose(V),
    /// Tell the value decided.
    Learn,
}

impl<V: Clone + Eq + Hash + Debug> Specification for Consensus<V> {
    type State = Option<V>;
    type Op = ConsensusOp<V>;
    type Ret = Option<V>;
    type Key = ();

    fn initial(&self) -> Option<V> {
        None
    }

    fn observes(&self, op: &ConsensusOp<V>, ret: &Option<V>) -> bool {
        match op {
            ConsensusOp::Propose(value) => ret.as_ref() != Some(value),
            ConsensusOp::Learn => true,
        }
    }

    fn apply(&self, state: &mut Option<V>, op: &ConsensusOp<V>) -> Option<V> {
        if let (None, ConsensusOp::Propose(value)) = (&state, op) {
            *state = Some(value.clone());
        }
        state.clone()
    }
}

/// A first-in-first-out queue, empty at first (Herlihy & Wing, Figure 3, with a result for the empty queue).
///
/// The order of concurrent enqueues shows only when the values are taken, so where many values wait the
/// search soon ends its budget: a workload that is to be checked keeps its queues short.
#[derive(Clone, Debug)]
pub struct Queue<V> {
    values: PhantomData<V>,
}

impl<V> Queue<V> {
    /// The empty queue.
    pub fn new() -> Self {
        Self { values: PhantomData }
    }
}

impl<V> Default for Queue<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a client asks of a [`Queue`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueOp<V> {
    /// Add this value at the end.
    Enqueue(V),
    /// Take the value at the front.
    Dequeue,
}

/// What a [`Queue`] tells a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueRet<V> {
    /// It was added.
    Enqueued,
    /// The value taken; `None` if the queue was empty.
    Dequeued(Option<V>),
}

impl<V: Clone + Eq + Hash + Debug> Specification for Queue<V> {
    type State = VecDeque<V>;
    type Op = QueueOp<V>;
    type Ret = QueueRet<V>;
    type Key = ();

    fn initial(&self) -> VecDeque<V> {
        VecDeque::new()
    }

    fn observes(&self, _op: &QueueOp<V>, ret: &QueueRet<V>) -> bool {
        *ret == QueueRet::Dequeued(None)
    }

    fn apply(&self, state: &mut VecDeque<V>, op: &QueueOp<V>) -> QueueRet<V> {
        match op {
            QueueOp::Enqueue(value) => {
                state.push_back(value.clone());
                QueueRet::Enqueued
            }
            QueueOp::Dequeue => QueueRet::Dequeued(state.pop_front()),
        }
    }
}

/// An object for every key, each as `S` says: `Keyed<String, Register<Option<u64>>>` is a key-value store. An
/// operation is the key and the object's operation; the checker splits the history by key.
#[derive(Clone, Debug)]
pub struct Keyed<K, S> {
    object: S,
    keys: PhantomData<K>,
}

impl<K, S> Keyed<K, S> {
    /// Objects as `object` says.
    pub fn new(object: S) -> Self {
        Self { object, keys: PhantomData }
    }
}

impl<K: Ord + Clone + Hash + Debug, S: Specification> Specification for Keyed<K, S> {
    /// Only the objects that are not as they were at first, so that a value has one representation.
    type State = BTreeMap<K, S::State>;
    type Op = (K, S::Op);
    type Ret = S::Ret;
    type Key = K;

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn apply(&self, state: &mut Self::State, (key, op): &(K, S::Op)) -> S::Ret {
        let initial = self.object.initial();
        let mut object = state.remove(key).unwrap_or_else(|| initial.clone());
        let ret = self.object.apply(&mut object, op);
        if object != initial {
            state.insert(key.clone(), object);
        }
        ret
    }

    fn observes(&self, (_, op): &(K, S::Op), ret: &S::Ret) -> bool {
        self.object.observes(op, ret)
    }

    fn key(&self, (key, _): &(K, S::Op)) -> Option<K> {
        Some(key.clone())
    }
}
