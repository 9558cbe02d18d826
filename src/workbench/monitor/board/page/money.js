// Equity, profit over day, week and month, and the risk of the next day, in one strip.

import { figure, make, mark, put, write } from "./dom.js";
import { both, known, number, percent, signed, signedPercent, tone, utc } from "./format.js";
import { capWords } from "./rungs.js";

const PERIODS = { day: "P&L today", week: "P&L this week", month: "P&L this month" };

export function money() {
  const tiles = {
    equity: tile("Equity", "book.equity", "USD"),
    day: tile(PERIODS.day, "periods.day.profit", "USD", "period"),
    week: tile(PERIODS.week, "periods.week.profit", "USD", "period"),
    month: tile(PERIODS.month, "periods.month.profit", "USD", "period"),
    drawdown: tile("Drawdown", "book.drawdown", "from peak"),
    risk: tile("VaR 95 %", "book.value_at_risk_95", "one day"),
    shortfall: tile("ES 97.5 %", "book.expected_shortfall_975", "one day"),
    cap: tile("Exposure at most", "book.cap", "of full size"),
  };
  const element = make("section", { id: "money", class: "money", "aria-labelledby": "money-title" });
  element.append(
    make("h2", { id: "money-title", class: "unseen", text: "Money and risk" }),
    ...Object.values(tiles).map((one) => one.element),
  );
  return { id: "money", title: "Money", needs: ["book", "periods"], element, draw: (state) => drawMoney(tiles, state) };
}

function tile(name, key, unit, kind = "") {
  const value = figure(key, "big");
  const note = make("span", { class: "note" });
  const head = make("span", { class: "name" }, name, make("small", { text: ` ${unit}` }));
  const element = make("div", { class: `tile ${kind}`.trim() }, head, make("span", { class: "value" }, value), note);
  return { element, value, note };
}

function fill(one, value, text, note, feeling = null) {
  put(one.value, known(value) ? value : null, text);
  mark(one.element, "data-tone", feeling);
  mark(one.element, "data-known", known(value) ? null : "no");
  write(one.note, note);
}

function drawMoney(tiles, state) {
  const book = state.sections.book ?? {};
  fill(tiles.equity, book.equity, number(book.equity, 2), known(book.peak) ? `peak ${number(book.peak, 2)}` : "");
  const periods = state.sections.periods ?? {};
  const part = beginningsDiffer(periods) ? "both" : "day";
  for (const name of Object.keys(PERIODS)) drawPeriod(tiles[name], periods[name], part);
  const lost = known(book.peak) && known(book.equity) ? `${number(book.peak - book.equity)} USD below peak` : "";
  fill(tiles.drawdown, book.drawdown, percent(book.drawdown, 2), lost);
  fill(tiles.risk, book.value_at_risk_95, percent(book.value_at_risk_95, 3), riskNote(book));
  fill(
    tiles.shortfall,
    book.expected_shortfall_975,
    percent(book.expected_shortfall_975, 3),
    inMoney(book, book.expected_shortfall_975),
  );
  fill(tiles.cap, book.cap, percent(book.cap, 0), capWords(book));
  mark(tiles.cap.note, "title", capWords(book));
}

// two periods that began at different times of one date: the date alone would make their profits contradict each other
function beginningsDiffer(periods) {
  const times = [...new Set(Object.keys(PERIODS).map((name) => periods[name]?.since_ns).filter(known))];
  return new Set(times.map((time) => utc(time, "day"))).size < times.length;
}

function drawPeriod(one, period, part) {
  const profit = period?.profit;
  const began = known(period?.equity) && period.equity > 0 ? period.equity : null;
  const share = known(profit) && began ? signedPercent(profit / began) : "";
  const words = known(period?.since_ns) ? `since ${utc(period.since_ns, part).slice(5, 16)}` : "";
  const since = words.replaceAll(" ", "\u00a0");
  mark(
    one.note,
    "title",
    known(period?.since_ns) ? `since ${both(period.since_ns)}, ${number(period.equity, 2)} USD` : null,
  );
  fill(one, profit, signed(profit, 2), [share, since].filter(Boolean).join(" · "), tone(profit));
}

function inMoney(book, fraction) {
  return known(fraction) && known(book.equity) ? `${number(fraction * book.equity)} USD` : "";
}

function riskNote(book) {
  const other = known(book.value_at_risk_99) ? ` · 99 %: ${percent(book.value_at_risk_99, 3)}` : "";
  return inMoney(book, book.value_at_risk_95) + other;
}
