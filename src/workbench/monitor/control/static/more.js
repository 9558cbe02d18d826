// The rarer acts, by level: each has its button in a menu, and is then asked for like any other.

import { make, plain, reveal } from "./dom.js";

const WORDS = {
  full_halt: "Halts, and cancels every order that would grow a position. What was on its way does not come back when "
    + "two people resume.",
  cancel_all: "Cancels every order that would grow a position. Orders that close positions go on, and the mode stays: "
    + "in an ACTIVE book new signals may still enter.",
  shut_down: "Halts, cancels, and ends the loop. POSITIONS REMAIN AT THE BROKER AND NOTHING PROTECTS THEM: no stop, no "
    + "limit and no halt works until a loop is started again at the machine.",
  notify_regulator: "Writes into the journal, with your name and the time, that the regulator was notified. Nothing is "
    + "sent to anybody.",
};

export function more(state, asking, signal) {
  const orders = [
    act("full_halt", "Full halt", "Halt and cancel now"),
    act("cancel_all", "Cancel all orders", "Cancel all now"),
    act("shut_down", "Shut the system down", "Shut down, positions remain", "Why (for the record)"),
    { ...act("notify_regulator", "Regulator notified", "Record it", "Who was told what, and how"), danger: false },
  ];
  const close = make("button", { type: "button", class: "close", text: "Close", "data-key": "more.close" });
  const title = make("h2", { id: "more-title", text: "More" });
  const element = make("dialog", { class: "more", "aria-labelledby": title.id }, title);
  const buttons = orders.map((order) => {
    const button = make("button", { type: "button", "data-act": order.act, text: `${order.button}…` });
    button.addEventListener("click", () => {
      element.close();
      asking.open(order);
    }, { signal });
    return button;
  });
  element.append(...buttons, close);
  close.addEventListener("click", () => element.close(), { signal });
  const button = make("button", { type: "button", class: "more-button", "data-key": "more", text: "More…" });
  button.addEventListener("click", () => element.showModal(), { signal });
  const draw = () => {
    const may = buttons.map((one) => state.you?.may.includes(one.dataset.act) ?? false);
    buttons.forEach((one, place) => reveal(one, may[place]));
    if (!may.includes(true) && element.open) element.close();
    return may.includes(true);
  };
  return { element, button, draw };
}

function act(name, title, press, asked) {
  const order = {
    act: name, button: title, title, danger: true, path: "/api/act", words: plain(WORDS[name]),
    press: () => press, body: () => ({ act: name }),
  };
  if (!asked) return order;
  const text = make("textarea", { id: `${name}-reason`, rows: "3", maxlength: "500" });
  const reason = () => text.value.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
  return {
    ...order, choices: make("div", {}, make("label", { for: text.id, text: asked }), text),
    body: () => ({ act: name, reason: reason() }),
  };
}
