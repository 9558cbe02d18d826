// Incidents that ask for somebody: what happened, what the system did, what it waits for, and who has it.

import { isolated, make, mark, panel, plain, write } from "./dom.js";
import { duration, utc } from "./format.js";
import { ask, nonce } from "./link.js";

const LEVELS = { 1: "information", 2: "warning", 3: "urgent", 4: "emergency" };
const MOST = 8;
const BY_HAND = "manual act"; // its alerts are different acts, of which the weightiest is told
const NO_LONGER = "It no longer holds; somebody still has to acknowledge.";

export function incidents(state, asking, signal) {
  const parts = panel("incidents", "Incidents");
  let drawn = "";
  const draw = () => {
    const rows = [...(state.sections.incidents ?? [])];
    const open = rows.filter((row) => row.closed_ns === null);
    write(parts.aside, state.sections.incidents ? `${open.length} open` : "not known");
    const over = rows.filter((row) => row.closed_ns !== null);
    const shown = [...open, ...over].slice(0, Math.max(open.length, 3)).slice(0, MOST);
    const text = JSON.stringify([shown, state.you?.name]);
    if (text === drawn) return;
    drawn = text;
    const cards = shown.map((row) => card(row, state, asking, signal));
    const empty = make("p", { class: "empty", text: "Nothing has happened that somebody must know." });
    parts.body.replaceChildren(...(cards.length ? cards : [empty]));
  };
  const tick = () => {
    for (const node of parts.body.querySelectorAll("[data-deadline]")) {
      write(node, dueWords(Number(node.dataset.deadline), state.serverNs));
    }
    for (const node of parts.body.querySelectorAll("[data-duty]")) {
      write(node, dutyWords(Number(node.dataset.duty), state.serverNs));
    }
  };
  const { element } = parts;
  return { id: "incidents", title: "Incidents", needs: ["incidents", "you"], element, parts, draw, tick };
}

function card(row, state, asking, signal) {
  const acknowledged = row.acknowledgements?.at(-1);
  const head = make(
    "p", { class: "incident-head" },
    make("strong", { text: `${row.level} ${LEVELS[row.level] ?? ""}` }),
    make("span", { text: `${utc(row.opened_ns)} UTC${counted(row)}` }),
  );
  const happened = make("p", { class: "happened", text: plain(row.sentence) });
  const about = { class: "incident", "data-level": row.level, "data-incident": row.id };
  const element = make("article", about, head, happened);
  const past = row.lasts && !row.holds;
  const labels = [["did", past ? "The system, while it held: " : "The system: "], ["waits", "It waits for: "]];
  for (const [name, label] of past ? labels.slice(0, 1) : labels) {
    if (row.facts?.[name]) element.append(make("p", { class: "soft", text: plain(label + row.facts[name]) }));
  }
  if (acknowledged) {
    const since = `${utc(acknowledged.time_ns, "time")} UTC${acknowledged.late ? ", late" : ""}`;
    const who = isolated(acknowledged.person);
    const has = acknowledged.stops ? "has it" : "has seen it";
    element.append(make("p", { class: "has-it", text: `${who} ${has} since ${since}` }));
  }
  if (past && row.closed_ns === null) element.append(make("p", { class: "soft past", text: NO_LONGER }));
  if (row.closed_ns !== null) element.append(make("p", { class: "soft", text: "Over." }));
  else if (row.acknowledged && row.duty_ns) element.append(duty(row, state));
  else if (!row.acknowledged) element.append(...asked(row, state, signal));
  if (row.level > 1) element.append(afterwards(row, state, asking, signal));
  return element;
}

function counted(row) {
  if (row.count < 2) return "";
  return row.cause === BY_HAND ? ` · ${row.count} acts by hand, the weightiest is` : ` · ${row.count} times`;
}

function afterwards(row, state, asking, signal) {
  const address = `/api/incidents/${encodeURIComponent(row.id)}/report`;
  const words = row.closed_ns === null ? "Report so far" : "Report";
  const report = make("a", { href: address, target: "_blank", rel: "noopener", text: words });
  const lesson = make("button", { type: "button", class: "lesson", text: "Write a lesson…" });
  lesson.disabled = !state.you?.may.includes("tick");
  lesson.addEventListener("click", () => asking.open(lessonOrder(row)), { signal });
  return make("p", { class: "afterwards" }, report, lesson);
}

function lessonOrder(row) {
  const text = make("textarea", { id: "lesson-text", rows: "5", maxlength: "2000" });
  const label = make("label", { for: text.id, text: "What worked, what did not, what to change" });
  return {
    act: "lesson", title: `Lesson from ${row.id}`, danger: false, quick: true, free: true, path: "/api/lesson",
    words: "It is written into the journal with your name and the time, and printed in the report.",
    choices: make("div", {}, label, text), press: () => "Write it down",
    body: () => ({ incident: row.id, text: text.value.trim() }),
  };
}

function asked(row, state, signal) {
  const left = dueWords(row.deadline_ns, state.serverNs);
  const due = make("p", { class: "due", "data-deadline": row.deadline_ns ?? 0, text: left });
  const enough = (state.you?.level ?? 0) >= (row.asks_level ?? 1);
  const words = enough ? "Acknowledge: I have it" : `I have seen it (L${row.asks_level} has to acknowledge it)`;
  const button = make("button", { type: "button", class: "acknowledge", text: words });
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

function duty(row, state) {
  return make("p", { class: "due", "data-duty": row.duty_ns, text: dutyWords(row.duty_ns, state.serverNs) });
}

function dutyWords(due, now) {
  if (!now) return `L2 is to be told by ${utc(due, "time")} UTC`;
  const left = (due - now) / 1e9;
  if (left <= 0) return "L2 is paged now: it still holds";
  return `Tell L2 within ${duration(left)} (by ${utc(due, "time")} UTC), or L2 is paged`;
}

function dueWords(deadline, now) {
  if (!deadline) return "Somebody has to acknowledge it.";
  if (!now) return `To be acknowledged by ${utc(deadline, "time")} UTC`;
  const left = (deadline - now) / 1e9;
  if (left <= 0) return `Overdue for ${duration(left)}: it escalates`;
  return `Acknowledge within ${duration(left)} (by ${utc(deadline, "time")} UTC)`;
}
