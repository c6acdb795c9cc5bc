// Where things stand: nodes from left to right, time from top to bottom. Compact: a line a step. True: as far apart as in time.

/** A line's height at zoom 1. */
const LINE = 26;
/** From the top to the first line. */
const TOP = 14;
/** What a long pause takes in the compact scale. */
const PAUSE = 22;

class Layout {
  /**
   * @param {Run} run
   * @param {Filter} filter
   * @param {{scale: "compact"|"true", zoom: number, width: number}} view
   */
  constructor(run, filter, view) {
    this.run = run;
    this.view = view;
    this.line = LINE * view.zoom;
    this.shown = run.events.filter((event) => filter.shows(event, run));
    this.visible = new Set(this.shown);
    this.columns(filter);
    this.rows(filter);
    this.place();
    this.spans = run.arrows.map((arrow) => this.span(arrow));
  }

  /** The nodes from left to right. */
  columns(filter) {
    const run = this.run;
    this.order = run.nodes.map((_, place) => place).filter((place) => !run.idle.has(place) && !filter.nodes.has(run.nodes[place]));
    this.lanes = Math.min(6, run.faults.reduce((most, fault) => Math.max(most, fault.lane + 1), 0));
    const widest = this.run.clock.bare(this.run.events.at(-1)?.at ?? 0).length;
    this.gutter = 26 + widest * 7;
    const left = this.gutter + this.lanes * 8 + 8;
    const words = Math.max(250, this.view.width * 0.36);
    const room = this.view.width - left - words;
    this.column = Math.max(24, Math.min(128, room / Math.max(1, this.order.length)));
    this.x = run.nodes.map(() => undefined);
    this.order.forEach((place, at) => (this.x[place] = left + this.column * (at + 0.5)));
    this.left = left;
    this.right = left + this.column * this.order.length;
    this.width = Math.max(this.view.width, this.right + 180);
  }

  /** The steps of each line. Nodes that start together share one. */
  rows(filter) {
    const { run } = this;
    this.list = [];
    this.rowOf = new Array(run.steps.length).fill(-1);
    const steps = new Set(this.shown.map((event) => event.step));
    for (const step of run.steps) {
      if (!steps.has(step.index)) continue;
      const above = this.list.at(-1);
      const starts = (one) => one.events[0].kind === "start";
      if (above && starts(step) && starts(above.steps[0]) && above.at === step.at) above.steps.push(step);
      else this.list.push({ index: this.list.length, at: step.at, steps: [step], y: 0, pause: 0 });
      this.rowOf[step.index] = this.list.length - 1;
    }
    this.filtered = filter.hiding;
  }

  /** The height of each line. */
  place() {
    const { list } = this;
    if (this.view.scale === "true") this.placeInTime();
    else {
      const long = this.longPause();
      let y = TOP + this.line / 2;
      list.forEach((row, index) => {
        const waited = index === 0 ? 0 : row.at - list[index - 1].at;
        if (waited >= long) {
          row.pause = waited;
          y += PAUSE * Math.min(1, this.view.zoom);
        }
        row.y = y;
        y += this.line;
      });
    }
    this.height = (list.at(-1)?.y ?? 0) + this.line / 2 + TOP;
  }

  /** In the true scale the whole run is as high as it is in the compact one. */
  placeInTime() {
    const { list } = this;
    const [first, last] = [list[0]?.at ?? 0, list.at(-1)?.at ?? 0];
    this.perMicro = ((list.length - 1) * this.line) / Math.max(1, last - first);
    for (const row of list) row.y = TOP + this.line / 2 + (row.at - first) * this.perMicro;
  }

  /** From what length on a pause is worth a word: much longer than what is usual in this run. */
  longPause() {
    const waits = this.list.map((row, index) => (index === 0 ? 0 : row.at - this.list[index - 1].at)).filter((wait) => wait > 0);
    waits.sort((one, other) => one - other);
    const usual = waits[Math.floor(waits.length * 0.9)] ?? Infinity;
    return Math.max(5_000, usual * 4);
  }

  /** From where to where an arrow reaches, about; nothing when neither of its ends is shown. */
  span(arrow) {
    if (this.x[arrow.from] === undefined || this.x[arrow.to] === undefined) return undefined;
    const ends = [arrow.origin, arrow.end].filter(Boolean);
    if (!ends.some((event) => this.visible.has(event))) return undefined;
    const heights = ends.map((event) => this.rowAt(event)?.y).filter((y) => y !== undefined);
    return [Math.min(...heights) - this.line, Math.max(...heights) + this.line];
  }

  /** The line of an event, if it has one. */
  rowAt(event) {
    const row = event === undefined ? -1 : this.rowOf[event.step];
    return row < 0 ? undefined : this.list[row];
  }

  /** The height at which an event stands, also when its line is left out: then that of the next line. */
  y(event) {
    const row = this.rowAt(event);
    if (row) return row.y;
    for (let step = event.step + 1; step < this.rowOf.length; step++) {
      if (this.rowOf[step] >= 0) return this.list[this.rowOf[step]].y;
    }
    return this.height;
  }

  /** The first line at or below a height. */
  firstRow(y) {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.list[middle].y < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The line that is nearest to a height. */
  nearest(y) {
    const below = this.firstRow(y);
    const [one, other] = [this.list[below - 1], this.list[below]];
    if (!one || !other) return one ?? other;
    return y - one.y <= other.y - y ? one : other;
  }
}
