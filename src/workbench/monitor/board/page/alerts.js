// Alerts, newest first, with the time left to acknowledge by the world's clock.

import { isolated, panel, write } from "./dom.js";
import { both, duration, known, ladderName, near, NOT_KNOWN, reading, trigger } from "./format.js";
import { emptyWords, isChosen } from "./positions.js";
import { table } from "./tables.js";

const LEVELS = { 1: "information", 2: "warning", 3: "urgent", 4: "emergency" };
const SIGNS = { 1: "○", 2: "△", 3: "▲", 4: "■" };

export function alerts() {
  const parts = panel("alerts", "Alerts", "alerts");
  const rows = table(
    "Alerts, newest first",
    COLUMNS,
    (row) => `${row.time_ns} ${row.ladder} ${row.rung} ${row.strategy} ${row.reason}`,
    NOT_KNOWN,
  );
  parts.body.append(...rows.nodes);
  const draw = (state) => {
    const { alerts: all, book } = state.sections;
    const overdue = (row) => left(row, state.worldNs) < 0;
    // a choice never hides what somebody should have acknowledged
    const list = (all ?? []).filter((row) => overdue(row) || concerns(row, state.choices, book?.positions));
    rows.say(emptyWords(all, "no alerts yet"));
    rows.draw(list, state);
    const shown = isChosen(state.choices) ? ` · ${list.length} of ${all?.length} shown` : "";
    write(parts.aside, all?.length ? `${all.filter(overdue).length} overdue of ${all.length}${shown}` : "");
  };
  return {
    id: "alerts",
    title: "Alerts",
    needs: ["alerts", "choices"],
    element: parts.element,
    draw,
    tick: draw,
    parts,
  };
}

// an alert that names no strategy is about the whole book; one whose pair is not known may be about any
function concerns(row, { strategy, pair }, positions) {
  if (!row.strategy) return true;
  const pairs = (positions ?? []).filter((one) => one.strategy === row.strategy).map((one) => one.pair);
  return (!strategy || row.strategy === strategy) && (!pair || pairs.length === 0 || pairs.includes(pair));
}

function left(row, worldNs) {
  return known(row.deadline_ns) && known(worldNs) ? (row.deadline_ns - worldNs) / 1e9 : null;
}

function leftCell(row, state) {
  if (row.level <= 1) return { text: "none needed" };
  const seconds = left(row, state.worldNs);
  if (seconds === null) return { text: "not known" };
  const text = seconds < 0 ? `overdue by ${duration(seconds)}` : `${duration(seconds)} left`;
  return { text, value: Math.round(seconds), tone: seconds < 0 ? "act" : seconds < 60 ? "watch" : null };
}

function about(row) {
  if (!row.ladder) return row.sentence;
  const name = `${ladderName(row.ladder)} rung ${row.rung}`;
  if (!known(row.metric) || !known(row.trigger)) return name;
  return `${name}: ${reading(row.ladder, row.metric)} of ${trigger(row.ladder, row.trigger)}`;
}

const COLUMNS = [
  {
    head: "Level",
    kind: "text",
    cell: (row) => ({
      text: `${SIGNS[row.level] ?? "?"} ${row.level} ${LEVELS[row.level] ?? ""}`,
      value: row.level,
      tone: row.level >= 4 ? "act" : row.level === 3 ? "watch" : null,
    }),
  },
  {
    head: "Raised, UTC",
    kind: "number",
    cell: (row, state) => ({ text: near(row.time_ns, state.worldNs), value: row.time_ns, title: both(row.time_ns) }),
  },
  {
    head: "What",
    kind: "text",
    cell: (row) => ({ text: (row.strategy ? `${isolated(row.strategy)}: ` : "") + about(row), title: row.sentence }),
  },
  { head: "To acknowledge", kind: "number", cell: leftCell },
];
