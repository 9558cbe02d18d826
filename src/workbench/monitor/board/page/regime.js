// Regime of the market with the probabilities the model gives it.

import { figure, make, mark, panel, plain, put, reveal, write } from "./dom.js";
import { known, near, NOT_KNOWN, percent, words } from "./format.js";

export function regime() {
  const parts = panel("regime", "Regime", "regime");
  const now = figure("regime.now", "big");
  const since = make("p", { class: "soft" });
  const list = make("ul", { class: "parts" });
  const empty = make("p", { class: "empty", text: NOT_KNOWN });
  const source = make("p", { class: "soft" });
  parts.body.append(make("p", {}, now), since, empty, list, source);
  const rows = new Map();
  const draw = (state) => {
    const sections = state.sections;
    const found = sections.regime ?? {};
    const name = found.now ?? sections.book?.regime;
    put(now, name, name ? plain(words(name)) : NOT_KNOWN);
    write(since, known(found.since_ns) ? `since ${near(found.since_ns, state.worldNs)} UTC` : "since when: not known");
    write(source, plain(found.source ?? ""));
    reveal(empty, !found.probabilities);
    write(empty, sections.regime ? "no probabilities known yet" : "probabilities: not known");
    drawShares(list, rows, found.probabilities ?? {}, name);
  };
  return { id: "regime", title: "Regime", needs: ["regime", "book"], element: parts.element, draw, parts };
}

function drawShares(list, rows, shares, now) {
  for (const [name, row] of rows) {
    if (!(name in shares)) {
      row.element.remove();
      rows.delete(name);
    }
  }
  for (const [name, share] of Object.entries(shares)) {
    if (!rows.has(name)) {
      rows.set(name, shareRow(name));
      list.append(rows.get(name).element);
    }
    const row = rows.get(name);
    put(row.value, known(share) ? share : null, percent(share, 1));
    row.bar.style.width = `${(known(share) ? share * 100 : 0).toFixed(1)}%`;
    mark(row.element, "data-now", name === now ? "yes" : null);
  }
}

function shareRow(name) {
  const bar = make("i");
  const value = figure(`regime.${name}`);
  const gauge = make("span", { class: "gauge", "aria-hidden": "true" }, bar);
  return {
    bar,
    value,
    element: make("li", {}, make("bdi", { class: "name", text: plain(words(name)) }), gauge, value),
  };
}
