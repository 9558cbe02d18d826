// What forces the mode and the cap, which rungs hold beside that, and which rung is the nearest ahead.

import { isolated } from "./dom.js";
import { known, ladderName, near, percent, reading, trigger, words } from "./format.js";

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

// What a rung does to the book, without its alert: in a few words, for the bar.
function briefly(rung) {
  const acts = effect(rung).split(", ").filter((part) => !/^alert level|people must resume$/.test(part));
  if (acts.length === 0) return "alert only";
  const parts = [rung.mode === "REDUCING" ? "positions only shrink" : "", known(rung.cap) ? capAt(rung.cap) : ""];
  return parts.filter(Boolean).join(", ") || acts[0];
}

function capAt(cap) {
  return `at most ${percent(cap, 0)}`;
}

export function distance(rung) {
  return `${ladderName(rung.ladder)} ${reading(rung.ladder, rung.metric)} of ${trigger(rung.ladder, rung.trigger)}`;
}

// The first is what people ask first: who or what forces the mode.
export function heldSentence(book) {
  if (book.mode === "ACTIVE") return "No rung and no person restricts the mode";
  const causes = (book.held_by ?? []).map((cause) => causeWords(cause, book.time_ns));
  return causes.length ? `Held by: ${causes.join("; ")}` : "Held by: not known";
}

function causeWords(cause, nowNs) {
  const since = known(cause.since_ns) ? ` since ${near(cause.since_ns, nowNs)} UTC` : "";
  if (cause.kind === "person") {
    const who = cause.actor ? isolated(cause.actor) : "a person whose name is not known";
    return `${words(cause.act)} by ${who}${since}, ${cause.reason ? `“${isolated(cause.reason)}”` : "no reason given"}`;
  }
  if (cause.kind === "rung") return `${rungName(cause)}${since}${cause.why ? `, ${cause.why}` : ""}`;
  return `what halted it${since}: it holds no more, but nobody has resumed`;
}

export function alsoSentence(book) {
  const forcing = (book.held_by ?? []).filter((cause) => cause.kind === "rung").map(rungName);
  const others = holding(book.ladders).filter((rung) => !forcing.includes(rungName(rung)));
  const names = others.map((rung) => `${rungName(rung)} (${briefly(rung)})`);
  if (names.length) return `Also active: ${names.join(", ")}`;
  return book.mode === "ACTIVE" ? "" : "No other rung holds";
}

export function capSentence(book) {
  return known(book.cap) ? `Exposure at most ${percent(book.cap, 0)}: ${capWords(book)}` : "";
}

// Caps are never multiplied: the most restrictive one counts, and exposure returns in steps when it is gone.
export function capWords(book) {
  if (!known(book.cap)) return "";
  const sources = (book.cap_by ?? []).map(
    (one) => (one.kind === "condition" ? `condition ${words(one.condition)}` : rungName(one)),
  ).join(", ");
  if (book.cap < book.cap_allowed) {
    return `returns to ${percent(book.cap_allowed, 0)} in steps${sources ? `, by ${sources}` : ""}`;
  }
  return sources ? `by ${sources}` : book.cap < 1 ? "cause not known" : "no cap";
}

export function nextSentence(book) {
  if (book.mode === "HALTED") return `To let go: ${letsGo(book)}`;
  const rung = nearest(book.ladders);
  return rung ? nextWords(rung) : "Next: every rung holds, none is further up";
}

// What may stand in its place at any moment, as a metric moves.
export function nextSentences(book) {
  return book.mode === "HALTED" ? [] : (book.ladders ?? []).map(nextWords);
}

function nextWords(rung) {
  return `Next: ${distance(rung)}: rung ${rung.rung}, ${effect(rung)}`;
}

export function releaseSentence(book) {
  return book.mode === "REDUCING" ? `To let go: ${letsGo(book)}` : "";
}

function letsGo(book) {
  return book.lets_go ? book.lets_go.replaceAll(" %", "\u00a0%") : "two people must resume";
}

export function modeWords(mode) {
  return {
    ACTIVE: "positions may grow",
    REDUCING: "positions may only shrink",
    HALTED: "until two people resume",
  }[mode] ?? words(mode);
}
