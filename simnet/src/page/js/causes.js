// What may have led to an event.

/** The events that may have led to this one, by their vector clocks, and itself. */
function pastOf(event, run) {
  // What happens to the network, and a rule of the whole run, have no clock: the step before them counts.
  let known = event;
  while (known && !known.clock) known = run.events[known.index - 1];
  const past = new Set([event]);
  if (!known) return past;
  for (const other of run.events) {
    const own = other.clock?.[other.place];
    if (own === undefined || (other.index <= event.index && own <= (known.clock[other.place] ?? 0))) past.add(other);
  }
  return past;
}
