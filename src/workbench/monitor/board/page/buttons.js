// Buttons that explain: this page can change nothing, the commands are typed in a shell.

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
  const list = ACTS.map((act) => {
    const button = make("button", { type: "button", "aria-haspopup": "dialog", text: `${act.name}…` });
    button.addEventListener("click", () => dialog.open(act), { signal });
    return button;
  });
  return make("div", { class: "acts", role: "group", "aria-label": "Controls, explained" }, ...list);
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
    make(
      "p",
      {
        class: "soft",
        text: "Another journal than the usual one: add --folder FOLDER. Your name goes on record: --as NAME.",
      },
    ),
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
