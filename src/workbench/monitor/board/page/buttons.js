// What may be done: this page can change nothing. Its buttons lead to the control service, or explain the commands.

import { make, plain } from "./dom.js";

const NOTHING_CHANGES = "This page only looks: it can change nothing.";

const ACTS = [
  {
    name: "Halt", command: (folder) => `workbench halt${folder} --reason "why"`,
    words: "From then on positions may only shrink, until two people resume. It works with everything else dead.",
  },
  {
    name: "Reduce", command: (folder) => `workbench reduce 0.5${folder} --reason "why"`,
    words: "Closes that share of every position now: 0.5 halves the book, 0.25 closes a quarter.",
  },
  {
    name: "Close all", command: (folder) => `workbench flatten${folder} --reason "why"`,
    words: "Closes every position now.",
  },
  {
    name: "Resume", command: (folder) => `workbench resume${folder} --as NAME --approver NAME --reason "why"`,
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
  // the link of the control service, or nothing; and the folder of the book, so that no command reaches another one
  const leadTo = (control) => {
    const link = safe(control?.link);
    dialog.folder = control?.folder ? ` --folder ${plain(control.folder)}` : "";
    const lead = link && `${link}${dialog.folder}`;
    if (lead === shown) return;
    shown = lead;
    element.replaceChildren(...(link ? ACTS.map((act) => leading(act, link, dialog.folder)) : explaining));
  };
  return { element, leadTo };
}

// the kernel has looked at it already; whatever comes, a link leads to a page and to nothing else
function safe(address) {
  if (!address || !URL.canParse(address)) return "";
  const { protocol, username, password, href } = new URL(address);
  return ["http:", "https:"].includes(protocol) && !username && !password ? href : "";
}

function leading(act, href, folder) {
  return make("a", {
    href, target: "_blank", rel: "noopener noreferrer",
    title: `${act.words} Opens the control service, ${href}; without it: ${act.command(folder)}`,
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
    soft("Your name goes on record: --as NAME."),
    soft("By phone or mouse instead: start workbench control there, and these buttons lead to it."),
    close,
  );
  close.addEventListener("click", () => element.close(), { signal });
  // the browser closes it on Escape and gives the focus back to the button that opened it
  const dialog = { element, folder: "" };
  dialog.open = (act) => {
    title.textContent = act.name;
    what.textContent = act.words;
    command.textContent = act.command(dialog.folder);
    element.showModal();
    close.focus();
  };
  return dialog;
}

function soft(text) {
  return make("p", { class: "soft", text });
}
