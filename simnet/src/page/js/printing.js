// On paper nothing scrolls: the picture is drawn in pieces that fit a sheet, around what matters.

/** More lines than these are not printed: the ones around the broken rule, or the first ones. */
const MOST_LINES = 300;
const LINES_A_SHEET = 42;

/** Draws the run for the printer, and removes it afterwards. */
function printable(page) {
  window.addEventListener("beforeprint", () => byId("sheets").replaceChildren(...sheets(page)));
  window.addEventListener("afterprint", () => byId("sheets").replaceChildren());
}

function sheets(page) {
  const layout = new Layout(page.run, page.filter, { scale: "compact", zoom: 0.85, width: 980 });
  const { list } = layout;
  const around = layout.rowAt(page.run.violation)?.index ?? 0;
  const from = Math.max(0, Math.min(around - MOST_LINES + 5, list.length - MOST_LINES));
  const lines = list.slice(from, from + MOST_LINES);
  const scene = { ...page.scene(), selected: undefined, searching: false, past: undefined };
  const made = [];
  for (let first = 0; first < lines.length; first += LINES_A_SHEET) {
    made.push(sheet(layout, scene, lines.slice(first, first + LINES_A_SHEET)));
  }
  const left = list.length - lines.length;
  if (left > 0) made.unshift(h("p", {}, `${count(left, "line")} of the run ${left === 1 ? "is" : "are"} not printed: ${from} before these, ${left - from} after.`));
  return made;
}

function sheet(layout, scene, rows) {
  const top = rows[0].y - layout.line / 2;
  const bottom = rows.at(-1).y + layout.line / 2;
  const box = h("div", { class: "canvas", style: `width:${layout.width}px;height:${bottom - top}px` },
    h("div", { class: "shift", style: `top:${-top}px` }, pictureOf(layout, scene, [top, bottom])));
  return h("figure", { class: "sheet" }, h("div", { class: "heads", style: `width:${layout.width}px` }, headsOf(layout)), box);
}
