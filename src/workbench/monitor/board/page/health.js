// What the numbers rest on: calibration and strategy set with their age, loop, journal, watchdog, latency.

import { panel, write } from "./dom.js";
import { bytes, known, milliseconds, NOT_KNOWN, number, utc } from "./format.js";
import { ownTime } from "./orders.js";
import { table, terms } from "./tables.js";

const MODEL_TERMS = [
  { term: "Calibration", key: "calibration.id" }, { term: "As of", key: "calibration.as_of" },
  { term: "Age", key: "calibration.age_days" }, { term: "Policy", key: "policy" },
  { term: "Strategy set", key: "strategy_set.id" }, { term: "Chosen as of", key: "strategy_set.as_of" },
  { term: "Strategies", key: "strategy_set.strategies" },
];
const SYSTEM_TERMS = [
  { term: "Loop", key: "loop.pid" }, {
    term: "Running since",
    key: "loop.began_ns",
  }, { term: "Rounds done", key: "loop.turns" },
  { term: "Scheduling", key: "health.real_time" },
  { term: "Memory", key: "health.memory_bytes" }, { term: "Journal rows", key: "journal.sequence" },
  { term: "Journal seal", key: "journal.digest" }, { term: "Journal size", key: "health.journal_bytes" },
  { term: "Disk free", key: "health.disk_free_bytes" }, { term: "Watchdog", key: "health.watchdog" },
];

export function models() {
  const parts = panel("models", "Calibration and strategies", "models");
  const list = terms(MODEL_TERMS);
  parts.body.append(list.element);
  const draw = (state) => {
    const { book, calibration, policy, strategy_set: set } = state.sections;
    drawCalibration(list, calibration, policy);
    const none = book ? ["none: the book holds fixed positions", "–"] : [NOT_KNOWN, NOT_KNOWN];
    list.say("strategy_set.id", set?.id, set?.id ?? none[0]);
    list.say("strategy_set.as_of", set?.as_of, set?.as_of ?? none[1]);
    const count = Array.isArray(set?.strategies) ? set.strategies.length : set?.strategies;
    list.say("strategy_set.strategies", count, known(count) ? number(count) : none[1]);
  };
  return {
    id: "models",
    title: "Calibration",
    needs: ["calibration", "strategy_set", "policy", "book"],
    element: parts.element,
    draw,
    parts,
  };
}

function drawCalibration(list, found, policy) {
  list.say("policy", policy, policy ?? NOT_KNOWN);
  list.say("calibration.id", found?.id, found ? `${found.id}${found.provisional ? " (provisional)" : ""}` : NOT_KNOWN);
  list.say("calibration.as_of", found?.as_of, found?.as_of ?? NOT_KNOWN);
  const { age_days: age, limit_days: limit } = found ?? {};
  const old = known(age) && known(limit) && age > limit;
  list.say(
    "calibration.age_days",
    age,
    known(age) ? `${number(age)} of at most ${number(limit)} business days${old ? ": TOO OLD" : ""}` : NOT_KNOWN,
  );
  list.tone("calibration.age_days", old ? "act" : null);
}

export function health() {
  const parts = panel("health", "System", "health");
  const list = terms(SYSTEM_TERMS);
  const rows = table("Latency, milliseconds", LATENCY, (row) => row.name, NOT_KNOWN);
  parts.body.append(list.element, ...rows.nodes);
  const draw = (state) => {
    const { latency, loop, ...others } = state.sections;
    drawSystem(list, { loop, ...others });
    drawWatchdog(list, state.control.watchdog);
    const stages = Object.entries(latency ?? {}).filter(([, found]) => found.count);
    rows.say(latency ? "nothing measured yet" : NOT_KNOWN);
    rows.draw(stages.map(([name, found]) => ({ name, ...found })), state);
    write(parts.aside, loop ? summary(loop) : "");
  };
  return {
    id: "health",
    title: "System",
    needs: ["loop", "journal", "health", "latency", "pid", "control"],
    element: parts.element,
    draw,
    parts,
  };
}

function summary(loop) {
  const priced = loop.priced ? "every position has a price" : "a position has no price";
  return ownTime(loop) ? `${priced} · latency on this machine` : priced;
}

function drawSystem(list, { loop, journal, health: found, pid }) {
  list.say("loop.pid", pid, known(pid) ? `process ${pid}` : NOT_KNOWN);
  list.say(
    "loop.began_ns",
    loop?.began_ns,
    known(loop?.began_ns) ? `${utc(loop.began_ns).slice(0, 16)} UTC` : NOT_KNOWN,
  );
  list.say("loop.turns", loop?.turns, number(loop?.turns));
  const scheduling = found?.real_time ? "real time" : "among other programs";
  list.say("health.real_time", found?.real_time, known(found?.real_time) ? scheduling : NOT_KNOWN);
  list.say("health.memory_bytes", found?.memory_bytes, bytes(found?.memory_bytes));
  list.say(
    "journal.sequence",
    journal?.sequence,
    known(journal?.sequence) ? `${number(journal.sequence)}, ${startWords(journal.epoch)}` : NOT_KNOWN,
  );
  list.say("journal.digest", journal?.digest, journal?.digest ? String(journal.digest).slice(0, 12) : NOT_KNOWN);
  list.say("health.journal_bytes", found?.journal_bytes, bytes(found?.journal_bytes));
  const free = found?.disk_free_bytes;
  list.say("health.disk_free_bytes", free, bytes(free));
  list.tone("health.disk_free_bytes", known(free) && free < 2e9 ? "act" : null);
}

// every start of a loop on the same journal is counted
function startWords(starts) {
  return starts === 1 ? "loop started once" : `loop started ${number(starts)} times`;
}

// a sentence of the watchdog's, nothing when there is none, null when it is not known where to look
function drawWatchdog(list, said) {
  const missing = said === "";
  list.say("health.watchdog", said ?? "", said || (missing ? "none: nobody watches the loop" : NOT_KNOWN));
  list.tone("health.watchdog", missing ? "watch" : null);
}

const STAGES = {
  quote_to_decision: "quote to decision",
  quote_to_intent_durable: "quote to order on disk",
  quote_to_sent: "quote to order sent",
  quote_to_acknowledged: "quote to broker's answer",
  sent_to_acknowledged: "sent to broker's answer",
  journal_write: "writing to disk",
  turn: "one round of the loop",
};

const LATENCY = [
  { head: "Latency", kind: "text", cell: (row) => ({ text: STAGES[row.name] ?? row.name.replaceAll("_", " ") }) },
  { head: "Count", kind: "number", cell: (row) => ({ text: number(row.count), value: row.count }) },
  { head: "Median", kind: "number", cell: (row) => ({ text: milliseconds(row.p50), value: row.p50 }) },
  { head: "99 %", kind: "number", cell: (row) => ({ text: milliseconds(row.p99), value: row.p99 }) },
  { head: "Worst", kind: "number", cell: (row) => ({ text: milliseconds(row.max), value: row.max }) },
];
