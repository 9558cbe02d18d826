// Tables that keep their rows: a row is made once per key, and a cell is touched when its text has changed.

import { make, mark, plain, put, reveal, scroller, write } from "./dom.js";

// A column is {head, kind: "text" | "number", cell(item, state) -> {text, value, tone, title, key, share}}.
export function table(caption, columns, keyOf, emptyWords) {
  const heads = columns.map((column) => make("th", { scope: "col", class: column.kind, text: column.head }));
  const body = make("tbody");
  const element = make(
    "table",
    {},
    make("caption", { class: "unseen", text: caption }),
    make("thead", {}, make("tr", {}, ...heads)),
    body,
  );
  const empty = make("p", { class: "empty", text: emptyWords });
  const region = scroller(caption, element);
  const frame = framed(region, element, body);
  const rows = new Map();
  const draw = (items, state) => {
    reveal(empty, items.length === 0);
    reveal(frame, items.length > 0);
    keepRows(body, rows, items, keyOf, columns, state);
  };
  return { nodes: [empty, frame], draw, say: (words) => write(empty, words) };
}

// Says what cannot be seen without scrolling, and covers the row that would be seen by half.
function framed(region, element, body) {
  const below = make("p", { class: "below", hidden: "" });
  const beside = make("p", { class: "beside", hidden: "", text: "↔ more columns: scroll sideways" });
  const fit = () => {
    reveal(beside, region.scrollWidth > region.clientWidth + 1);
    const hidden = region.scrollTop > 0 ? 0 : cover(region, body, below);
    reveal(below, hidden > 0);
    if (hidden) write(below, `↓ ${hidden} more: scroll`);
  };
  const observer = new ResizeObserver(fit);
  observer.observe(region);
  observer.observe(element);
  region.addEventListener("scroll", fit, { passive: true });
  return make("div", { class: "rows" }, beside, region, below);
}

// how many rows are out of sight; the cover reaches from the last whole row to the foot
function cover(region, body, below) {
  if (region.scrollHeight <= region.clientHeight + 1) return 0;
  const foot = region.getBoundingClientRect().bottom;
  const line = 1.6 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const ends = [...body.children].map((row) => row.getBoundingClientRect().bottom);
  const whole = ends.filter((end) => end <= foot - line);
  const from = whole.at(-1) ?? foot - line;
  const height = `${Math.max(line, foot - from).toFixed(1)}px`;
  if (below.style.height !== height) below.style.height = height;
  return ends.length - whole.length;
}

function keepRows(body, rows, items, keyOf, columns, state) {
  const wanted = new Set();
  let place = body.firstChild;
  items.forEach((item, position) => {
    let key = keyOf(item, position);
    while (wanted.has(key)) key = `${key}'`;
    wanted.add(key);
    if (!rows.has(key)) rows.set(key, emptyRow(columns));
    const row = rows.get(key);
    drawRow(row, columns, item, state);
    if (row.element === place) place = place.nextSibling;
    else body.insertBefore(row.element, place);
  });
  for (const [key, row] of rows) {
    if (wanted.has(key)) continue;
    row.element.remove();
    rows.delete(key);
  }
}

function emptyRow(columns) {
  const cells = columns.map((column, position) => emptyCell(column, position));
  return { cells, element: make("tr", {}, ...cells.map((cell) => cell.element)) };
}

function emptyCell(column, position) {
  const inner = make(column.kind === "text" ? "bdi" : "span");
  const attributes = position === 0 ? { class: column.kind, scope: "row" } : { class: column.kind };
  const element = make(position === 0 ? "th" : "td", attributes, inner);
  return { element, inner, bar: null };
}

function drawRow(row, columns, item, state) {
  columns.forEach((column, position) => drawCell(row.cells[position], column, column.cell(item, state)));
}

function drawCell(cell, column, shown) {
  const text = plain(shown.text);
  if (shown.key) mark(cell.inner, "data-key", shown.key);
  put(cell.inner, plain(shown.value ?? shown.text), text);
  mark(cell.element, "data-tone", shown.tone);
  mark(
    cell.element,
    "title",
    shown.title ? plain(shown.title) : column.kind === "text" && text.length > 18 ? text : null,
  );
  if (shown.share !== undefined) drawShare(cell, shown.share);
}

function drawShare(cell, share) {
  if (!cell.bar) {
    cell.bar = make("i", { class: "share", "aria-hidden": "true" });
    cell.element.append(cell.bar);
  }
  const width = `${(Math.min(1, Math.abs(share ?? 0)) * 100).toFixed(1)}%`;
  if (cell.bar.style.width !== width) cell.bar.style.width = width;
  mark(cell.bar, "data-sign", share < 0 ? "minus" : "plus");
}

// A list of terms: [{term, key}] once, then the values by key.
export function terms(list) {
  const values = new Map();
  const element = make("dl", { class: "terms" });
  for (const { term, key } of list) {
    const value = make("dd", {}, make("bdi", { "data-key": key }));
    values.set(key, value.firstChild);
    element.append(make("div", {}, make("dt", { text: term }), value));
  }
  const say = (key, value, text) => put(values.get(key), plain(value), plain(text));
  const tone = (key, name) => mark(values.get(key), "data-tone", name);
  return { element, say, tone };
}
