// What one person proposed and another has to approve.

import { isolated, make, panel, plain, reveal } from "./dom.js";
import { utc } from "./format.js";

export function proposals(state, asking, signal) {
  const parts = panel("proposals", "Proposals");
  let drawn = "";
  const draw = () => {
    const rows = state.sections.proposals ?? [];
    const text = JSON.stringify([rows, state.you?.name]);
    reveal(parts.element, rows.length > 0);
    if (text === drawn) return;
    drawn = text;
    parts.body.replaceChildren(...rows.map((row) => card(row, state, asking, signal)));
  };
  return { id: "proposals", title: "Proposals", needs: ["proposals", "you"], element: parts.element, parts, draw };
}

function words(row) {
  const what = row.act === "enable" ? `let ${isolated(row.strategy)} trade again` : "resume";
  const anew = row.rebaseline_peak ? ", drawdown counted from today's equity" : "";
  return `${isolated(row.proposer)} proposes to ${what}${anew}`;
}

function card(row, state, asking, signal) {
  const element = make(
    "article", { class: "proposal", "data-proposal": row.id },
    make("p", { class: "happened", text: words(row) }),
    make("p", { class: "soft", text: `Until ${utc(row.until_ns, "time")} UTC` }),
  );
  if (row.void_because) {
    element.append(make("p", { class: "due", text: plain(`No longer: ${row.void_because}`) }));
    return element;
  }
  const button = make("button", { type: "button", class: "approve", text: "Approve…" });
  button.disabled = !state.you || state.you.name === row.proposer || !state.you.may.includes("approve");
  if (state.you?.name === row.proposer) {
    element.append(make("p", { class: "soft", text: "Somebody else has to approve it." }));
  }
  button.addEventListener("click", () => asking.open(order(row)), { signal });
  element.append(button);
  return element;
}

function order(row) {
  return {
    act: row.act, title: "Approve", danger: false, path: "/api/approve",
    words: `${words(row)}. With your approval the loop does it at once, if the book is as it was.`,
    press: () => "Approve", body: () => ({ proposal: row.id }),
  };
}
