// Checklists: what to do in the first minutes, who has done what of it, and when.

import { isolated, make, mark, panel, plain } from "./dom.js";
import { utc, words } from "./format.js";
import { ask, nonce } from "./link.js";

export function procedures(state, signal) {
  const parts = panel("procedures", "Checklists");
  let drawn = "";
  const draw = () => {
    const rows = state.sections.procedures ?? [];
    const text = JSON.stringify([rows, state.you?.may]);
    if (text === drawn) return;
    drawn = text;
    parts.body.replaceChildren(...(rows.length ? rows.map((row) => list(row, state, signal)) : [make("p", { class: "empty", text: "Not known yet: shown after the first connection." })]));
  };
  return { id: "procedures", title: "Checklists", needs: ["procedures", "you"], element: parts.element, parts, draw };
}

function list(row, state, signal) {
  const title = make("h3", {}, make("span", { text: plain(`${row.title ?? words(row.name)}, within ${row.within_minutes} minutes`) }));
  const steps = row.steps.map((step, place) => item(row, step, place, state, signal));
  return make("section", { class: "checklist" }, title, make("ol", {}, ...steps));
}

function item(row, step, place, state, signal) {
  const id = `step-${row.name}-${place}`;
  const box = make("input", { type: "checkbox", id });
  box.checked = Boolean(step.done);
  box.disabled = !state.you?.may.includes("tick");
  const by = make("span", { class: "soft", text: step.done ? `${isolated(step.person)}, ${utc(step.time_ns, "time")} UTC` : "" });
  const change = async () => {
    box.disabled = true;
    try {
      const body = { nonce: nonce(), procedure: row.name, step: place, done: box.checked, incident: row.incident ?? "" };
      state.show("procedures", (await ask("/api/procedure", body)).rows);
    } catch (error) {
      box.checked = !box.checked;
      by.textContent = plain(error.message);
      mark(by, "data-tone", "act");
    } finally {
      box.disabled = false;
    }
  };
  box.addEventListener("change", change, { signal });
  return make("li", { class: "tickbox" }, box, make("label", { for: id }, make("span", { text: plain(step.text) }), by));
}
