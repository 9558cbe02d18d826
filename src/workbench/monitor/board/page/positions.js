// Positions: what is held, what should be held, what it earns and what it risks.

import { panel, write } from "./dom.js";
import { duration, known, NOT_KNOWN, number, percent, signed, tone, words } from "./format.js";
import { table } from "./tables.js";

const STALE_RUNG = 2;
const CURRENCIES = new Set(["USD", "EUR", "JPY", "GBP", "CHF", "AUD", "CAD", "NZD"]);

export function chosen(rows, choices) {
  return (rows ?? []).filter(
    (row) => (!choices.strategy || row.strategy === choices.strategy) && (!choices.pair || row.pair === choices.pair),
  );
}

export function isChosen({ strategy, pair }) {
  return Boolean(strategy || pair);
}

// why a list has no rows: what it is made of is not known, there is nothing, or the choice leaves nothing over
export function emptyWords(all, nothing) {
  if (!all) return NOT_KNOWN;
  return all.length ? `none for this choice (${number(all.length)} in all)` : nothing;
}

export function positions() {
  const parts = panel("positions", "Positions", "positions");
  const rows = table("Positions of the book", COLUMNS, (row) => `${row.strategy} ${row.pair}`, NOT_KNOWN);
  parts.body.append(...rows.nodes);
  const draw = (state) => {
    const all = state.sections.book?.positions;
    const list = chosen(all, state.choices);
    rows.say(emptyWords(all, "no positions yet"));
    rows.draw(list, state);
    write(parts.aside, all?.length ? (isChosen(state.choices) ? choiceSummary(list, all) : summary(all)) : "");
  };
  return {
    id: "positions",
    title: "Positions",
    needs: ["book", "quoted", "choices"],
    element: parts.element,
    draw,
    parts,
  };
}

function summary(all) {
  const moving = all.filter((row) => row.units !== row.target).length;
  const way = moving ? ` · ${moving} on the way to target` : "";
  return `${heldWords(all)}${way} · P&L ${profitWords(all)}`;
}

function choiceSummary(list, all) {
  const profit = list.length ? ` · their P&L ${profitWords(list)}` : "";
  return `${list.length} of ${all.length} shown${profit} · ${heldWords(all)} in all`;
}

function heldWords(all) {
  return `${all.filter((row) => row.units !== 0).length} of ${all.length} held`;
}

function profitWords(list) {
  const profits = list.map((row) => row.profit).filter(known);
  return profits.length ? `${signed(profits.reduce((sum, value) => sum + value, 0))} USD` : NOT_KNOWN;
}

function strange(pair) {
  const name = String(pair);
  return !(name.length === 6 && CURRENCIES.has(name.slice(0, 3)) && CURRENCIES.has(name.slice(3)));
}

function pairCell(row) {
  const unknown = strange(row.pair);
  return {
    text: unknown ? `${row.pair} (unknown pair)` : row.pair,
    tone: unknown ? "watch" : null,
    key: key(row, "pair"),
  };
}

function key(row, name) {
  return `position.${row.strategy}.${row.pair}.${name}`;
}

// a part of the VaR of the book in dollars: the parts add up to it, one below nought hedges
function partCell(row, state) {
  const { equity } = state.sections.book ?? {};
  const part = known(equity) && known(row.component_value_at_risk) ? row.component_value_at_risk * equity : null;
  return { text: number(part), value: part, key: key(row, "value_at_risk") };
}

function shareCell(row, state) {
  const total = state.sections.book?.value_at_risk_95;
  const part = known(total) && total > 0 && known(
    row.component_value_at_risk,
  ) ? row.component_value_at_risk / total : null;
  const parts = state.sections.book?.positions.map((one) => Math.abs(one.component_value_at_risk ?? 0)) ?? [];
  // the bars compare positions with one another: the largest fills its cell
  const bar = part === null ? 0 : row.component_value_at_risk / Math.max(...parts);
  return { text: percent(part, 0), value: part, share: bar || 0, key: key(row, "share") };
}

// what there is to say of a pair whose prices have stopped while others go on
function late(row, { quoted, loop, book }) {
  const trigger = book?.ladders?.find((one) => one.ladder === "TECHNICAL" && one.rung === STALE_RUNG)?.trigger;
  const newest = Math.max(...Object.values(quoted ?? {}));
  const seconds = (newest - (quoted?.[row.pair] ?? loop?.began_ns)) / 1e9;
  if (!known(trigger) || !(seconds > trigger)) return "";
  return quoted[row.pair] ? `price ${duration(seconds)} old` : "no price since the start";
}

function stateCell(row, state) {
  const text = late(row, state.sections);
  const title = text ? `${text}, while other pairs have newer ones` : null;
  if (row.locked) return { text: "locked", tone: "act", title };
  if (text) return { text, tone: "act", title };
  return row.units === row.target ? { text: "at target", tone: null } : { text: "moving", tone: "watch" };
}

const COLUMNS = [
  {
    head: "Strategy",
    kind: "text",
    cell: (row) => ({ text: row.strategy, title: `${row.strategy}, tier ${words(row.tier)}` }),
  },
  { head: "Pair", kind: "text", cell: pairCell },
  {
    head: "Units",
    kind: "number",
    cell: (row) => ({ text: number(row.units), value: row.units, key: key(row, "units") }),
  },
  {
    head: "Target",
    kind: "number",
    cell: (row) => ({ text: number(row.target), value: row.target, key: key(row, "target") }),
  },
  { head: "Full size", kind: "number", cell: (row) => ({ text: number(row.full), value: row.full }) },
  {
    head: "Price",
    kind: "number",
    cell: (row) => ({ text: known(row.mark) ? number(row.mark, row.mark > 20 ? 3 : 5) : "no price", value: row.mark }),
  },
  {
    head: "P&L, USD",
    kind: "number",
    cell: (row) => ({ text: signed(row.profit), value: row.profit, tone: tone(row.profit), key: key(row, "profit") }),
  },
  { head: "VaR, USD", kind: "number", cell: partCell },
  { head: "of VaR", kind: "number", cell: shareCell },
  { head: "State", kind: "text", cell: stateCell },
];
