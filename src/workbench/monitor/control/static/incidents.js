// Incidents that ask for somebody: what happened, what the system did, what it waits for, and who has it.

import { isolated, make, mark, panel, plain, write } from "./dom.js";
import { duration, utc } from "./format.js";
import { ask, nonce } from "./link.js";

const LEVELS = { 1: "information", 2: "warning", 3: "urgent", 4: "emergency" };
const MOST = 8;

export function incidents(state, signal) {
  const parts = panel("incidents", "Incidents");
  let drawn = "";
  const draw = () => {
    const rows = [...(state.sections.incidents ?? [])];
    const open = rows.filter((row) => row.closed_ns === null);
    write(parts.aside, state.sections.incidents ? `${open.length} open` : "not known");
    const shown = [...open, ...rows.filter((row) => row.closed_ns !== null)].slice(0, Math.max(open.length, 3)).slice(0, MOST);
    const text = JSON.stringify([shown, state.you?.name]);
    if (text === drawn) return;
    drawn = text;
    const cards = shown.map((row) => card(row, state, signal));
    parts.body.replaceChildren(...(cards.length ? cards : [make("p", { class: "empty", text: "Nothing has happened that somebody must know." })]));
  };
  const tick = () => {
    for (const node of parts.body.querySelectorAll("[data-deadline]")) write(node, dueWords(Number(node.dataset.deadline), state.serverNs));
  };
  return { id: "incidents", title: "Incidents", needs: ["incidents", "you"], element: parts.element, parts, draw, tick };
}

function card(row, state, signal) {
  const acknowledged = row.acknowledgements?.at(-1);
  const head = make(
    "p", { class: "incident-head" },
    make("strong", { text: `${row.level} ${LEVELS[row.level] ?? ""}` }),
    make("span", { text: `${utc(row.opened_ns)} UTC${row.count > 1 ? ` · ${row.count} times` : ""}` }),
  );
  const element = make("article", { class: "incident", "data-level": row.level, "data-incident": row.id }, head, make("p", { class: "happened", text: plain(row.sentence) }));
  for (const [name, label] of [["did", "The system: "], ["waits", "It waits for: "]]) {
    if (row.facts?.[name]) element.append(make("p", { class: "soft", text: plain(label + row.facts[name]) }));
  }
  if (acknowledged) element.append(make("p", { class: "has-it", text: `${isolated(acknowledged.person)} has it since ${utc(acknowledged.time_ns, "time")} UTC${acknowledged.late ? ", late" : ""}` }));
  if (row.closed_ns !== null) element.append(make("p", { class: "soft", text: "Over." }));
  else if (!row.acknowledged) element.append(...asked(row, state, signal));
  return element;
}

function asked(row, state, signal) {
  const due = make("p", { class: "due", "data-deadline": row.deadline_ns ?? 0, text: dueWords(row.deadline_ns, state.serverNs) });
  const button = make("button", { type: "button", class: "acknowledge", text: "Acknowledge: I have it" });
  button.disabled = !state.you;
  const press = async () => {
    button.disabled = true;
    try {
      await ask("/api/acknowledge", { nonce: nonce(), incident: row.id });
      write(button, "Acknowledged");
    } catch (error) {
      button.disabled = false;
      due.removeAttribute("data-deadline");
      write(due, plain(error.message));
      mark(due, "data-tone", "act");
    }
  };
  button.addEventListener("click", press, { signal });
  return [due, button];
}

function dueWords(deadline, now) {
  if (!deadline) return "Somebody has to acknowledge it.";
  if (!now) return `To be acknowledged by ${utc(deadline, "time")} UTC`;
  const left = (deadline - now) / 1e9;
  if (left <= 0) return `Overdue for ${duration(left)}: it escalates`;
  return `Acknowledge within ${duration(left)} (by ${utc(deadline, "time")} UTC)`;
}
