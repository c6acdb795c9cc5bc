// The picture: only what stands in the window, and half a window's height around it, is in the document. So a run of 10,000 events costs
// no more than one of 100.

/** Narrower lines have no words. */
const WORDS_FROM = 15;
/** The width of a letter of a label, about. */
const LETTER = 6;

class Drawing {
  /**
   * @param {(event: object) => void} pick called with the event that was clicked
   */
  constructor(pick) {
    this.scroller = byId("scroller");
    this.canvas = byId("canvas");
    this.heads = byId("heads");
    this.pick = pick;
    this.drawn = [Infinity, -Infinity];
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.canvas.addEventListener("click", (click) => this.clicked(click));
  }

  /** Draws a layout anew. `scene` says what is selected, found and dimmed. */
  show(layout, scene) {
    this.layout = layout;
    this.scene = scene;
    this.canvas.style.width = `${layout.width}px`;
    this.canvas.style.height = `${layout.height}px`;
    this.heads.style.width = `${layout.width}px`;
    this.heads.replaceChildren(...headsOf(layout));
    this.heads.classList.toggle("slanted", layout.column < 44);
    this.draw();
  }

  /** Draws what is in the window. */
  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const window = [scrollTop - clientHeight / 2, scrollTop + 1.5 * clientHeight];
    this.drawn = window;
    this.canvas.replaceChildren(...pictureOf(this.layout, this.scene, window));
    this.scroller.setAttribute("aria-activedescendant", this.scene.selected ? `row-${this.layout.rowOf[this.scene.selected.step]}` : "");
  }

  scrolled() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = undefined;
      const { scrollTop, clientHeight } = this.scroller;
      if (scrollTop < this.drawn[0] + clientHeight / 4 || scrollTop + clientHeight > this.drawn[1] - clientHeight / 4) this.draw();
    });
  }

  /** Scrolls so that an event is well inside the window. */
  reveal(event, toMiddle = false) {
    const row = this.layout.rowAt(event);
    if (!row) return;
    const { scrollTop, clientHeight } = this.scroller;
    const room = clientHeight - this.heads.offsetHeight;
    const margin = Math.min(3 * this.layout.line, room / 4);
    if (toMiddle || row.y < scrollTop + margin || row.y > scrollTop + room - margin) {
      const up = row.y < scrollTop + margin;
      this.scroller.scrollTop = row.y - (toMiddle ? room / 2 : up ? margin : room - margin);
    }
    const x = this.layout.x[event.place];
    const { scrollLeft, clientWidth } = this.scroller;
    if (x !== undefined && (x < scrollLeft || x > scrollLeft + clientWidth)) this.scroller.scrollLeft = x - clientWidth / 2;
  }

  clicked(click) {
    const target = click.target.closest("[data-event]");
    const run = this.layout.run;
    if (target) return this.pick(run.events[Number(target.dataset.event)]);
    const y = click.clientY - this.canvas.getBoundingClientRect().top;
    const row = this.layout.nearest(y);
    if (row) this.pick(this.firstShown(row, click));
  }

  /** The event of a line that a click means: of the node whose lifeline it hit, else the first one. */
  firstShown(row, click) {
    const x = click.clientX - this.canvas.getBoundingClientRect().left;
    const near = row.steps.find((step) => Math.abs((this.layout.x[step.node] ?? Infinity) - x) < this.layout.column / 2);
    const step = near ?? row.steps[0];
    return step.events.find((event) => this.scene.shown.has(event)) ?? step.events[0];
  }
}

/** The names of the nodes above their lifelines. */
function headsOf(layout) {
  const unit = h("span", { class: "unit", style: `width:${layout.gutter - 10}px` }, layout.run.clock.unit);
  const names = layout.order.map((place) =>
    h("span", { class: "head", style: `left:${layout.x[place]}px;max-width:${Math.max(44, layout.column - 2)}px`, title: clean(layout.run.nodes[place]) },
      h("bdi", {}, clean(layout.run.nodes[place]) || "?")));
  return [unit, ...names];
}

/** The elements of a window: the lines of words, and above them the picture. */
function pictureOf(layout, scene, [top, bottom]) {
  const from = layout.firstRow(top);
  const to = layout.firstRow(bottom);
  const rows = layout.list.slice(from, to);
  const span = [Math.max(0, top), Math.min(layout.height, bottom)];
  const height = Math.max(1, span[1] - span[0]);
  const labelled = new Set();
  const inside = layout.run.arrows.filter((_, at) => layout.spans[at] && layout.spans[at][1] >= span[0] && layout.spans[at][0] <= span[1]);
  const arrows = inside.map((arrow) => arrowOf(arrow, layout, scene, labelled));
  const svg = s("svg", {
    class: "picture", "aria-hidden": "true", width: layout.width, height, style: `top:${span[0]}px`,
    viewBox: `0 ${span[0]} ${layout.width} ${height}`,
  },
    s("g", {}, faultBands(layout, span)),
    s("g", {}, lifelines(layout, span)),
    s("g", {}, rows.filter((row) => row.pause > 0).map((row) => pauseMark(row, layout))),
    s("g", {}, arrows.map(([arrow]) => arrow)),
    s("g", {}, arrows.map(([, label]) => label)),
    s("g", {}, rows.map((row) => marksOf(row, layout, scene))));
  const words = layout.view.scale === "true" ? spaced(rows, layout) : rows.map((row) => [row, layout.line >= WORDS_FROM]);
  const lines = words.map(([row, hasWords]) => lineOf(row, layout, scene, hasWords));
  return [h("div", { class: "lines", role: "presentation" }, lines), svg];
}

/** In the true scale lines may fall onto each other: those that do have no words. */
function spaced(rows, layout) {
  let last = -Infinity;
  return rows.map((row) => {
    const room = row.y - last >= WORDS_FROM || layout.rowOf[layout.run.violation?.step] === row.index;
    if (room) last = row.y;
    return [row, room];
  });
}

/** A line: its time and its words. */
function lineOf(row, layout, scene, hasWords) {
  const before = layout.list[row.index - 1];
  const selected = scene.selected !== undefined && layout.rowOf[scene.selected.step] === row.index;
  const broken = row.steps.some((step) => step.events[0].kind === "violation");
  const found = scene.searching && row.steps.some((step) => step.events.some((event) => scene.found.has(event)));
  const dim = isDim(row.steps.flatMap((step) => step.events), scene);
  const height = Math.max(3, layout.view.scale === "true" ? Math.min(layout.line, 20) : layout.line);
  const classes = ["line", selected && "selected", broken && "broken", found && "found", dim && "dim"];
  return h("div", {
    class: classes.filter(Boolean).join(" "), id: `row-${row.index}`, role: "option", "aria-selected": String(selected),
    "aria-setsize": layout.list.length, "aria-posinset": row.index + 1,
    style: `top:${row.y - height / 2}px;height:${height}px;line-height:${height}px`,
  },
    hasWords && (before?.at !== row.at || layout.view.scale === "true") && h("span", { class: "time", style: `width:${layout.gutter - 10}px` }, layout.run.clock.bare(row.at)),
    hasWords && h("span", { class: "words", style: `left:${layout.right + 10}px` }, wordsOf(row, layout, scene)));
}

/** Whether nothing of this is what the reader looks for now. */
function isDim(events, scene) {
  if (scene.past) return !events.some((event) => scene.past.has(event));
  return scene.searching && !events.some((event) => scene.found.has(event));
}

function wordsOf(row, layout, scene) {
  const { run } = layout;
  const only = (step) => step.events.every((event) => event.kind === "start" || event.kind === "state");
  const starting = row.steps.filter(only);
  const parts = [];
  if (starting.length > 0) {
    const all = starting.length === run.nodes.length;
    const names = all ? "all" : starting.map((step) => clean(run.nodes[step.node] ?? "?")).join(" ");
    parts.push(h("b", {}, names), starting.length === 1 ? " starts" : " start");
  }
  for (const step of row.steps.filter((step) => !only(step))) {
    if (parts.length > 0) parts.push(" · ");
    const first = step.events[0];
    if (step.node >= 0 && first.kind !== "violation") parts.push(h("b", { "data-event": first.index }, h("bdi", {}, clean(run.nodes[step.node]))), " ");
    parts.push(...inShort(phrasesOf(step, run, scene.shown), layout).flatMap((phrase, at) => [at > 0 ? " · " : "", phraseElement(phrase, layout)]));
  }
  return parts;
}

/** What the picture says already is left out: whom a message came from, and writes beside other effects. */
function inShort(phrases, layout) {
  const others = phrases.filter((phrase) => phrase.style !== "disk");
  const kept = others.length > 1 || (others.length === 1 && others[0].style !== "deliver") ? others : phrases;
  return kept.map((phrase) => (phrase.brief === undefined || layout.x[phrase.event.other] === undefined ? phrase : { ...phrase, details: phrase.brief }));
}

function phraseElement(phrase, layout) {
  const readers = phrase.readers ? ` → ${phrase.readers.join(" ")}` : "";
  return h("span", { class: `phrase is-${phrase.style}`, "data-event": phrase.event.index },
    phrase.verb, phrase.verb && phrase.name ? " " : "",
    phrase.name && h("span", { class: `name ${colourOf(phrase.name, layout.run)}` }, phrase.name),
    phrase.details ? ` ${phrase.details}` : "", readers);
}

/** The class that colours a message's name; the name is always there too. */
function colourOf(name, run) {
  const place = run.names.indexOf(name);
  return place < 0 ? "" : `c${place % 8}`;
}

/** Faults of the network: a bar beside the picture, and a tint over the sides of a split. */
function faultBands(layout, [top, bottom]) {
  return layout.run.faults.flatMap((fault) => {
    // What nobody ends, and is no split, does one thing at one instant.
    if (fault.kind === "fault" && !fault.end) return [];
    const y0 = layout.y(fault.begin);
    const y1 = fault.end ? layout.y(fault.end) : layout.height;
    if (y1 < top || y0 > bottom) return [];
    const lane = Math.min(fault.lane, layout.lanes - 1);
    const title = s("title", {}, fault.words);
    const bar = s("rect", {
      class: `lane ${fault.kind}`, x: layout.gutter + lane * 8, y: y0, width: 5, height: Math.max(3, y1 - y0), rx: 2.5, "data-event": fault.begin.index,
    }, title);
    const sides = fault.sides.flatMap((side, number) => side.filter((place) => layout.x[place] !== undefined).map((place) =>
      s("rect", { class: `side side${number % 3}`, x: layout.x[place] - layout.column / 2 + 1, y: y0, width: layout.column - 2, height: Math.max(3, y1 - y0) })));
    return [sides, bar];
  });
}

/** Each node's line, as it lives: there, paused, down. */
function lifelines(layout, [top, bottom]) {
  return layout.order.flatMap((place) => {
    const x = layout.x[place];
    const known = layout.run.lives[place];
    return known.flatMap(({ event, life }, at) => {
      const y0 = Math.max(top, event ? layout.y(event) : 0);
      const next = known[at + 1]?.event;
      const y1 = Math.min(bottom, next ? layout.y(next) : layout.height);
      if (y1 < y0 || life === "absent") return [];
      const width = Math.min(34, layout.column - 6);
      const band = life !== "up" && s("rect", { class: `band ${life}`, x: x - width / 2, y: y0, width, height: y1 - y0, rx: 3 });
      return [band, life !== "down" && s("line", { class: `life ${life}`, x1: x, x2: x, y1: y0, y2: y1 })].filter(Boolean);
    });
  });
}

/** A long pause between two lines of the compact scale. */
function pauseMark(row, layout) {
  const y = row.y - layout.line / 2 - (PAUSE * Math.min(1, layout.view.zoom)) / 2;
  return s("g", { class: "pause-mark" },
    s("line", { x1: layout.left, x2: layout.right, y1: y, y2: y }),
    s("text", { x: layout.right + 10, y: y + 4 }, `… ${roughly(row.pause)} later`));
}

/** An arrow from a send to what became of it, and its label, which stands above all arrows. */
function arrowOf(arrow, layout, scene, labelled) {
  const [x0, x1] = [layout.x[arrow.from], layout.x[arrow.to]];
  const ends = [arrow.origin, arrow.end].filter(Boolean);
  const path = pathOf(arrow, layout, x0, x1);
  const selected = scene.selected !== undefined && ends.includes(scene.selected);
  const dim = isDim(ends, scene) || (scene.past && !ends.every((event) => scene.past.has(event)));
  const classes = [arrow.fate, colourOf(arrow.name, layout.run), selected && "on", dim && "dim"].filter(Boolean).join(" ");
  const line = `M${path.x0},${path.y0}L${path.x1},${path.y1}`;
  const drawn = s("g", { class: `arrow ${classes}`, "data-event": (arrow.end ?? arrow.origin).index },
    s("path", { class: "hit", d: line }, s("title", {}, titleOf(arrow, layout))),
    s("path", { class: "shaft", d: line }),
    arrow.fate === "lost" ? cross(path.x1, path.y1, 5 * shrink(layout)) : arrow.fate === "underway" ? null : head(path));
  // Arrows that end beside their sender would have their labels above each other: one speaks for all.
  const key = isLostAtSender(arrow) || isLeftOut(arrow, layout) ? `${arrow.origin?.step} ${arrow.name}` : undefined;
  const label = labelled.has(key) ? null : labelOf(arrow, path, layout, classes);
  if (key !== undefined && label) labelled.add(key);
  return [drawn, label];
}

function titleOf(arrow, layout) {
  const fates = { read: "", again: "arrives again", late: "arrives late", lost: "is lost", underway: clean(arrow.origin?.why ?? "is still under way at the end") };
  const body = fields(arrow.name, arrow.message?.body);
  const ends = `${clean(layout.run.nodes[arrow.from])} → ${clean(layout.run.nodes[arrow.to])}`;
  return [clean(arrow.name ?? "message"), body, ends, fates[arrow.fate]].filter(Boolean).join("  ");
}

/** Whether a schedule has left the message out, and all others that were sent with it. */
function isLeftOut(arrow, layout) {
  if (arrow.fate !== "underway" || arrow.origin?.why === undefined) return false;
  const together = (other) => other.origin?.step === arrow.origin.step && other.name === arrow.name;
  return !layout.run.arrows.some((other) => other.fate !== "underway" && together(other));
}

function isLostAtSender(arrow) {
  return arrow.fate === "lost" && arrow.end.place === arrow.from;
}

/** From where to where an arrow is drawn. */
function pathOf(arrow, layout, x0, x1) {
  const right = Math.sign(x1 - x0);
  const start = layout.rowAt(arrow.origin);
  const end = layout.rowAt(arrow.end);
  const half = layout.line * 0.7;
  let [y0, y1] = [start?.y, end?.y];
  if (arrow.fate === "underway") {
    return { x0: x0 + right * 4, y0, x1: x0 + (x1 - x0) * 0.35, y1: y0 + half };
  }
  y0 ??= y1 - (arrow.origin ? half : 0);
  if (isLostAtSender(arrow)) {
    y1 ??= y0;
    return { x0: x0 + right * 4, y0, x1: x0 + (x1 - x0) * 0.5, y1: Math.max(y1, y0 + half * 0.6) };
  }
  y1 ??= y0 + half;
  // The head stands just before the reader's mark.
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const short = arrow.fate === "lost" ? 9 : 6;
  return { x0: x0 + right * 2, y0, x1: x1 - ((x1 - x0) / length) * short, y1: y1 - ((y1 - y0) / length) * short };
}

function head({ x0, y0, x1, y1 }) {
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [dx, dy] = [(x1 - x0) / length, (y1 - y0) / length];
  const point = (back, aside) => `${x1 - dx * back + dy * aside},${y1 - dy * back - dx * aside}`;
  return s("polygon", { class: "tip", points: `${point(-1.5, 0)} ${point(7, 3.6)} ${point(7, -3.6)}` });
}

function cross(x, y, size) {
  return s("path", { class: "cross", d: `M${x - size},${y - size}L${x + size},${y + size}M${x - size},${y + size}L${x + size},${y - size}` });
}

/** The message's name before the head, at its reader: labels of a broadcast do not stand above each other. */
function labelOf(arrow, path, layout, classes) {
  if (layout.line < 18) return null;
  if (isLeftOut(arrow, layout)) {
    const right = path.x1 > path.x0;
    const words = `${clean(arrow.name ?? "")} (${clean(arrow.origin.why)})`;
    return s("text", { class: `label ${classes}`, x: path.x1 + (right ? 4 : -4), y: path.y1 + 4, "text-anchor": right ? "start" : "end" }, words);
  }
  if (arrow.fate === "underway") return null;
  const room = Math.abs(path.x1 - path.x0) - 14;
  const name = clean(arrow.name ?? "");
  const body = fields(arrow.name, arrow.message?.body);
  const whole = body && body.length <= 12 ? `${name} ${body}` : name;
  const text = [whole, name].find((text) => text.length * LETTER <= room);
  if (!text) return null;
  const right = path.x1 > path.x0;
  const slope = (path.y1 - path.y0) / Math.max(1, Math.abs(path.x1 - path.x0));
  // Above an arrow that is nearly level, below one that falls.
  const y = slope < 0.3 ? path.y1 - 6 - slope * (10 + (text.length * LETTER) / 2) : path.y1 + 7;
  return s("text", { class: `label ${classes}`, x: path.x1 + (right ? -11 : 11), y, "text-anchor": right ? "end" : "start" }, text);
}

/** The marks of a line on the lifelines. */
function marksOf(row, layout, scene) {
  return row.steps.map((step) => {
    const x = layout.x[step.node];
    const events = step.events.filter((event) => scene.shown.has(event));
    if (x === undefined || events.length === 0) return null;
    const selected = scene.selected?.step === step.index;
    const dim = isDim(step.events, scene);
    const marked = markEvent(events);
    const has = (kind) => events.some((event) => event.kind === kind);
    const disk = has("sync") ? "synced" : has("write") ? "volatile" : undefined;
    const place = `translate(${x} ${row.y}) scale(${shrink(layout)})`;
    return s("g", { class: ["mark", `mark-${marked.kind}`, selected && "on", dim && "dim"].filter(Boolean).join(" "), transform: place, "data-event": events[0].index },
      s("title", {}, events.filter((event) => event.kind !== "state").map((event) => sentenceOf(event, layout.run)).join("\n")),
      selected && s("circle", { class: "ring", r: 9 }),
      signOf(marked, 0, 0),
      disk && s("rect", { class: `disk ${disk}`, x: 7, y: 2, width: 6, height: 6, rx: 1 }));
  });
}

/** How much smaller signs are where lines are narrow. */
function shrink(layout) {
  return Math.max(0.3, Math.min(1, layout.line / 18));
}

/** The event of a step that its mark shows: the one that matters most. */
function markEvent(events) {
  return events.find((event) => event.kind === "violation") ?? events.find((event) => event.kind === "output") ?? events[0];
}

function signOf(event, x, y) {
  switch (event.kind) {
    case "crash":
      return cross(x, y, 6);
    case "drop":
      return null;
    case "violation":
      return s("path", { class: "sign", d: `M${x},${y - 8}L${x + 8},${y + 6}L${x - 8},${y + 6}Z` });
    case "output":
      return s("path", { class: "sign", d: `M${x},${y - 7}L${x + 7},${y}L${x},${y + 7}L${x - 7},${y}Z` });
    case "start":
    case "restart":
    case "resume":
      return s("path", { class: "sign", d: `M${x - 7},${y}H${x + 7}` });
    case "pause":
      return s("path", { class: "sign", d: `M${x - 3},${y - 5}V${y + 5}M${x + 3},${y - 5}V${y + 5}` });
    case "timer":
      return [s("circle", { class: "sign", cx: x, cy: y, r: 5.5 }), s("path", { class: "hands", d: `M${x},${y - 3.5}V${y}H${x + 2.5}` })];
    case "note":
      return s("text", { class: "sign", x, y: y + 7, "text-anchor": "middle" }, "*");
    default:
      return s("circle", { class: "sign", cx: x, cy: y, r: 4.5 });
  }
}
