// What is selected stands in the address.

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
