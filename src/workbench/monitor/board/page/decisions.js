// What was decided and why, newest first, with what people asked and what the loop noted.

import { isolated, panel, write } from "./dom.js";
import { both, kindWords, known, ladderName, near, NOT_KNOWN, number, percent, reading, words } from "./format.js";
import { table } from "./tables.js";

export function decisions() {
  const parts = panel("decisions", "Decisions", "decisions");
  const rows = table(
    "Decisions and notes, newest first",
    COLUMNS,
    (row) => `${row.time_ns} ${row.kind} ${row.what} ${row.why}`,
    "no decisions yet",
  );
  parts.body.append(...rows.nodes);
  const draw = (state) => {
    const list = lines(state);
    rows.say(state.sections.decisions ? "no decisions yet" : NOT_KNOWN);
    rows.draw(list, state);
    write(parts.aside, list.length ? `last ${list.length}, with notes and people's messages` : "");
  };
  return {
    id: "decisions",
    title: "Decisions",
    needs: ["decisions", "notes", "commands", "choices"],
    element: parts.element,
    draw,
    parts,
  };
}

function lines(state) {
  const { strategy, pair } = state.choices;
  const about = (choice, name) => !choice || !name || name === choice;
  const mine = (row) => about(strategy, row.strategy) && about(pair, row.pair);
  const decided = (state.sections.decisions ?? []).filter(mine).map(
    (row) => ({
      time_ns: row.time_ns,
      kind: kindWords(row.kind),
      what: change(row),
      why: row.sentence,
      loud: row.kind === "ModeChanged",
    }),
  );
  const noted = (state.sections.notes ?? []).map(
    (row) => ({ time_ns: row.time_ns, kind: `note: ${words(row.kind)}`, what: "", why: row.sentence }),
  );
  const asked = (state.sections.commands ?? []).map(
    (row) => ({
      time_ns: row.time_ns,
      kind: "people",
      what: `${who(row)}: ${asking(row)}`,
      why: `${row.reason ? `“${isolated(row.reason)}”, ` : ""}${row.refused ? `refused: ${row.refused}` : "done"}`,
      loud: true,
    }),
  );
  return [...decided, ...noted, ...asked].sort((one, other) => other.time_ns - one.time_ns);
}

function who(row) {
  return row.approver ? `${isolated(row.actor)} and ${isolated(row.approver)}` : isolated(row.actor);
}

function asking(row) {
  const share = known(row.fraction) ? ` by ${number(row.fraction * 100, 2).replace(/\.?0+$/, "")}\u00a0%` : "";
  const whom = row.strategy ? ` ${isolated(row.strategy)}` : "";
  return `${words(row.act)}${whom}${share}${row.rebaseline_peak ? ", drawdown counts from today's equity" : ""}`;
}

function change(row) {
  if (row.kind === "TargetPosition") {
    const own = row.strategy && row.strategy !== row.pair ? `${isolated(row.strategy)} ` : "";
    const name = own + isolated(row.pair);
    return `${name} ${number(row.before)} → ${number(row.units)}`;
  }
  if (row.before && row.after) {
    const cap = known(row.exposure_cap) ? `, at most ${percent(row.exposure_cap, 0)}` : "";
    return `${words(row.before)} → ${words(row.after)}${cap}`;
  }
  if (row.ladder) {
    const at = known(row.metric) ? ` at ${reading(row.ladder, row.metric)}` : "";
    return `${ladderName(row.ladder)} rung ${row.rung}${at}`;
  }
  return [row.scope, row.what, row.strategy, row.pair].filter(Boolean).map(isolated).join(" ");
}

const COLUMNS = [
  {
    head: "When, UTC",
    kind: "number",
    cell: (row, state) => ({ text: near(row.time_ns, state.worldNs), value: row.time_ns, title: both(row.time_ns) }),
  },
  { head: "Decision", kind: "text", cell: (row) => ({ text: row.kind, tone: row.loud ? "watch" : null }) },
  { head: "What", kind: "text", cell: (row) => ({ text: row.what }) },
  { head: "Why", kind: "text", cell: (row) => ({ text: row.why }) },
];
