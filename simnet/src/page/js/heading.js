// The top of the page: the rule, and what ran.

/** What ran: beside the rule. */
function describe(page) {
  const { run, data } = page;
  const { raw } = run;
  const facts = [raw.lab, data.test, `seed ${raw.seed}`, `world ${raw.world}`, count(run.nodes.length, "node"), count(run.events.length, "event"), run.clock.show(run.events.at(-1)?.at ?? 0), ...(raw.commit ? [`commit ${raw.commit}`] : [])];
  byId("what").textContent = facts.filter(Boolean).map(clean).join(" · ");
  if (raw.before + raw.after > 0) byId("what").append(h("b", {}, ` · only a part: ${count(raw.before, "event")} before and ${raw.after.toLocaleString("en")} after it are in the trace`));
  if (run.idle.size > 0) byId("what").append(` · not drawn: ${count(run.idle.size, "idle node")}`);
  byId("scene").hidden = !raw.run;
  byId("scene-text").textContent = raw.run;
  byId("replay").hidden = !data.replay;
  byId("command").textContent = byId("command").title = data.replay ?? "";
  byId("to-violation").hidden = !run.violation;
  byId("runs").hidden = page.runs.length < 2;
  byId("runs").replaceChildren(...page.runs.map((one) => h("button", {
    type: "button", id: `run-${one.label}`, "aria-pressed": String(one === run), title: `${count(one.events.length, "event")} (o)`, onclick: () => page.choose(one),
  }, `${one.label === "shortened" ? "Shortened" : "Original"} (${one.events.length.toLocaleString("en")})`)));
  byId("removed").hidden = !(raw.removed?.length > 0);
  byId("removed-list").replaceChildren(...(raw.removed ?? []).map((line) => h("li", {}, clean(line))));
  if (raw.broken) tellRule(raw.broken);
}

/** The rule as this run broke it; the page came with that of the first run. */
function tellRule({ rule, facts }) {
  const heading = byId("rule");
  if (!heading) return;
  heading.textContent = upright(rule);
  byId("verdict").querySelector(".facts").replaceChildren(...facts.map(([name, value]) => {
    const [first, ...more] = upright(value).split("\n");
    const rest = more.length > 0 && h("span", { class: "more" }, more.join("\n"));
    return h("div", { class: `fact fact-${name === "expected" || name === "got" ? name : "other"}` }, h("dt", {}, upright(name)), h("dd", {}, first, rest));
  }));
}
