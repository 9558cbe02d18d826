// Checklists of each incident: what to do in the first minutes, who has done what of it, and what is overdue.

import { isolated, make, mark, panel, plain, write } from "./dom.js";
import { duration, utc, words } from "./format.js";
import { ask, nonce } from "./link.js";

export function procedures(state, signal) {
  const parts = panel("procedures", "Checklists");
  let drawn = "";
  const draw = () => {
    const rows = state.sections.procedures ?? [];
    const named = new Map((state.sections.incidents ?? []).map((row) => [row.id, row.sentence]));
    const titles = rows.map((row) => named.get(row.incident) ?? "");
    const text = JSON.stringify([rows, titles, state.you?.may]);
    if (text === drawn) return;
    drawn = text;
    const late = rows.filter((row) => row.overdue).length;
    write(parts.aside, late ? `${late} overdue` : "");
    const ids = [...new Set(rows.map((row) => row.incident))];
    const groups = ids.map((id) => group(id, rows, named.get(id), state, signal));
    const empty = make("p", { class: "empty", text: "Not known yet: shown after the first connection." });
    parts.body.replaceChildren(...(rows.length ? groups : [empty]));
  };
  const tick = () => {
    for (const node of parts.body.querySelectorAll("[data-due]")) {
      const [text, tone] = dueWords(Number(node.dataset.due), state.serverNs);
      write(node, text);
      mark(node, "class", tone);
    }
  };
  const needs = ["procedures", "incidents", "you"];
  return { id: "procedures", title: "Checklists", needs, element: parts.element, parts, draw, tick };
}

function group(id, rows, sentence, state, signal) {
  const lists = rows.filter((row) => row.incident === id).map((row) => list(row, state, signal));
  const title = id ? `${id}${sentence ? `: ${plain(sentence)}` : ""}` : "No incident is open";
  const head = make("p", { class: "happened", text: title });
  return make("section", { class: "checklists", "data-incident": id }, head, ...lists);
}

function list(row, state, signal) {
  const name = plain(`${row.title ?? words(row.name)}, within ${row.within_minutes} minutes`);
  const title = make("h3", {}, make("span", { text: name }));
  const steps = row.steps.map((step, place) => item(row, step, place, state, signal));
  const element = make("section", { class: "checklist" }, title);
  if (row.steps.every((step) => step.done)) element.append(make("p", { class: "has-it", text: "All done." }));
  else if (row.due_ns) {
    const [text, tone] = dueWords(row.due_ns, state.serverNs);
    element.append(make("p", { class: tone, "data-due": row.due_ns, text }));
  }
  element.append(make("ol", {}, ...steps));
  return element;
}

function dueWords(due, now) {
  if (!now) return [`By ${utc(due, "time")} UTC`, "soft"];
  const left = (due - now) / 1e9;
  if (left <= 0) return [`✗ Overdue for ${duration(-left)}`, "overdue"];
  return [`${duration(left)} left, by ${utc(due, "time")} UTC`, "soft"];
}

function byWords(step) {
  if (step.done) return `${isolated(step.person)}, ${utc(step.time_ns, "time")} UTC`;
  return step.time_ns ? `taken back by ${isolated(step.person)}, ${utc(step.time_ns, "time")} UTC` : "";
}

function item(row, step, place, state, signal) {
  const id = `step-${row.incident ?? ""}-${row.name}-${place}`;
  const box = make("input", { type: "checkbox", id });
  box.checked = Boolean(step.done);
  box.disabled = !state.you?.may.includes("tick");
  const by = make("span", { class: "soft", text: byWords(step) });
  const change = async () => {
    box.disabled = true;
    try {
      const what = { procedure: row.name, step: place, done: box.checked, incident: row.incident ?? "" };
      const body = { nonce: nonce(), ...what };
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
  const label = make("label", { for: id }, make("span", { text: plain(step.text) }), by);
  return make("li", { class: "tickbox" }, box, label);
}
