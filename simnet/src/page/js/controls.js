// The buttons, the search and the boxes of the filter.

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
