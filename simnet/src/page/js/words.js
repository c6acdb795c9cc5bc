// Words: bodies, times and names, short enough for a line. The same as simnet/src/diagram/label.rs, so that the page and the
// terminal say the same of the same run.

/** Fields that order a number with its tie-breaker: they come before the dot. */
const MAJOR = ["epoch", "term", "view", "round", "ballot", "number", "counter", "n"];

/** @returns {boolean} whether the value is an object with fields */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text without control characters, and without those that would turn the direction of what stands around it. */
function clean(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, " ");
}

/** The text as it is, line feeds included, but for what would turn the direction of the text around it. */
function upright(text) {
  return String(text).replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** The fields of a message or an output that is called `name`: what only says the name again is left out. */
function fields(name, body) {
  if (body === undefined || body === null || body === name) return "";
  if (isObject(body)) {
    const entries = Object.entries(body);
    if (entries.length === 1 && entries[0][0] === name) return compact(entries[0][1]);
  }
  return compact(body);
}

/** A JSON value as a person would jot it down: `ballot=1.0 value=red`. */
function compact(value) {
  return isObject(value) ? (variant(value) ?? pairs(value)) : inner(value);
}

/** A value inside another one. */
function inner(value) {
  if (value === null || value === undefined) return "-";
  if (typeof value === "string") return value === "" ? "''" : clean(value);
  if (Array.isArray(value)) return `[${value.map(inner).join(" ")}]`;
  if (isObject(value)) return dotted(value) ?? variant(value) ?? `{${pairs(value)}}`;
  return String(value);
}

/** `a=1 b=2` */
function pairs(object) {
  return Object.entries(object).map(([key, value]) => `${clean(key)}=${inner(value)}`).join(" ");
}

/** `Put(key=x)` for `{"Put": {"key": "x"}}`: Rust writes variants of an enum with a capital, and fields without. */
function variant(object) {
  const entries = Object.entries(object);
  if (entries.length !== 1 || !/^\p{Lu}/u.test(entries[0][0])) return null;
  return `${clean(entries[0][0])}(${compact(entries[0][1])})`;
}

/** `1.0` for `{"round": 1, "proposer": 0}`. */
function dotted(object) {
  const entries = Object.entries(object);
  if (entries.length !== 2) return null;
  const major = MAJOR.find((field) => entries.some(([key]) => key === field));
  if (major === undefined) return null;
  const first = entries.find(([key]) => key === major)[1];
  const second = entries.find(([key]) => key !== major)[1];
  const tie = Number.isInteger(second) || (typeof second === "string" && /^[\p{L}\p{N}]{1,8}$/u.test(second));
  return Number.isInteger(first) && tie ? `${first}.${second}` : null;
}

/** How the times of one run are written: all in one unit, so that they can be compared at a glance. */
class Clock {
  constructor(lastMicros) {
    this.unit = lastMicros < 100_000_000 ? "ms" : "s";
  }

  /** A time without its unit: `12.304`. */
  bare(micros) {
    const thousandths = this.unit === "ms" ? micros : Math.floor(micros / 1000);
    return `${Math.floor(thousandths / 1000)}.${String(thousandths % 1000).padStart(3, "0")}`;
  }

  show(micros) {
    return `${this.bare(micros)} ${this.unit}`;
  }
}

/** `1 event`, `2 events`. */
function count(number, one) {
  return `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
}

/** A length of time, roughly: `184 ms`. */
function roughly(micros) {
  if (micros < 1_000) return `${micros} µs`;
  if (micros < 10_000) return `${(micros / 1_000).toFixed(1)} ms`;
  if (micros < 1_000_000) return `${Math.round(micros / 1_000)} ms`;
  return `${(micros / 1_000_000).toFixed(1)} s`;
}
