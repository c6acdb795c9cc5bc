// The whole run in a strip beside the picture: where things go wrong, what is found, and where the window is.

class Overview {
  /** @param {Drawing} drawing */
  constructor(drawing) {
    this.drawing = drawing;
    this.canvas = byId("overview");
    /** The run without the window: it is drawn once, the window often. */
    this.ground = document.createElement("canvas");
    const jump = (pointer) => {
      if (pointer.buttons !== 1) return;
      const box = this.canvas.getBoundingClientRect();
      const { scroller } = drawing;
      scroller.scrollTop = ((pointer.clientY - box.top) / box.height) * drawing.layout.height - scroller.clientHeight / 2;
    };
    this.canvas.addEventListener("pointerdown", jump);
    this.canvas.addEventListener("pointermove", jump);
    drawing.scroller.addEventListener("scroll", () => this.soon(), { passive: true });
  }

  /** The run, its colours or the size are others now. */
  renew() {
    this.old = true;
    this.soon();
  }

  /** Draws in the next frame, once. */
  soon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      this.draw();
    });
  }

  draw() {
    const { layout, scroller } = this.drawing;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    const style = getComputedStyle(this.canvas);
    const ink = (name) => style.getPropertyValue(name).trim();
    if (this.old) this.drawGround(width, height, ink);
    this.old = false;
    const pen = penOf(this.canvas, width, height);
    pen.drawImage(this.ground, 0, 0, width, height);
    pen.strokeStyle = ink("--accent");
    pen.lineWidth = 1.5;
    const y = (at) => (at / Math.max(1, layout.height)) * height;
    const high = Math.min(height, Math.max(6, y(scroller.clientHeight)));
    pen.strokeRect(0.75, Math.min(y(scroller.scrollTop), height - high) + 0.75, width - 1.5, high - 1.5);
  }

  drawGround(width, height, ink) {
    const { layout, scene } = this.drawing;
    const pen = penOf(this.ground, width, height);
    const y = (at) => (at / Math.max(1, layout.height)) * height;
    const bar = (colour, from, to, x, wide) => {
      pen.fillStyle = colour;
      pen.fillRect(x, from, wide, Math.max(1.5, to - from));
    };
    for (const fault of layout.run.faults) {
      if (fault.end || fault.sides.length > 0) bar(ink("--fault"), y(layout.y(fault.begin)), fault.end ? y(layout.y(fault.end)) : height, 2, 3);
    }
    const plain = ink("--line-strong");
    const found = ink("--accent");
    const inks = { drop: ink("--bad-soft"), crash: ink("--bad"), output: ink("--good"), restart: ink("--fault"), pause: ink("--fault") };
    const columns = new Map(layout.order.map((place, column) => [place, column]));
    const step = (width - 12) / Math.max(1, columns.size);
    for (const event of layout.shown) {
      const column = columns.get(event.place);
      if (column === undefined) continue;
      const at = y(layout.rowAt(event).y);
      bar(scene.searching && scene.found.has(event) ? found : (inks[event.kind] ?? plain), at, at, 8 + column * step, Math.max(1.5, step - 1));
    }
    if (layout.run.violation) {
      const at = Math.min(y(layout.y(layout.run.violation)), height - 4);
      bar(ink("--bad"), at, at + 4, 0, width);
    }
  }
}

/** A pen for a canvas of this size, as sharp as the screen. */
function penOf(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return pen;
}
