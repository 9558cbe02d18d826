// What may be done: this page can change nothing. Its buttons lead to the control service, or explain the commands.

import { make } from "./dom.js";

const NOTHING_CHANGES = "This page only looks: it can change nothing.";

const ACTS = [
  {
    name: "Halt", command: 'workbench halt --reason "why"',
    words: "From then on positions may only shrink, until two people resume. It works with everything else dead.",
  },
  {
    name: "Reduce", command: 'workbench reduce 0.5 --reason "why"',
    words: "Closes that share of every position now: 0.5 halves the book, 0.25 closes a quarter.",
  },
  {
    name: "Close all", command: 'workbench flatten --reason "why"',
    words: "Closes every position now.",
  },
  {
    name: "Resume", command: 'workbench resume --as NAME --approver NAME --reason "why"',
    words: "Lets latched rungs and halts go. It takes two different people, and metrics back under their triggers.",
  },
];

export function buttons(root, signal) {
  const dialog = emptyDialog(signal);
  root.append(dialog.element);
  const explaining = ACTS.map((act) => {
    const button = make("button", { type: "button", "aria-haspopup": "dialog", text: `${act.name}…` });
    button.addEventListener("click", () => dialog.open(act), { signal });
    return button;
  });
  const element = make("div", { class: "acts", role: "group", "aria-label": "Controls" }, ...explaining);
  let shown = "";
  // address: of the control service, or nothing
  const leadTo = (address) => {
    const link = safe(address);
    if (link === shown) return;
    shown = link;
    element.replaceChildren(...(link ? ACTS.map((act) => leading(act, link)) : explaining));
  };
  return { element, leadTo };
}

// the kernel has looked at it already; whatever comes, a link leads to a page and to nothing else
function safe(address) {
  if (!address || !URL.canParse(address)) return "";
  const { protocol, username, password, href } = new URL(address);
  return ["http:", "https:"].includes(protocol) && !username && !password ? href : "";
}

function leading(act, href) {
  return make("a", {
    href, target: "_blank", rel: "noopener noreferrer",
    title: `${act.words} Opens the control service, ${href}; without it: ${act.command}`,
    "aria-label": `${act.name}, opens the control service in a new tab`,
    text: `${act.name} ↗`,
  });
}

function emptyDialog(signal) {
  const title = make("h2", { id: "explain-title" });
  const what = make("p");
  const command = make("code", { tabindex: "0", "aria-label": "Command to type in a shell" });
  const close = make("button", { type: "button", text: "Close" });
  const element = make(
    "dialog", { id: "explain", "aria-labelledby": "explain-title" },
    title, what,
    make(
      "p",
      { text: `${NOTHING_CHANGES} Type this in a shell on the machine of the loop, with your reason:` },
    ),
    command,
    soft("Another journal than the usual one: add --folder FOLDER. Your name goes on record: --as NAME."),
    soft("By phone or mouse instead: start workbench control there, and these buttons lead to it."),
    close,
  );
  close.addEventListener("click", () => element.close(), { signal });
  // the browser closes it on Escape and gives the focus back to the button that opened it
  const open = (act) => {
    title.textContent = act.name;
    what.textContent = act.words;
    command.textContent = act.command;
    element.showModal();
    close.focus();
  };
  return { element, open };
}

function soft(text) {
  return make("p", { class: "soft", text });
}
