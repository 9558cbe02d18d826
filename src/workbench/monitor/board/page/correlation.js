// Correlations of the seven dollar legs: now, normal, and the change; colour repeats what the numbers say.

import { make, mark, panel, plain, put, reveal, write } from "./dom.js";
import { known, number, signed } from "./format.js";

const VIEWS = [["now", "Now"], ["normal", "Normal"], ["change", "Change"]];

export function correlation() {
  const parts = panel("correlation", "Correlation of the legs", "correlation");
  const empty = make("p", { class: "empty", text: "no correlations known yet" });
  const grid = make("div", { class: "matrices" });
  parts.body.append(empty, grid);
  let shown = "";
  let cells = null;
  const draw = (state) => {
    const found = state.sections.correlation;
    const book = state.sections.book;
    reveal(empty, !found);
    reveal(grid, Boolean(found));
    write(
      parts.aside,
      book ? meanWords(book) : "",
    );
    if (!found) return;
    if (shown !== JSON.stringify(found.legs)) {
      shown = JSON.stringify(found.legs);
      cells = VIEWS.map(([name, title]) => matrix(name, title, found.legs.map(plain)));
      grid.replaceChildren(...cells.map((one) => one.element));
    }
    VIEWS.forEach(([name], place) => drawMatrix(cells[place].cells, name, found));
  };
  return {
    id: "correlation",
    title: "Correlation",
    needs: ["correlation", "book"],
    element: parts.element,
    draw,
    parts,
  };
}

// both are means of sizes: legs that move against one another are as close as those that move together
function meanWords(book) {
  const { correlation_mean: mean, correlation_drift: drift } = book;
  return `mean of absolute values ${number(mean, 2)} · of absolute changes ${number(drift, 2)}`;
}

function matrix(name, title, legs) {
  const heads = legs.map((leg) => make("th", { scope: "col", text: leg }));
  const cells = [];
  const rows = legs.map((leg, row) => {
    cells[row] = legs.map((other) => make("td", { "data-key": `correlation.${name}.${leg}.${other}` }));
    return make("tr", {}, make("th", { scope: "row", text: leg }), ...cells[row]);
  });
  const head = make("tr", {}, make("td"), ...heads);
  const element = make(
    "table",
    { class: "heat" },
    make("caption", { text: title }),
    make("thead", {}, head),
    make("tbody", {}, ...rows),
  );
  return { element, cells };
}

function drawMatrix(cells, name, found) {
  cells.forEach((row, one) => row.forEach((cell, other) => {
    const now = found.now?.[one]?.[other];
    const normal = found.normal?.[one]?.[other];
    const value = name === "now" ? now : name === "normal" ? normal : known(now) && known(normal) ? now - normal : null;
    const self = one === other;
    put(cell, known(value) ? value : null, self ? "·" : coefficient(value, name));
    const strength = self || !known(value) ? 0 : Math.min(10, Math.round(Math.abs(value) * 10));
    mark(cell, "data-heat", `${value < 0 ? "minus" : "plus"}-${strength}`);
  }));
}

// as in printed matrices: no nought before the point and three figures at most, the columns stay narrow
function coefficient(value, name) {
  if (!known(value)) return "?";
  const digits = Math.abs(value) < 0.995 || name !== "change" ? 2 : 1;
  return (name === "change" ? signed(value, digits) : number(value, digits)).replace(/^([+−]?)0\./, "$1.");
}
