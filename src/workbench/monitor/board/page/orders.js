// Orders, newest first, with their state and how long the broker took.

import { panel, write } from "./dom.js";
import { both, known, milliseconds, near, NOT_KNOWN, number, signed, words } from "./format.js";
import { chosen, emptyWords, isChosen } from "./positions.js";
import { table } from "./tables.js";

const ENDED = new Set(["FILLED", "CANCELLED", "REJECTED", "REFUSED"]);
const TROUBLED = new Set(["REJECTED", "REFUSED", "UNKNOWN"]);
const SIGNS = { FILLED: "●", PART_FILLED: "◐", CANCELLED: "–", REJECTED: "✕", REFUSED: "✕", UNKNOWN: "?" };

export function orders() {
  const parts = panel("orders", "Orders", "orders");
  const rows = table("Orders, newest first", COLUMNS, (row) => row.id, NOT_KNOWN);
  parts.body.append(...rows.nodes);
  const draw = (state) => {
    const sections = state.sections;
    const list = chosen(sections.orders, state.choices);
    rows.say(emptyWords(sections.orders, "no orders yet"));
    rows.draw(list, state);
    write(parts.aside, sections.orders?.length ? summary(sections, list, state.choices) : "");
  };
  return {
    id: "orders",
    title: "Orders",
    needs: ["orders", "broker", "choices"],
    element: parts.element,
    draw,
    parts,
  };
}

function summary({ orders: all, broker, loop }, list, choices) {
  const shown = isChosen(choices) ? [`${list.length} of ${all.length} shown`] : [];
  const open = `${all.filter((row) => !ENDED.has(row.state)).length} open${shown.length ? " in all" : ""}`;
  const clock = ownTime(loop) ? ["took: of the world's time"] : [];
  return [...shown, open, `broker ${broker ?? NOT_KNOWN}`, ...clock].join(" · ");
}

// where the world does not run at the speed of our clocks, its times are not those measured on this machine
export function ownTime(loop) {
  return known(loop?.speed) && loop.speed !== 1;
}

function latency(row) {
  const { SENT, ACKNOWLEDGED, REJECTED } = row.times ?? {};
  const answered = ACKNOWLEDGED ?? REJECTED;
  return known(SENT) && known(answered) ? (answered - SENT) / 1e6 : null;
}

function latencyCell(row) {
  const value = latency(row);
  return { text: value === null ? unanswered(row) : milliseconds(value), value };
}

function unanswered(row) {
  if (row.state === "REFUSED") return "not sent";
  return ENDED.has(row.state) ? NOT_KNOWN : "waits";
}

function priceCell(row) {
  const filled = known(row.price) && row.price > 0;
  const without = ENDED.has(row.state) ? "not filled" : "not yet";
  return { text: filled ? number(row.price, row.price > 20 ? 3 : 5) : without, value: row.price };
}

function stateCell(row) {
  const part = row.state === "PART_FILLED" ? ` ${number(row.filled)}` : "";
  const tone = TROUBLED.has(row.state) ? "act" : ENDED.has(row.state) ? null : "watch";
  return {
    text: `${SIGNS[row.state] ?? "○"} ${words(row.state)}${part}`,
    value: row.state,
    tone,
    title: row.reason || null,
    key: `order.${row.id}.state`,
  };
}

const COLUMNS = [
  {
    head: "Made, UTC",
    kind: "number",
    cell: (row, state) => ({ text: near(row.made_ns, state.worldNs), value: row.made_ns, title: both(row.made_ns) }),
  },
  { head: "Pair", kind: "text", cell: (row) => ({ text: row.pair, title: `${row.strategy}, order ${row.id}` }) },
  { head: "Units", kind: "number", cell: (row) => ({ text: signed(row.units), value: row.units }) },
  { head: "Price", kind: "number", cell: priceCell },
  { head: "State", kind: "text", cell: stateCell },
  { head: "Broker took", kind: "number", cell: latencyCell },
];
