// Beside the picture: the selected event, its message, its step, and the state of each node before and after.

/**
 * @param {Run} run
 * @param {object} event
 * @param {{go: (event: object) => void, place: number, count: number}} page the event is at this place of so many
 */
function inspect(run, event, page) {
  if (!event) return [h("p", { class: "hint" }, "Nothing happened in this run.")];
  return [title(run, event, page), violationPart(run, event), messagePart(run, event, page), stepPart(run, event, page), statePart(run, event), clockPart(run, event)];
}

function title(run, event, page) {
  return h("header", {},
    h("p", { class: "where" }, `${run.clock.show(event.at)} · event ${(page.place + 1).toLocaleString("en")} of ${page.count.toLocaleString("en")}`),
    h("h2", { id: "event-title" }, h("bdi", {}, event.kind === "violation" ? `Rule broken${event.node === undefined ? "" : ` at ${clean(event.node)}`}` : sentenceOf(event, run))));
}

function violationPart(run, event) {
  // The first one stands at the top of the page.
  if (event.kind !== "violation" || event === run.violation) return null;
  return section("The rule", "rule-part", h("p", {}, clean(event.why ?? event.name ?? "")), factsOf(event.body).map(([name, value]) => h("p", { class: `said said-${name === "got" ? "got" : "other"}` }, h("b", {}, `${name} `), value)));
}

/** What a violation tells besides its rule. */
function factsOf(body) {
  const words = (value) => (typeof value === "string" ? value : inner(value));
  if (body === undefined || body === null) return [];
  return isObject(body) ? Object.entries(body).map(([name, value]) => [name, words(value)]) : [["got", words(body)]];
}

function messagePart(run, event, page) {
  const { message } = event;
  const body = run.bodyOf(event);
  if (!message) return body === undefined || event.kind === "violation" ? null : section("Body", "body-part", bodyElement(body));
  const link = (other, words) => h("button", { type: "button", class: "link", disabled: other === event, onclick: () => page.go(other) }, words);
  const ends = message.ends.map((end) => {
    const took = message.send ? `, after ${roughly(end.at - message.send.at)}` : "";
    const words = end.kind === "drop" ? `lost ${run.clock.show(end.at)}${end.why ? `: ${clean(end.why)}` : ""}` : `read ${run.clock.show(end.at)}${took}`;
    return link(end, words);
  });
  const path = [message.send && link(message.send, `sent ${run.clock.show(message.send.at)}`), message.copies.map((copy) => link(copy, `copied ${run.clock.show(copy.at)}`)), ends];
  const name = (place) => h("bdi", {}, clean(run.nodes[place] ?? "?"));
  return section("Message", "message-part",
    h("p", { class: "envelope" }, h("b", { class: `name ${colourOf(message.name, run)}` }, clean(message.name ?? "message")), " ", name(message.from), " → ", name(message.to)),
    h("p", { class: "path" }, path.flat().filter(Boolean).flatMap((step, at) => [at > 0 ? " → " : "", step]),
      message.ends.length === 0 && h("span", { class: "dim" }, " → still under way at the end")),
    body === undefined ? h("p", { class: "dim" }, "no fields") : bodyElement(body));
}

/** A body, with its fields one below the other. */
function bodyElement(body) {
  return h("pre", { class: "body", tabindex: "0", "aria-label": "body" }, JSON.stringify(body, null, 2));
}

/** What happened in the same step, in order. */
function stepPart(run, event, page) {
  const step = run.stepOf(event);
  const events = step.events.filter((other) => !SILENT.has(other.kind));
  if (events.length < 2) return null;
  return section("In this step", "step-part", h("ol", { class: "step" }, events.map((other) =>
    h("li", { class: other === event ? "here" : "" },
      h("button", { type: "button", class: "link", disabled: other === event, onclick: () => page.go(other) }, textOfPhrase(phraseOf(other, run)))))));
}

/** The state of each node before and after the step, with what changed marked. */
function statePart(run, event) {
  const step = run.cause(event);
  if (!run.states.some((known) => known.length > 0)) return null;
  const actor = step.node;
  const places = run.nodes.map((_, place) => place).filter((place) => run.states[place].length > 0);
  places.sort((one, other) => Number(other === actor) - Number(one === actor));
  const nodes = places.map((place) => nodeRows(run, place, step));
  const what = event.kind === "violation" ? "the step that broke the rule" : "this step";
  return section("State of each node", "state-part",
    h("table", { class: "states" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "node"), h("th", { scope: "col" }, `before ${what}`), h("th", { scope: "col" }, "after"))),
      nodes));
}

function nodeRows(run, place, step) {
  const name = clean(run.nodes[place]);
  const { before, after } = run.around(place, step);
    const row = (classes, ...cells) => h("tr", { class: classes }, ...cells);
  if (isSame(before, after)) {
    return h("tbody", { class: "same", "data-node": name },
      row("", h("th", { scope: "row" }, h("bdi", {}, name)), h("td", { colspan: 2 }, whole(after))));
  }
  const changes = after?.down ? [] : difference(before?.body ?? undefined, after?.body ?? undefined);
  const cell = (path, value, changed, tag) => h("td", { class: changed ? tag : "" }, value === undefined ? h("span", { class: "dim" }, "–") :
    [path !== "" && h("span", { class: "field" }, `${path}: `), changed ? h(tag, {}, value) : value]);
  const marked = before?.down || after?.down ? [row("", h("th", { scope: "row" }, h("bdi", {}, name)), fell(before, "down; when it crashed:", compact), fell(after, "down", () => "up again"))] : [];
  const rows = changes.map(({ path, before, after, changed }, at) => row(changed ? "changed" : "",
    h("th", { scope: "row" }, at === 0 && marked.length === 0 ? h("bdi", {}, name) : "", changed && h("span", { class: "dot", title: "changed" }, " ●")),
    cell(path, before, changed, "del"), cell(path, after, changed, "ins")));
  return h("tbody", { class: "differs", "data-node": name }, marked, rows);
}

function isSame(one, other) {
  const text = (state) => JSON.stringify([state?.body, state?.down]);
  return one === other || text(one) === text(other);
}

/** The cell of a node that crashed or came back. */
function fell(state, down, otherwise) {
  if (!state?.down) return h("td", {}, state ? otherwise(state.body) : "");
  return h("td", { class: "is-bad" }, down);
}

/** A state in one line. */
function whole(state) {
  if (!state) return h("span", { class: "dim" }, "not known yet");
  return state.down ? h("span", { class: "is-bad" }, "down") : compact(state.body);
}

/** The vector clock: how many events of each node this one can know of. */
function clockPart(run, event) {
  if (!event.clock) return null;
  const entries = event.clock.map((ticks, place) => h("span", {}, `${clean(run.nodes[place] ?? "?")} `, h("b", {}, ticks)));
  return h("details", { class: "part", id: "clock-part" }, h("summary", {}, "Vector clock"), h("p", { class: "clock" }, entries));
}

function section(name, id, ...children) {
  return h("section", { class: "part", id }, h("h3", {}, name), ...children);
}
