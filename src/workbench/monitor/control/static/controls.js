// The bar at the thumb: halt, reduce, close all, propose to resume, and the rarer acts behind "More". Always in sight.

import { make, mark, plain, reveal } from "./dom.js";
import { more } from "./more.js";

const SHARES = [0.25, 0.5, 0.75];

export function controls(state, asking, signal) {
  const orders = [halt(), reduce(signal), closeAll(), resume()];
  const buttons = orders.map((order) => {
    const button = make("button", { type: "button", class: order.act, "data-act": order.act, text: order.button });
    button.addEventListener("click", () => asking.open(order), { signal });
    return button;
  });
  const menu = more(state, asking, signal);
  const element = make("nav", { class: "controls", "aria-label": "Controls" }, ...buttons, menu.button, menu.element);
  return {
    id: "controls", title: "Controls", needs: ["you"], element,
    draw: () => {
      reveal(element, state.you !== null); // whoever logs in needs the room; nothing of it could be pressed
      for (const button of buttons) {
        const may = state.you?.may.includes(button.dataset.act) ?? false;
        button.disabled = !may;
        mark(button, "title", may || !state.you ? null : `Not for ${plain(state.you.title)}`);
      }
      reveal(menu.button, menu.draw());
    },
  };
}

function halt() {
  return {
    act: "halt", button: "HALT", title: "Halt the book", danger: true, path: "/api/act",
    words: "From now on positions may only shrink, until two people resume. What is open stays open.",
    press: () => "Halt now", body: () => ({ act: "halt" }),
  };
}

function reduce(signal) {
  let share = 0.5;
  const choices = make("fieldset", { class: "shares" }, make("legend", { text: "Share of every position to close" }));
  for (const one of SHARES) {
    const input = make("input", { type: "radio", name: "share", value: String(one), "data-share": String(one) });
    input.checked = one === share;
    input.addEventListener("change", () => { share = one; }, { signal });
    choices.append(make("label", {}, input, make("span", { text: `${one * 100} %` })));
  }
  return {
    act: "reduce", button: "Reduce…", title: "Reduce the book", danger: true, path: "/api/act", choices,
    words: "Closes this share of what is left of every position, now, at the market. What is being closed already "
      + "counts as closed: 50 % and then 50 % leave a quarter.",
    press: () => `Reduce by ${share * 100} % now`, body: () => ({ act: "reduce", fraction: share }),
  };
}

function closeAll() {
  return {
    act: "close_all", button: "Close all…", title: "Close every position", danger: true, path: "/api/act",
    words: "Closes every position now, at the market. The page says when the broker has confirmed that the book is "
      + "flat.",
    press: () => "Close every position now", body: () => ({ act: "close_all" }),
  };
}

function resume() {
  const input = make("input", { type: "checkbox", id: "rebaseline" });
  const label = make("label", { for: "rebaseline", text: "Count drawdown from today's equity" });
  return {
    act: "resume", button: "Resume…", title: "Propose to resume", danger: false, path: "/api/propose", quick: true,
    words: "Lets halts and latched rungs go. Somebody else has to approve within 15 minutes, and the book must not "
      + "have changed.",
    choices: make("p", { class: "tickbox" }, input, label),
    press: () => "Propose to resume", body: () => ({ act: "resume", rebaseline_peak: input.checked }),
  };
}
