// What happened, in words.

const DONE = {
  timer: "timer", start: "starts", restart: "restarts", crash: "crashes", pause: "pauses", resume: "resumes", output: "output",
  note: "note", fault: "fault", write: "writes", sync: "syncs", duplicate: "copied", drop: "lost", state: "state",
};

/** The words of a step, as parts that know their event: `{text, style, event}`. */
function phrasesOf(step, run, shown) {
  const seen = step.events.filter((event) => shown === undefined || shown.has(event));
  // A network that loses or copies a message at once says so between two sends of a broadcast; the broadcast is told first, as one.
  const fate = (event) => event.kind === "drop" || event.kind === "duplicate";
  const events = [...seen.filter((event) => !fate(event)), ...seen.filter(fate)];
  const phrases = [];
  for (const event of events) {
    const before = phrases.at(-1);
    if (event.kind === "send" && before?.broadcast && sameMessage(before.event, event)) {
      before.readers.push(readerOf(event));
      continue;
    }
    phrases.push(phraseOf(event, run));
  }
  return phrases.filter((phrase) => phrase !== null);
}

function sameMessage(one, other) {
  return one.name === other.name && JSON.stringify(one.body) === JSON.stringify(other.body);
}

function phraseOf(event, run) {
  const name = clean(run.nameOf(event) ?? "");
  const why = event.why === undefined ? "" : clean(event.why);
  const because = why === "" ? "" : `(${why})`;
  const body = fields(run.nameOf(event), run.bodyOf(event));
  const part = (verb, details, style = event.kind) => ({ event, verb, name: "", details, style });
  switch (event.kind) {
    case "state":
      return null;
    case "send":
      return { event, verb: "sends", name: name || "message", details: body, brief: "", style: "send", broadcast: true, readers: [readerOf(event)] };
    case "deliver":
      return { event, verb: "reads", name: name || "message", details: `${body} from ${clean(event.peer ?? "?")}`.trim(), brief: body, style: "deliver" };
    case "drop":
      return { event, verb: "✕ loses", name: name || "message", details: [lostWhere(event), because].filter(Boolean).join(" "), style: "bad" };
    case "duplicate":
      return { event, verb: "network copies", name: name || "message", details: `to ${clean(event.peer ?? "?")} ${because}`.trim(), style: "fault" };
    case "start":
      return part("starts", "", "timer");
    case "timer":
      return { event, verb: "timer", name, details: because, style: "timer" };
    case "violation":
      return part("RULE BROKEN", clean(event.why ?? event.name ?? ""), "bad");
    case "partition":
    case "heal":
      return part(event.kind === "heal" ? "ends:" : "", faultWords(event), "fault");
    case "fault":
      return part("", [event.place < 0 ? faultWords(event) : `${name} ${because}`].join(" "), "fault");
    case "crash":
      return part("✕ crashes", because, "bad");
    case "note":
      return part("", why, "note");
    case "output":
      return part("tells", [name, body].filter(Boolean).join(" "), "output");
    case "write":
    case "sync":
      return part(event.kind === "write" ? "writes" : "syncs", [name, body].filter(Boolean).join(" "), "disk");
    default:
      return part(DONE[event.kind] ?? event.kind, [name, body, because].filter(Boolean).join(" "), "fault");
  }
}

/** To whom a message goes. A schedule may leave it out; that it was sent may be what binds its sender. */
function readerOf(event) {
  const peer = clean(event.peer ?? "?");
  return event.why === undefined ? peer : `${peer} (${clean(event.why)})`;
}

/** Where a message was on its way when it was lost. */
function lostWhere(event) {
  const { message } = event;
  if (!message || message.to < 0) return "";
  return event.place === message.to ? `from ${clean(event.peer ?? "?")}` : `to ${clean(event.peer ?? "?")}`;
}

/** A phrase in one line of text. */
function textOfPhrase(phrase) {
  const readers = phrase.readers ? `→ ${phrase.readers.join(" ")}` : "";
  return [phrase.verb, phrase.name, phrase.details, readers].filter(Boolean).join(" ");
}

/** An event in one sentence: for the title of what is selected, for readers of the screen, and for ShiViz. */
function sentenceOf(event, run) {
  if (event.kind === "state") return `${clean(event.node ?? "?")} has a new state`;
  const phrase = phraseOf(event, run);
  return [clean(event.node ?? ""), textOfPhrase(phrase)].filter(Boolean).join(" ");
}
