// The five ladders. Each step is one rung; how full a step is says how far the metric is on its way to that rung.

import { figure, make, mark, panel, plain, put, reveal, write } from "./dom.js";
import { known, ladderName, near, NOT_KNOWN, reading, trigger } from "./format.js";
import { ahead, byLadder, effect, nearness } from "./rungs.js";

const ORDER = ["DRAWDOWN", "VOLATILITY", "VALUE_AT_RISK", "CORRELATION", "TECHNICAL"];
const FURTHER = {
  DRAWDOWN: "from peak equity",
  VOLATILITY: "now ÷ normal",
  VALUE_AT_RISK: "one day, of equity",
  CORRELATION: "of the seven legs",
  TECHNICAL: "silence of prices and broker",
};

// what a rung watches, where the rungs of one ladder watch different things
const SHORT = {
  "mean change of the leg correlations from normal": "mean |change|",
  "mean absolute leg correlation, 1 when enough held legs have moved": "mean |correlation|",
  "silence of the feed in use": "feed in use",
  "silence of every feed": "every feed",
  "silence of every feed or of the broker": "feeds or broker",
};

export function ladders() {
  const parts = panel("ladders", "Ladders", "ladders");
  const list = make("div", { class: "ladder-list" });
  const empty = make("p", { class: "empty", text: NOT_KNOWN });
  parts.body.append(empty, list);
  const shown = new Map();
  const draw = (state) => {
    const { book } = state.sections;
    const all = byLadder(book?.ladders);
    reveal(empty, all.size === 0);
    write(empty, book ? "this book has no ladders" : NOT_KNOWN);
    forget(shown, all);
    const names = [
      ...ORDER.filter((name) => all.has(name)),
      ...[...all.keys()].filter((name) => !ORDER.includes(name)),
    ];
    for (const name of names) {
      if (!shown.has(name)) {
        shown.set(name, oneLadder(name, all.get(name)));
        list.append(shown.get(name).element);
      }
      drawLadder(shown.get(name), all.get(name), state);
    }
    const held = (book?.ladders ?? []).filter((rung) => rung.holds).length;
    write(parts.aside, all.size ? `${countWords(held)} · ■ holds  ○ does not` : "");
  };
  return { id: "ladders", title: "Ladders", needs: ["book"], element: parts.element, draw, parts };
}

// of a ladder that is no longer told nothing may stay
function forget(shown, all) {
  for (const [name, ladder] of shown) {
    if (all.has(name)) continue;
    ladder.element.remove();
    shown.delete(name);
  }
}

function countWords(held) {
  if (held === 0) return "no rung holds";
  return held === 1 ? "1 rung holds" : `${held} rungs hold`;
}

function oneLadder(name, rungs) {
  const now = figure(`ladder.${name}.now`);
  const several = !oneMetric(rungs);
  const steps = rungs.map((rung) => step(name, rung, several));
  const holds = make("p", { class: "holds", "data-key": `ladder.${name}.holds` });
  const next = make("p", { class: "ahead", "data-key": `ladder.${name}.next` });
  const head = make(
    "h3",
    {},
    make("span", { text: ladderName(name) }),
    make("small", { text: FURTHER[name] ?? "" }),
    now,
  );
  const row = make("div", { class: several ? "steps several" : "steps" }, ...steps.map((one) => one.element));
  return { name, now, steps, holds, next, element: make("article", { class: "ladder" }, head, row, holds, next) };
}

function oneMetric(rungs) {
  return new Set(rungs.map((rung) => rung.metric_name ?? rung.metric)).size === 1;
}

function step(name, rung, several) {
  const fill = make("i", { class: "fill" });
  const sign = make("span", { class: "sign", "aria-hidden": "true" });
  const state = make("span", { class: "unseen" });
  const limit = make("span", { class: "limit", text: trigger(name, rung.trigger) });
  const number = make("span", { class: "rung", text: `${rung.rung}` });
  const own = make("span", { class: "own" });
  const element = make("div", { class: "step", "data-key": `ladder.${name}.${rung.rung}` });
  const watched = plain(SHORT[rung.metric_name] ?? rung.metric_name);
  if (several) element.append(make("span", { class: "watched", text: watched }));
  element.append(
    make("div", { class: "track" }, fill),
    make("div", { class: "tick" }, own, sign, number, limit, state),
  );
  return { element, fill, sign, state, limit, own };
}

function drawLadder(ladder, rungs, state) {
  const single = oneMetric(rungs);
  const top = single ? rungs[0].metric : null;
  put(ladder.now, top ?? rungs.map((rung) => rung.metric).join(" "), single ? reading(ladder.name, top) : "");
  rungs.forEach((rung, place) => {
    const before = single && place > 0 ? rungs[place - 1].trigger : 0;
    if (ladder.steps[place]) drawStep(ladder.steps[place], rung, before, single ? null : ladder.name);
  });
  const held = rungs.filter((rung) => rung.holds).at(-1);
  const next = ahead(rungs);
  mark(ladder.element, "data-holds", held ? held.rung : null);
  reveal(ladder.holds, Boolean(held));
  if (held) write(ladder.holds, plain(heldWords(held, state)));
  write(ladder.next, plain(next ? `next: rung ${next.rung}, ${effect(next)}` : "every rung holds"));
  mark(ladder.next, "data-near", next && nearness(next) > 0.8 ? "yes" : null);
}

function drawStep(one, rung, before, ownOf) {
  const way = known(rung.metric) ? (rung.metric - before) / (rung.trigger - before) : 0;
  const width = `${(Math.max(0, Math.min(1, way)) * 100).toFixed(1)}%`;
  if (one.fill.style.width !== width) one.fill.style.width = width;
  mark(one.element, "data-holds", rung.holds ? "yes" : "no");
  mark(one.element, "data-metric", rung.metric);
  mark(one.element, "title", plain(stepWords(rung)));
  write(one.sign, rung.holds ? "■" : "○");
  write(one.state, rung.holds ? " holds" : " does not hold");
  write(one.limit, trigger(rung.ladder, rung.trigger));
  write(one.own, ownOf ? reading(ownOf, rung.metric) : "");
}

function stepWords(rung) {
  const measured = rung.metric_name ? `, ${rung.metric_name}` : "";
  return `rung ${rung.rung}, ${rung.holds ? "holds" : "does not hold"}${measured}: ${effect(rung)}`;
}

function heldWords(rung, state) {
  const since = known(rung.since_ns) ? ` since ${near(rung.since_ns, state.worldNs)} UTC` : "";
  const people = rung.latched && !/people/.test(effect(rung)) ? ` (${rung.people || 2} people must release it)` : "";
  return `■ rung ${rung.rung} holds${since}: ${effect(rung)}${people}`;
}
