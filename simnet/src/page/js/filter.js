// Which events are shown, and which are found.

/** Events that stand on no line of their own: a node's state belongs to the step that changed it. */
const SILENT = new Set(["state"]);

class Filter {
  constructor() {
    this.nodes = new Set();
    this.kinds = new Set();
    this.names = new Set();
    this.terms = [];
    /** Whether what does not match is left out, instead of dimmed. */
    this.only = false;
  }

  /** Takes a search in: `promise node:a1 -kind:drop`. */
  search(text) {
    this.terms = text.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
      const not = word.length > 1 && word.startsWith("-");
      const [, field, wanted] = /^(?:(node|kind|name):)?(.*)$/s.exec(not ? word.slice(1) : word);
      return { not, field, wanted };
    });
  }

  get searching() {
    return this.terms.length > 0;
  }

  get hiding() {
    return this.nodes.size + this.kinds.size + this.names.size > 0 || (this.only && this.searching);
  }

  /** Whether the event is what the search looks for. */
  finds(event, run) {
    return this.searching && !SILENT.has(event.kind) && this.terms.every((term) => holds(term, event, run) !== term.not);
  }

  /** Whether the event is on the page. A broken rule always is. */
  shows(event, run) {
    if (SILENT.has(event.kind)) return event === run.stepOf(event).events[0];
    if (event.kind === "violation") return true;
    const name = run.nameOf(event);
    if (this.nodes.has(event.node) || this.kinds.has(event.kind)) return false;
    if (name !== undefined && this.names.has(name)) return false;
    return !(this.only && this.searching) || this.finds(event, run);
  }
}

function holds(term, event, run) {
  switch (term.field) {
    case "node":
      return [event.node, event.peer].some((name) => name?.toLowerCase() === term.wanted);
    case "kind":
      return event.kind === term.wanted;
    case "name":
      return (run.nameOf(event) ?? "").toLowerCase().includes(term.wanted);
    default:
      return textOf(event, run).includes(term.wanted);
  }
}

/** All that is said of an event, the state that it led to included, in small letters. */
function textOf(event, run) {
  if (event.text === undefined) {
    const step = run.stepOf(event);
    const led = event === step.events[0] ? step.events.filter((other) => SILENT.has(other.kind)) : [];
    const bodies = [run.bodyOf(event), ...led.map((state) => state.body)].filter((body) => body !== undefined);
    const words = [event.kind, event.node, event.peer, run.nameOf(event), event.why, ...bodies.map(compact)];
    event.text = words.filter((word) => word !== undefined).join(" ").toLowerCase();
  }
  return event.text;
}
