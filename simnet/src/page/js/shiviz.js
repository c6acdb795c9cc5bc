// The run for ShiViz (bestchai.bitbucket.io/shiviz), another viewer of space-time diagrams, which reads vector clocks. Each event is
// two lines: what happened, and where with the clock. This is what its default expression reads: (?<event>.*)\n(?<host>\S*) (?<clock>{.*})

/** Kinds that move no clock. */
const CLOCKLESS = new Set(["drop", "duplicate", "state", "violation"]);

/** @param {Run} run */
function shiviz(run) {
  const hosts = run.nodes.map((name, place) => clean(name).trim().replace(/\s+/g, "_") || `node_${place}`);
  const told = run.events.filter((event) => event.clock && event.place >= 0 && !CLOCKLESS.has(event.kind));
  return told.map((event) => {
    const known = event.clock.flatMap((ticks, place) => (ticks > 0 && hosts[place] !== undefined ? [[hosts[place], ticks]] : []));
    const line = sentenceOf(event, run).replace(/[{}]/g, (brace) => (brace === "{" ? "(" : ")"));
    return `${line}\n${hosts[event.place]} ${JSON.stringify(Object.fromEntries(known))}\n`;
  }).join("");
}
