// The page: what is shown and selected, and what the buttons do.

class Page {
  constructor(data) {
    this.data = data;
    this.runs = data.runs.map((raw) => new Run(raw));
    this.view = { scale: "compact", zoom: 1, width: 0 };
    this.causes = false;
    this.drawing = new Drawing((event) => this.go(event));
    this.overview = new Overview(this.drawing);
    this.choose(this.runs[0]);
    // In the next frame: laying out within the observer would resize what it observes.
    new ResizeObserver(() => requestAnimationFrame(() => this.resized())).observe(this.drawing.scroller);
  }

  /** Shows a run, with nothing left out. */
  choose(run) {
    this.run = run;
    this.filter = new Filter();
    this.filter.search(byId("search").value);
    this.filter.only = byId("only").checked;
    // Whoever comes here first sees what broke the rule.
    this.selected = run.violation ?? run.events[0];
    describe(this);
    fillFilter(this);
    this.relay(true);
  }

  /** Lays the run out anew, after a filter, a scale or a size. */
  relay(toMiddle = false) {
    this.view.width = this.drawing.scroller.clientWidth;
    this.layout = new Layout(this.run, this.filter, this.view);
    if (this.selected && !this.layout.rowAt(this.selected)) this.selected = this.layout.shown.find((event) => event.index >= this.selected.index) ?? this.layout.shown.at(-1);
    this.placeOf = new Map(this.layout.shown.map((event, place) => [event, place]));
    this.shownSet = new Set(this.layout.shown);
    this.matches = this.layout.shown.filter((event) => this.filter.finds(event, this.run));
    this.found = new Set(this.matches);
    byId("nothing").hidden = this.layout.shown.length > 0;
    this.drawing.show(this.layout, this.scene());
    if (this.selected) this.drawing.reveal(this.selected, toMiddle);
    this.overview.renew();
    this.refresh();
  }

  /** What the picture needs to know besides where things stand. */
  scene() {
    return {
      selected: this.selected, shown: this.shownSet, found: this.found, searching: this.filter.searching && !this.filter.only,
      past: this.causes && this.selected ? pastOf(this.selected, this.run) : undefined,
    };
  }

  /** Draws the selection, and all that speaks of it. */
  refresh() {
    this.drawing.scene = this.scene();
    this.drawing.draw();
    this.overview.soon();
    const shown = this.layout.shown;
    byId("detail").replaceChildren(...inspect(this.run, this.selected, { go: (event) => this.go(event), place: this.placeOf.get(this.selected), count: shown.length }).filter(Boolean));
    byId("said").textContent = this.selected ? `${sentenceOf(this.selected, this.run)}, at ${this.run.clock.show(this.selected.at)}` : "";
    byId("back").disabled = !this.selected || shown[0] === this.selected;
    byId("on").disabled = !this.selected || shown.at(-1) === this.selected;
    byId("other-end").disabled = !this.otherEndOf();
    showMatches(this);
    remember(this);
  }

  /** Selects an event. */
  go(event, toMiddle = false) {
    if (!event) return;
    // A jump to what a filter hides shows everything again, rather than nothing.
    if (!this.shownSet.has(event)) this.showAll();
    this.selected = event;
    this.drawing.reveal(event, toMiddle);
    this.refresh();
  }

  goTo(place) {
    this.go(this.layout.shown.at(place));
  }

  /** The event so many places on. */
  step(by) {
    const shown = this.layout.shown;
    const at = this.placeOf.get(this.selected) ?? 0;
    this.go(shown[Math.max(0, Math.min(shown.length - 1, at + by))]);
  }

  /** The next or previous step of the node where the selected event is. */
  stepOnNode(by) {
    const { selected } = this;
    const { shown } = this.layout;
    if (!selected) return;
    const isFirst = (at) => shown[at].place === selected.place && shown[at].step !== selected.step && shown[at - 1]?.step !== shown[at].step;
    let at = this.placeOf.get(selected) + by;
    while (at >= 0 && at < shown.length && !isFirst(at)) at += by;
    this.go(shown[at]);
  }

  stepLines(by) {
    const row = this.layout.rowAt(this.selected);
    const target = row && this.layout.list[Math.max(0, Math.min(this.layout.list.length - 1, row.index + by))];
    if (target) this.go(target.steps[0].events.find((event) => this.shownSet.has(event)));
  }

  /** From a send to what became of it, and back. */
  otherEndOf() {
    const event = this.selected;
    const message = event?.message;
    return !message ? undefined : event === message.send ? message.ends[0] : message.send;
  }

  otherEnd() {
    this.go(this.otherEndOf());
  }

  /** The next event, or the previous one, that the search finds. */
  match(by) {
    const found = this.matches;
    if (found.length === 0) return;
    const here = this.selected?.index ?? -1;
    const target = by > 0 ? (found.find((event) => event.index > here) ?? found[0]) : (found.findLast((event) => event.index < here) ?? found.at(-1));
    this.go(target);
  }

  search(text) {
    this.filter.search(text);
    this.relay();
  }

  showAll() {
    this.filter = new Filter();
    byId("search").value = "";
    byId("only").checked = false;
    fillFilter(this);
    this.relay();
  }

  otherRun() {
    if (this.runs.length > 1) this.choose(this.runs[(this.runs.indexOf(this.run) + 1) % this.runs.length]);
  }

  scaleTo(scale) {
    this.view.scale = scale;
    for (const name of ["compact", "true"]) byId(`scale-${name}`).setAttribute("aria-pressed", String(name === scale));
    this.relay(true);
  }

  otherScale() {
    this.scaleTo(this.view.scale === "compact" ? "true" : "compact");
  }

  zoomTo(zoom) {
    this.view.zoom = Math.max(0.1, Math.min(this.view.scale === "true" ? 40 : 4, zoom));
    this.relay(true);
  }

  zoomBy(by) {
    this.zoomTo(this.view.zoom * by);
  }

  /** The whole run in the window, as far as that goes. */
  fit() {
    const room = this.drawing.scroller.clientHeight - this.drawing.heads.offsetHeight - 2 * TOP;
    this.zoomTo(Math.min(1.6, room / Math.max(1, this.layout.list.length) / LINE));
  }

  toggleCauses() {
    this.causes = !this.causes;
    byId("causes").setAttribute("aria-pressed", String(this.causes));
    this.refresh();
  }

  resized() {
    if (Math.abs(this.drawing.scroller.clientWidth - this.view.width) > 1) this.relay();
    else this.drawing.draw();
    this.overview.renew();
  }
}

/** The events that may have led to this one, by their vector clocks, and itself. */
function pastOf(event, run) {
  // What happens to the network, and a rule of the whole run, have no clock: the step before them counts.
  let known = event;
  while (known && !known.clock) known = run.events[known.index - 1];
  const past = new Set([event]);
  if (!known) return past;
  for (const other of run.events) {
    const own = other.clock?.[other.place];
    if (own === undefined || (other.index <= event.index && own <= (known.clock[other.place] ?? 0))) past.add(other);
  }
  return past;
}

/** What ran: beside the rule. */
function describe(page) {
  const { run, data } = page;
  const { raw } = run;
  const facts = [raw.lab, data.test, `seed ${raw.seed}`, `world ${raw.world}`, count(run.nodes.length, "node"), count(run.events.length, "event"), run.clock.show(run.events.at(-1)?.at ?? 0), `commit ${raw.commit}`];
  byId("what").textContent = facts.filter(Boolean).map(clean).join(" · ");
  if (raw.before + raw.after > 0) byId("what").append(h("b", {}, ` · only a part: ${count(raw.before, "event")} before and ${raw.after.toLocaleString("en")} after it are in the trace`));
  if (run.idle.size > 0) byId("what").append(` · not drawn: ${count(run.idle.size, "idle node")}`);
  byId("scene").hidden = !raw.run;
  byId("scene-text").textContent = raw.run;
  byId("replay").hidden = !data.replay;
  byId("command").textContent = byId("command").title = data.replay ?? "";
  byId("to-violation").hidden = !run.violation;
  byId("runs").hidden = page.runs.length < 2;
  byId("runs").replaceChildren(...page.runs.map((one) => h("button", {
    type: "button", id: `run-${one.label}`, "aria-pressed": String(one === run), title: `${count(one.events.length, "event")} (o)`, onclick: () => page.choose(one),
  }, `${one.label === "shortened" ? "Shortened" : "Original"} (${one.events.length.toLocaleString("en")})`)));
  byId("removed").hidden = !(raw.removed?.length > 0);
  byId("removed-list").replaceChildren(...(raw.removed ?? []).map((line) => h("li", {}, clean(line))));
  if (raw.broken) tellRule(raw.broken);
}

/** The rule as this run broke it; the page came with that of the first run. */
function tellRule({ rule, facts }) {
  const heading = byId("rule");
  if (!heading) return;
  heading.textContent = upright(rule);
  byId("verdict").querySelector(".facts").replaceChildren(...facts.map(([name, value]) => {
    const [first, ...more] = upright(value).split("\n");
    const rest = more.length > 0 && h("span", { class: "more" }, more.join("\n"));
    return h("div", { class: `fact fact-${name === "expected" || name === "got" ? name : "other"}` }, h("dt", {}, upright(name)), h("dd", {}, first, rest));
  }));
}

/** The boxes of the filter: nodes, kinds and names of this run. */
function fillFilter(page) {
  const { run } = page;
  const kinds = [...new Set(run.events.map((event) => event.kind))].filter((kind) => !SILENT.has(kind) && kind !== "violation");
  const names = [...new Set(run.events.map((event) => run.nameOf(event)).filter((name) => name !== undefined))];
  const boxes = [["filter-nodes", run.nodes.filter((_, place) => !run.idle.has(place)), page.filter.nodes], ["filter-kinds", kinds, page.filter.kinds], ["filter-names", names, page.filter.names]];
  for (const [id, all, hidden] of boxes) {
    const field = byId(id);
    field.replaceChildren(field.querySelector("legend"), ...all.map((name) => {
      const box = h("input", { type: "checkbox", value: name, checked: !hidden.has(name), onchange: () => {
        if (box.checked) hidden.delete(name);
        else hidden.add(name);
        page.relay();
      } });
      return h("label", {}, box, " ", clean(name));
    }));
    field.hidden = all.length === 0;
  }
}

function showMatches(page) {
  const { filter, found, selected } = page;
  const at = found.has(selected) ? page.matches.indexOf(selected) + 1 : 0;
  const matches = byId("matches");
  matches.textContent = !filter.searching ? "" : found.size === 0 ? "none" : at > 0 ? `${at} of ${found.size}` : `${found.size}`;
  matches.classList.toggle("none", filter.searching && found.size === 0);
  byId("previous-match").disabled = byId("next-match").disabled = found.size === 0;
  const hidden = filter.nodes.size + filter.kinds.size + filter.names.size;
  byId("hidden-count").textContent = hidden > 0 ? ` (${hidden} off)` : "";
}

/** The address says what is selected, so that it can be passed on; the page comes back to it. */
function remember(page) {
  try {
    history.replaceState(null, "", page.selected ? `#${page.run.label}-${page.selected.index}` : "#");
  } catch {
    // Some browsers do not let a page that is a file do this.
  }
}

/** Goes to what the address says. */
function recall(page, address) {
  const told = /^#(shortened|original)-(\d+)$/.exec(address);
  const run = told && page.runs.find((one) => one.label === told[1]);
  const event = run?.events[Number(told[2])];
  if (!event) return;
  if (run !== page.run) page.choose(run);
  page.go(event, true);
}

/** Dark or light: as the system has it, until the reader says otherwise. */
function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("simnet-theme");
    } catch {
      return null;
    }
  };
  const apply = () => (document.documentElement.dataset.theme = chosen() ?? (system.matches ? "dark" : "light"));
  system.addEventListener("change", () => {
    apply();
    page.overview.renew();
  });
  apply();
}

function otherTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("simnet-theme", theme);
  } catch {
    // Then it holds until the page is loaded again.
  }
  page.overview.renew();
}

/** The signs of the picture, for the help. */
function fillLegend() {
  const sign = (...drawing) => s("svg", { width: 58, height: 20, viewBox: "0 0 58 20", "aria-hidden": "true" }, drawing);
  const mark = (kind, event, extra) => sign(s("line", { class: "life up", x1: 29, x2: 29, y1: 0, y2: 20 }), s("g", { class: `mark mark-${kind}` }, signOf(event, 29, 10), extra));
  const arrow = (fate, end) => sign(s("g", { class: `arrow c0 ${fate}` }, s("path", { class: "shaft", d: "M2,5L48,13" }), end));
  const tip = () => head({ x0: 2, y0: 5, x1: 50, y1: 13.4 });
  const disk = (kind) => s("rect", { class: `disk ${kind}`, x: 36, y: 12, width: 6, height: 6, rx: 1 });
  const rows = [
    [arrow("read", tip()), "a message, read"],
    [arrow("again", tip()), "read once more, or late"],
    [arrow("lost", cross(50, 13.4, 5)), "a message, lost"],
    [arrow("underway", null), "still under way at the end"],
    [mark("deliver", { kind: "deliver" }), "reads a message"],
    [mark("timer", { kind: "timer" }), "a timer fires"],
    [mark("output", { kind: "output" }), "tells the outside"],
    [mark("deliver", { kind: "deliver" }, disk("volatile")), "writes, not yet durable"],
    [mark("deliver", { kind: "deliver" }, disk("synced")), "writes and syncs"],
    [sign(s("rect", { class: "band down", x: 14, y: 0, width: 30, height: 20 }), s("g", { class: "mark" }, cross(29, 6, 5))), "crashed"],
    [sign(s("rect", { class: "band paused", x: 14, y: 0, width: 30, height: 20 }), s("line", { class: "life paused", x1: 29, x2: 29, y1: 0, y2: 20 })), "paused"],
    [sign(s("rect", { class: "side side0", x: 4, y: 0, width: 24, height: 20 }), s("rect", { class: "side side1", x: 30, y: 0, width: 24, height: 20 })), "the sides of a split network"],
    [sign(s("rect", { class: "lane partition", x: 27, y: 0, width: 5, height: 20, rx: 2.5 })), "a fault of the network, while it lasts"],
  ];
  byId("signs").append(...rows.map(([picture, words]) => h("tr", {}, h("td", {}, picture), h("td", {}, words))));
}

function listenToButtons(page) {
  const on = (id, react) => byId(id).addEventListener("click", react);
  on("back", () => page.step(-1));
  on("on", () => page.step(1));
  on("other-end", () => page.otherEnd());
  on("to-violation", () => page.go(page.run.violation, true));
  on("scale-compact", () => page.scaleTo("compact"));
  on("scale-true", () => page.scaleTo("true"));
  on("smaller", () => page.zoomBy(0.8));
  on("larger", () => page.zoomBy(1.25));
  on("fit", () => page.fit());
  on("causes", () => page.toggleCauses());
  on("filter-all", () => page.showAll());
  on("nothing-all", () => page.showAll());
  on("theme", () => otherTheme());
  on("print", () => window.print());
  on("help-button", () => byId("help").showModal());
  on("next-match", () => page.match(1));
  on("previous-match", () => page.match(-1));
  on("copy-command", () => said("copy-command", copyText(page.data.replay ?? "")));
  on("shiviz-copy", () => said("shiviz-copy", copyText(shiviz(page.run))));
  on("shiviz-save", () => download(`${page.run.raw.lab}-${page.run.raw.seed}.shiviz.txt`.replace(/[^\w.-]+/g, "_"), shiviz(page.run)));
  byId("search").addEventListener("input", (input) => page.search(input.target.value));
  byId("search").addEventListener("keydown", (press) => {
    if (press.key === "Enter") page.match(press.shiftKey ? -1 : 1);
    else if (press.key === "Escape") page.drawing.scroller.focus();
    else return;
    press.preventDefault();
  });
  byId("only").addEventListener("change", (change) => {
    page.filter.only = change.target.checked;
    page.relay();
  });
  page.drawing.scroller.addEventListener("wheel", (wheel) => {
    if (!wheel.ctrlKey) return;
    wheel.preventDefault();
    page.zoomBy(wheel.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });
  // A menu closes when something else is clicked, or by Escape.
  const close = (except) => document.querySelectorAll(".menu[open]").forEach((menu) => menu !== except && (menu.open = false));
  document.addEventListener("click", (click) => close(click.target.closest(".menu")));
  document.addEventListener("keydown", (press) => press.key === "Escape" && close(null));
}

/** Says on the button for a moment that it is done. */
async function said(id, done) {
  await done;
  const button = byId(id);
  const words = (button.dataset.words ??= button.textContent);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = words), 1_200);
}

const address = location.hash;
byId("twin").open = false;
startTheme();
const page = new Page(JSON.parse(byId("data").textContent));
listenToButtons(page);
listenToKeys(page);
fillLegend();
printable(page);
recall(page, address);
window.addEventListener("hashchange", () => recall(page, location.hash));
page.drawing.scroller.focus({ preventScroll: true });
document.documentElement.dataset.ready = "true";
