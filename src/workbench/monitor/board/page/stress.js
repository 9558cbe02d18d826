// Stress score with its parts, market condition, strategies allowed.

import { figure, make, mark, panel, plain, put, reveal, write } from "./dom.js";
import { known, near, number, words } from "./format.js";
import { capSentence } from "./rungs.js";

const CONDITIONS = ["NORMAL", "ELEVATED", "HIGH", "EXTREME", "CRISIS"];

export function stress() {
  const parts = panel("stress", "Stress and market condition", "stress");
  const score = figure("book.stress_score", "big");
  const of = make("small", { text: " of 100" });
  const scale = make("div", { class: "gauge", "aria-hidden": "true" }, make("i"));
  const list = make("ul", { class: "parts" });
  const note = make("p", { class: "soft", "data-key": "stress.note" });
  const conditions = CONDITIONS.map(
    (name) => make(
      "li",
      { "data-name": name },
      make("span", { class: "sign", "aria-hidden": "true" }),
      make("span", { text: words(name) }),
    ),
  );
  const lines = {
    condition: make("p", { class: "line", "data-key": "book.condition" }),
    strategies: make("p", { class: "line", "data-key": "book.strategies_active" }),
  };
  parts.body.append(
    make("div", { class: "score" }, make("p", {}, score, of), scale),
    list, note, make(
      "ol",
      { class: "conditions", "aria-label": "Market condition, calm to crisis" },
      ...conditions,
    ), lines.condition, lines.strategies,
  );
  const rows = [];
  const draw = (state) => {
    const book = state.sections.book ?? {};
    put(score, known(book.stress_score) ? book.stress_score : null, number(book.stress_score, 0));
    reveal(of, known(book.stress_score));
    scale.firstChild.style.width = `${known(book.stress_score) ? Math.min(100, Math.max(0, book.stress_score)) : 0}%`;
    drawParts(list, rows, book.score_parts ?? []);
    drawNote(note, book);
    drawCondition(conditions, lines, book, state.worldNs);
  };
  return { id: "stress", title: "Stress", needs: ["book"], element: parts.element, draw, parts };
}

function drawParts(list, rows, found) {
  while (rows.length < found.length) {
    rows.push(partRow());
    list.append(rows.at(-1).element);
  }
  while (rows.length > found.length) rows.pop().element.remove();
  found.forEach((part, place) => {
    const row = rows[place];
    const share = !part.missing && part.most > 0 && known(part.points) ? part.points / part.most : 0;
    write(row.name, plain(words(part.name)));
    mark(row.value, "data-key", `stress.${part.name}`);
    put(row.value, known(part.points) ? part.points : null, part.missing ? "missing" : number(part.points, 1));
    write(row.most, part.missing ? "" : `of ${number(part.most)}`);
    mark(row.element, "data-missing", part.missing ? "yes" : null);
    row.bar.style.width = `${(share * 100).toFixed(1)}%`;
  });
}

function partRow() {
  const name = make("span", { class: "name" });
  const bar = make("i");
  const value = make("span", { class: "figure" });
  const most = make("span", { class: "most" });
  return {
    name,
    bar,
    value,
    most,
    element: make("li", {}, name, make("span", { class: "gauge", "aria-hidden": "true" }, bar), value, most),
  };
}

function drawNote(note, book) {
  const missing = (book.score_parts ?? []).filter((part) => part.missing).map((part) => words(part.name));
  reveal(note, missing.length > 0);
  if (missing.length) write(note, plain(`score over the parts that are there: ${missing.join(", ")} not known`));
}

function drawCondition(nodes, lines, book, worldNs) {
  for (const node of nodes) {
    const now = node.getAttribute("data-name") === book.condition;
    mark(node, "aria-current", now ? "true" : null);
    write(node.firstChild, now ? "▲" : "");
  }
  const since = known(book.condition_since_ns) ? ` since ${near(book.condition_since_ns, worldNs)} UTC` : "";
  const name = book.condition ? words(book.condition) : "not known";
  const sentence = [`Condition: ${name}${since}`, capSentence(book).toLowerCase()].filter(Boolean).join(" · ");
  write(lines.condition, plain(sentence));
  mark(lines.condition, "data-value", book.condition ?? "");
  write(lines.strategies, plain(strategyWords(book)));
  mark(lines.strategies, "data-value", book.strategies_active ?? "");
}

// Positions that a person put on never enter by themselves, whatever the condition.
function strategyWords(book) {
  const { strategies_active: may, strategies_total: all, strategies_held: held, entries_stopped: why } = book;
  if (!known(may) || !known(all)) return "Strategies that may enter: not known";
  const stopped = why ? `; no position may grow now: ${why}` : "";
  if (all > 0 && held === all) return `No strategy enters by itself: all ${all} are held positions${stopped}`;
  const still = may > 0 && why ? `; none enters now: ${why}` : "";
  const others = known(held) && held > 0 ? `; ${held} held positions never enter${still ? "" : stopped}` : "";
  return `${number(may)} of ${number(all)} strategies may enter in this condition${still}${others}`;
}
