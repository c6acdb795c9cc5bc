// The page: which run, which event, at what scale. Keys and buttons call its methods.

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
