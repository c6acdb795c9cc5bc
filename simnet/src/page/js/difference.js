// What a step changed in a node's state.

/**
 * The fields of a state, one below the other: a value that a person reads at a glance stays whole.
 * @returns {Map<string, string>} by path, `accepted.value`
 */
function flat(value, path = "", into = new Map()) {
  const entries = Array.isArray(value) ? value.map((item, place) => [place, item]) : isObject(value) ? Object.entries(value) : [];
  const whole = entries.length === 0 || (path !== "" && inner(value).length <= 24);
  if (whole) into.set(path, inner(value));
  else for (const [key, item] of entries) flat(item, path === "" ? clean(key) : `${path}.${clean(key)}`, into);
  return into;
}

/**
 * The fields of both states, in their order.
 * @returns {{path: string, before?: string, after?: string, changed: boolean}[]}
 */
function difference(before, after) {
  const [one, other] = [before === undefined ? new Map() : flat(before), after === undefined ? new Map() : flat(after)];
  // A field that opens up, `accepted` to `accepted.value`, stands where it stood.
  const paths = [...new Set([...other.keys(), ...one.keys()])];
  const first = (path) => path.split(".")[0];
  const order = [...new Set(paths.map(first))];
  paths.sort((a, b) => order.indexOf(first(a)) - order.indexOf(first(b)));
  return paths.map((path) => ({
    path,
    before: one.get(path),
    after: other.get(path),
    changed: one.get(path) !== other.get(path),
  }));
}
