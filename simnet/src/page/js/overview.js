// The whole run in a strip beside the picture: where things go wrong, what is found, and where the window is.

class Overview {
  /** @param {Drawing} drawing */
  constructor(drawing) {
    this.drawing = drawing;
    this.canvas = byId("overview");
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

  /** Draws in the next frame, once. */
  soon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      this.draw();
    });
  }

  draw() {
    const { layout, scene, scroller } = this.drawing;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(this.canvas);
    const ink = (name) => style.getPropertyValue(name).trim();
    const y = (at) => (at / Math.max(1, layout.height)) * height;
    const bar = (colour, from, to, x, wide) => {
      pen.fillStyle = colour;
      pen.fillRect(x, from, wide, Math.max(1.5, to - from));
    };
    for (const fault of layout.run.faults) {
      if (fault.end || fault.sides.length > 0) bar(ink("--fault"), y(layout.y(fault.begin)), fault.end ? y(layout.y(fault.end)) : height, 2, 3);
    }
    const dots = { drop: "--bad-soft", crash: "--bad", output: "--good", timer: "--line-strong", restart: "--fault", pause: "--fault" };
    const columns = Math.max(1, layout.order.length);
    const room = width - 12;
    for (const event of layout.shown) {
      const place = layout.order.indexOf(event.place);
      const colour = scene.searching && scene.found.has(event) ? "--accent" : (dots[event.kind] ?? "--line-strong");
      const at = y(layout.y(event));
      if (place >= 0) bar(ink.cache?.[colour] ?? ink(colour), at, at, 8 + (place / columns) * room, Math.max(1.5, room / columns - 1));
    }
    if (layout.run.violation) {
      const at = y(layout.y(layout.run.violation));
      bar(ink("--bad"), Math.min(at, height - 4), at + 4, 0, width);
    }
    pen.strokeStyle = ink("--accent");
    pen.lineWidth = 1.5;
    const top = y(scroller.scrollTop);
    pen.strokeRect(0.75, top + 0.75, width - 1.5, Math.max(6, y(scroller.clientHeight) - 1.5));
  }
}
