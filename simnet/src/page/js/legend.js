// The signs of the picture, for the help.

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
