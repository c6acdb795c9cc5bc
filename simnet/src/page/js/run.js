// A run: from a list of events to steps, messages, lives and faults. A step is what one node does at one instant: what it reacts to,
// and what it writes and sends then. It is a line of the diagram.

/** Kinds that begin a step, whatever came before. */
const LEADS = new Set([
  "deliver", "timer", "start", "restart", "crash", "pause", "resume", "partition", "heal", "fault", "violation",
]);

/**
 * @typedef {object} Step
 * @property {number} index
 * @property {number} at
 * @property {number} node place among the nodes, -1 for what happens to the network
 * @property {object[]} events in order; the first one is what the node reacts to
 */

/**
 * @typedef {object} Arrow a message on its way: from `origin`, an event or nothing, to `end`, an event or nothing
 * @property {"read"|"again"|"late"|"lost"|"underway"} fate
 */

class Run {
  constructor(raw) {
    this.raw = raw;
    this.label = raw.label;
    this.nodes = raw.nodes;
    this.places = new Map(raw.nodes.map((name, place) => [name, place]));
    this.events = raw.events;
    this.clock = new Clock(this.events.reduce((last, event) => Math.max(last, event.at), 0));
    this.events.forEach((event, index) => {
      event.index = index;
      event.place = this.places.get(event.node) ?? -1;
      event.other = this.places.get(event.peer) ?? -1;
    });
    this.messages = messagesOf(this);
    this.steps = stepsOf(this);
    this.arrows = arrowsOf(this);
    this.lives = livesOf(this);
    this.faults = faultsOf(this);
    this.states = statesOf(this);
    this.violation = this.events.find((event) => event.kind === "violation");
    this.names = namesOf(this);
    this.idle = idleOf(this);
  }

  /** The step of an event. */
  stepOf(event) {
    return this.steps[event.step];
  }

  /**
   * What became of a node before and through a step: `{before, after}`, each `{body}`, or `{down: true, body}` with the
   * last body before the crash, or null when unknown. */
  around(place, step) {
    const first = step.events[0].index;
    const last = step.events.at(-1).index;
    return { before: this.stateAt(place, first - 1), after: this.stateAt(place, last) };
  }

  /** The state of a node after the event at `index`. */
  stateAt(place, index) {
    const known = this.states[place];
    let low = 0;
    let high = known.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (known[middle].index <= index) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : known[low - 1];
  }

  /** The step whose effects a person wants to see with this event: for a broken rule, the one that broke it. */
  cause(event) {
    const step = this.stepOf(event);
    if (event.kind !== "violation" || step.index === 0) return step;
    const before = this.steps[step.index - 1];
    return before.node >= 0 ? before : step;
  }

  /** What the event is about: its message's body, or its own. */
  bodyOf(event) {
    return event.body ?? event.message?.body;
  }

  /** The short name of what the event is about. */
  nameOf(event) {
    return event.name ?? event.message?.name;
  }
}

/** Messages by id: their send, copies, deliveries and losses. Each event of a message gets it as `message`. */
function messagesOf(run) {
  const messages = new Map();
  for (const event of run.events) {
    if (event.id === undefined || !["send", "deliver", "drop", "duplicate"].includes(event.kind)) continue;
    let message = messages.get(event.id);
    if (!message) {
      message = { id: event.id, send: undefined, copies: [], ends: [], from: -1, to: -1, name: event.name, body: undefined };
      messages.set(event.id, message);
    }
    event.message = message;
    message.body ??= event.body;
    message.name ??= event.name;
    if (event.kind === "send") message.send ??= event;
    else if (event.kind === "duplicate") message.copies.push(event);
    else message.ends.push(event);
    const [from, to] = endsOf(event, message);
    if (message.from < 0) message.from = from;
    if (message.to < 0) message.to = to;
  }
  return messages;
}

/** Sender and reader. A loss may be told at either end, so the send knows better. */
function endsOf(event, message) {
  if (event.kind === "deliver") return [event.other, event.place];
  if (message.from >= 0) return [message.from, message.to];
  return [event.place, event.other];
}

function stepsOf(run) {
  const steps = [];
  let step;
  for (const event of run.events) {
    if (!step || !belongs(event, step)) {
      step = { index: steps.length, at: event.at, node: event.place, events: [] };
      steps.push(step);
    }
    step.events.push(event);
    event.step = step.index;
  }
  return steps;
}

/** Whether the event is an effect of this step. */
function belongs(event, step) {
  const lead = step.events[0];
  if (LEADS.has(event.kind) || event.at !== step.at) return false;
  if (["crash", "pause", "partition", "heal", "fault", "violation"].includes(lead.kind)) return false;
  // A message that is lost or copied as it leaves belongs to its send; one that is lost when it arrives, to nothing.
  if (event.kind === "drop" || event.kind === "duplicate") {
    return event.message?.send !== undefined && event.message.send.step === step.index;
  }
  return event.place === step.node && event.place >= 0;
}

/** An arrow for each time that a message arrived or was lost, and one for each that is still under way. */
function arrowsOf(run) {
  const arrows = [];
  for (const message of run.messages.values()) {
    const origins = [message.send, ...message.copies].filter(Boolean);
    let read = false;
    message.ends.forEach((end, taken) => {
      const origin = origins[Math.min(taken, origins.length - 1)];
      const late = taken >= origins.length && origins.length > 0;
      const fate = end.kind === "drop" ? "lost" : read ? "again" : late ? "late" : "read";
      read ||= end.kind === "deliver";
      arrows.push({ message, origin, end, fate, name: message.name, from: message.from, to: message.to });
    });
    if (message.ends.length === 0 && message.send) {
      arrows.push({ message, origin: message.send, end: undefined, fate: "underway", name: message.name, from: message.from, to: message.to });
    }
  }
  // A message without an id has no send that is known: it comes from beside.
  for (const event of run.events) {
    if (event.kind === "deliver" && !event.message && event.other >= 0) {
      arrows.push({ message: undefined, origin: undefined, end: event, fate: "read", name: event.name, from: event.other, to: event.place });
    }
  }
  return arrows.filter((arrow) => arrow.from !== arrow.to);
}

/** For each node, from which event on it is up, paused, down or not there yet. */
function livesOf(run) {
  const begun = { start: "up", restart: "up", resume: "up", crash: "down", pause: "paused" };
  const lives = run.nodes.map(() => []);
  for (const event of run.events) {
    const life = begun[event.kind];
    if (life === undefined || event.place < 0) continue;
    const known = lives[event.place];
    if (known.length === 0) known.push({ event: undefined, life: event.kind === "start" ? "absent" : event.kind === "restart" ? "down" : "up" });
    known.push({ event, life });
  }
  for (const known of lives) {
    if (known.length === 0) known.push({ event: undefined, life: "up" });
  }
  return lives;
}

/** Faults of the network, each from its first to its last event, in lanes beside each other. */
function faultsOf(run) {
  const faults = [];
  const open = new Map();
  const close = (fault, event) => {
    fault.end = event;
    open.delete(fault.key);
  };
  for (const event of run.events) {
    const key = `${event.name ?? ""} ${event.why ?? JSON.stringify(event.body ?? null)}`;
    if (event.kind === "partition" || (event.kind === "fault" && event.place < 0)) {
      const fault = { key, kind: event.kind, words: faultWords(event), begin: event, end: undefined, sides: sidesOf(event, run) };
      open.set(key, fault);
      faults.push(fault);
    } else if (event.kind === "heal") {
      // A heal that names no fault ends all.
      const ends = open.has(key) ? [open.get(key)] : event.name === undefined && event.why === undefined ? [...open.values()] : [];
      ends.forEach((fault) => close(fault, event));
    }
  }
  inLanes(faults, run.events.length);
  return faults;
}

function faultWords(event) {
  if (event.why) return clean(event.why);
  return clean([event.name ?? event.kind, event.body === undefined ? "" : compact(event.body)].join(" ").trim());
}

/** Gives each fault a lane that no other one uses at the same time. A fault that never ends and does one thing only takes none. */
function inLanes(faults, end) {
  const busy = [];
  for (const fault of faults) {
    const until = fault.end?.index ?? end;
    let lane = busy.findIndex((free) => free < fault.begin.index);
    if (lane < 0) lane = busy.length;
    busy[lane] = until;
    fault.lane = lane;
  }
}

/** For a split network, the places of the nodes on each side: from the fault's fields, or from its words. */
function sidesOf(event, run) {
  const place = (node) => (typeof node === "number" ? node : (run.places.get(node) ?? -1));
  const listed = event.body?.sides ?? event.body;
  if (Array.isArray(listed) && listed.every(Array.isArray)) return listed.map((side) => side.map(place));
  const why = event.why ?? "";
  const isolated = /^isolate (.+)$/.exec(why);
  if (isolated) return [[place(isolated[1])]];
  if (event.kind !== "partition" || !why.includes("|")) return [];
  return [...why.matchAll(/\{([^}]*)\}/g)].map((side) => side[1].split(" ").map(place));
}

/** For each node, what is known of its state, in the order of events. */
function statesOf(run) {
  const states = run.nodes.map(() => []);
  for (const event of run.events) {
    if (event.place < 0) continue;
    if (event.kind === "state") states[event.place].push({ index: event.index, body: event.body ?? null });
    // What it knew before the crash is what it ought to know after it.
    if (event.kind === "crash") states[event.place].push({ index: event.index, down: true, body: states[event.place].at(-1)?.body });
  }
  return states;
}

/** The places of the nodes that nothing happens to, as in a shortened run: they have no column. */
function idleOf(run) {
  const busy = new Set(run.events.flatMap((event) => [event.place, event.other]));
  return new Set(run.nodes.map((_, place) => place).filter((place) => !busy.has(place)));
}

/** The names of messages, the most frequent first: this order gives them their colours. */
function namesOf(run) {
  const counts = new Map();
  for (const message of run.messages.values()) {
    if (message.name !== undefined) counts.set(message.name, (counts.get(message.name) ?? 0) + 1);
  }
  return [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
}
