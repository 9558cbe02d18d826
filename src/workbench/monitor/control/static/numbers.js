// The few numbers that decide: what there is, what it lost, what it may lose, how much it may hold.

import { figure, make, mark, put, write } from "./dom.js";
import { known, number, percent, words } from "./format.js";
import { capWords } from "./rungs.js";

const TILES = [
  ["equity", "Equity", "USD", (book) => number(book.equity, 0), (book) => `peak ${number(book.peak, 0)}`],
  [
    "drawdown", "Drawdown", "from peak", (book) => percent(book.drawdown, 2),
    (book) => `${number(book.peak * book.drawdown, 0)} USD`,
  ],
  [
    "value_at_risk_95", "VaR 95 %", "one day", (book) => percent(book.value_at_risk_95, 3),
    (book) => `ES 97.5 % ${percent(book.expected_shortfall_975, 3)}`,
  ],
  [
    "cap", "Exposure at most", "of full size", (book) => percent(book.cap, 0),
    (book) => `${capWords(book)} · ${book.open} positions open`,
  ],
  [
    "volatility_ratio", "Volatility", "× normal", (book) => number(book.volatility_ratio, 2),
    (book) => words(book.condition),
  ],
  ["stress_score", "Stress score", "of 100", (book) => number(book.stress_score, 0), () => "0 is calm"],
];

export function numbers(state) {
  const tiles = TILES.map(([key, name, unit]) => {
    const value = figure(`book.${key}`, "big");
    const note = make("span", { class: "note" });
    const title = make("span", { class: "name", text: `${name} ` }, make("small", { text: unit }));
    const held = make("span", { class: "value" }, value);
    return { key, value, note, element: make("div", { class: "tile" }, title, held, note) };
  });
  const element = make("section", { class: "money", "aria-label": "Numbers" }, ...tiles.map((tile) => tile.element));
  const draw = () => {
    const { book } = state.sections;
    tiles.forEach((tile, place) => {
      const [, , , shown, note] = TILES[place];
      mark(tile.element, "data-known", book && known(book[tile.key]) ? "yes" : "no");
      put(tile.value, book?.[tile.key], book ? shown(book) : "not known");
      write(tile.note, book ? note(book) : "");
    });
  };
  return { id: "numbers", title: "Numbers", needs: ["book"], element, draw };
}
