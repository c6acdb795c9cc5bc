// The keys, and the list of them that `?` opens.

/** @type {[string[], string, (page: Page) => void][]} keys as browsers name them, what they do, and how */
const KEYS = [
  [["ArrowRight", "l"], "next event", (page) => page.step(1)],
  [["ArrowLeft", "h"], "previous event", (page) => page.step(-1)],
  [["ArrowDown", "j"], "next step of the same node", (page) => page.stepOnNode(1)],
  [["ArrowUp", "k"], "previous step of the same node", (page) => page.stepOnNode(-1)],
  [["PageDown"], "ten lines on", (page) => page.stepLines(10)],
  [["PageUp"], "ten lines back", (page) => page.stepLines(-10)],
  [["Home"], "first event", (page) => page.goTo(0)],
  [["End"], "last event", (page) => page.goTo(-1)],
  [["m"], "the other end of the message", (page) => page.otherEnd()],
  [["v"], "the broken rule", (page) => page.go(page.run.violation, true)],
  [["c"], "dim what cannot have led to this event", (page) => page.toggleCauses()],
  [["/"], "search", () => byId("search").focus()],
  [["n"], "next match", (page) => page.match(1)],
  [["N"], "previous match", (page) => page.match(-1)],
  [["o"], "shortened or original run", (page) => page.otherRun()],
  [["t"], "compact or true time scale", (page) => page.otherScale()],
  [["+", "="], "larger", (page) => page.zoomBy(1.25)],
  [["-"], "smaller", (page) => page.zoomBy(0.8)],
  [["0"], "normal size", (page) => page.zoomTo(1)],
  [["d"], "dark or light", () => otherTheme()],
  [["?"], "this list", () => byId("help").showModal()],
];

const SHOWN_AS = { ArrowRight: "→", ArrowLeft: "←", ArrowDown: "↓", ArrowUp: "↑", PageDown: "Page ↓", PageUp: "Page ↑" };

/** @param {Page} page */
function listenToKeys(page) {
  document.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey) return;
    if (press.target.closest("input, textarea, select, dialog[open]")) return;
    // A button reacts to its own keys; elsewhere the arrows walk the run.
    const found = KEYS.find(([keys]) => keys.includes(press.key));
    if (!found) return;
    press.preventDefault();
    found[2](page);
  });
  const rows = KEYS.map(([keys, what]) => h("tr", {}, h("td", {}, keys.map((key) => h("kbd", {}, SHOWN_AS[key] ?? key))), h("td", {}, what)));
  byId("keys").append(...rows);
}
