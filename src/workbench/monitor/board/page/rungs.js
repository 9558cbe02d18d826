// What the ladders say: which rungs hold, and which rung is the nearest ahead.

import { known, ladderName, percent, reading, trigger, words } from "./format.js";

export function byLadder(rows) {
  const ladders = new Map();
  for (const row of rows ?? []) {
    if (!ladders.has(row.ladder)) ladders.set(row.ladder, []);
    ladders.get(row.ladder).push(row);
  }
  return ladders;
}

// The highest rung that holds of each ladder, the most restrictive first.
export function holding(rows) {
  const tops = [...byLadder(rows).values()].map((rungs) => rungs.filter((rung) => rung.holds).at(-1)).filter(Boolean);
  const weight = (rung) => (rung.latched ? -1 : (rung.cap ?? 1));
  return tops.sort((one, other) => weight(one) - weight(other) || other.rung - one.rung);
}

export function ahead(rungs) {
  return rungs.find((rung) => !rung.holds) ?? null;
}

export function nearness(rung) {
  return known(rung.metric) && rung.trigger > 0 ? rung.metric / rung.trigger : -1;
}

// Nearest by the share of the way already gone: a metric at 90 % of its trigger comes before one at 10 %.
function nearest(rows) {
  const next = [...byLadder(rows).values()].map(ahead).filter(Boolean);
  return next.sort((one, other) => nearness(other) - nearness(one))[0] ?? null;
}

function rungName(rung) {
  return `${ladderName(rung.ladder)} rung ${rung.rung}`;
}

export function effect(rung) {
  if (rung.does) return rung.does.replaceAll(" %", "\u00a0%");
  if (known(rung.cap)) return `exposure at most ${percent(rung.cap, 0)}`;
  return "action not known";
}

export function distance(rung) {
  return `${ladderName(rung.ladder)} ${reading(rung.ladder, rung.metric)} of ${trigger(rung.ladder, rung.trigger)}`;
}

export function heldSentence(book) {
  const held = holding(book.ladders);
  if (held.length === 0) {
    if (book.mode !== "ACTIVE") return "Held by a person's order: two people must resume";
    return "No rung holds: full size allowed";
  }
  const names = held.map(rungName).join(", ");
  return `${book.mode === "ACTIVE" ? "Rungs that hold" : "Held by"}: ${names}`;
}

export function nextSentence(book) {
  const rung = nearest(book.ladders);
  if (!rung) return "Every rung holds: there is none further up";
  return `${distance(rung)}: rung ${rung.rung}, ${effect(rung)}`;
}

export function modeWords(mode) {
  return {
    ACTIVE: "positions may grow",
    REDUCING: "positions may only shrink",
    HALTED: "until two people resume",
  }[mode] ?? words(mode);
}
