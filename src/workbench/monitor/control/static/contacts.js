// Whom to call. On a phone a touch dials.

import { make, panel, plain } from "./dom.js";

const WAYS = [["call", "Call", "tel:"], ["sms", "Text", "sms:"], ["email", "Write", "mailto:"]];

export function contacts(state) {
  const parts = panel("contacts", "Contacts");
  const draw = () => {
    const rows = state.sections.contacts ?? [];
    const empty = make("p", { class: "empty", text: "Not known yet: shown after the first connection." });
    parts.body.replaceChildren(...(rows.length ? rows.map(card) : [empty]));
  };
  return { id: "contacts", title: "Contacts", needs: ["contacts"], element: parts.element, parts, draw };
}

function card(row) {
  const head = make("p", { class: "happened" }, make("bdi", { text: plain(row.name) }));
  if (row.on_call) head.append(make("strong", { class: "on-call", text: "on call" }));
  const level = make("p", { class: "soft", text: plain(`L${row.level} · ${row.title}`) });
  const element = make("article", { class: "contact" }, head, level);
  const ways = make("p", { class: "ways" });
  for (const [name, word, scheme] of WAYS) {
    const address = String(row[name] ?? "");
    const safe = scheme === "mailto:" ? /^[^\s@?&]+@[^\s@?&]+$/.test(address) : /^\+?[\d ()-]{3,30}$/.test(address);
    if (!safe) continue;
    const href = scheme + encodeURI(address.replace(scheme === "mailto:" ? "" : / /g, ""));
    ways.append(make("a", { href, "aria-label": plain(`${word} ${row.name}`), text: word }));
  }
  element.append(ways);
  return element;
}
