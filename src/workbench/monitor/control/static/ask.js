// The one dialog in which anything is asked: what it means, its choices, a code when one is due, and what became of it.

import { make, mark, plain, reveal, write } from "./dom.js";
import { Refusal, ask, nonce } from "./link.js";
import { firstTry, followed, shownOutcome } from "./outcome.js";

const NOT_DONE = "not-done"; // the service is well, and could not reach the loop
const PRESS_AGAIN = "It is not known whether this was done. Press again: it is done once, however often it is asked.";
const NOT_SENT = "Nothing was sent.";
const READY = "The button is ready: press again to try anew.";
const HALTS = new Set(["halt", "full_halt"]); // asked twice they do what they do when asked once

export class Asking {
  constructor(state, signal) {
    this.state = state;
    this.nodes = nodes();
    this.element = this.nodes.element;
    this.order = null;
    this.nodes.form.addEventListener("submit", (event) => this.submit(event), { signal });
    this.nodes.form.addEventListener("change", () => this.tick(), { signal });
    this.nodes.close.addEventListener("click", () => this.element.close(), { signal });
    this.element.addEventListener("close", () => this.forget(), { signal });
  }

  // order: title, words, press, path, body(), choices (a node or null), danger, done, free (needs no code)
  open(order) {
    this.order = { ...order }; // the same button pressed anew is another order
    this.nonce = nonce();
    this.outcome = null;
    const { nodes: shown } = this;
    write(shown.title, order.title);
    write(shown.words, order.words);
    write(shown.press, order.press());
    mark(shown.press, "data-danger", order.danger ? "yes" : "no");
    shown.choices.replaceChildren(...(order.choices ? [order.choices] : []));
    shown.code.value = "";
    reveal(shown.refused, false);
    reveal(shown.became, false);
    reveal(shown.form, true);
    this.busy(false);
    this.tick();
    this.element.showModal();
    (this.codeDue() ? shown.code : shown.press).focus();
  }

  forget() {
    this.order = null;
    this.nodes.code.value = "";
  }

  codeDue() {
    if (this.order?.free) return false;
    return (this.state.you?.steppedUpUntil ?? 0) <= performance.now() + 1500;
  }

  tick() {
    if (!this.order) return;
    if (!this.working) reveal(this.nodes.codeRow, this.codeDue());
    this.nodes.code.required = this.codeDue() && !this.working;
    write(this.nodes.press, this.working ? "Asking…" : this.order.press());
    if (!this.outcome) return;
    this.outcome = followed(this.outcome, this.state);
    shownOutcome(this.nodes.became, this.outcome);
    if (this.outcome.certain) reveal(this.nodes.form, false);
  }

  busy(working) {
    this.working = working;
    this.nodes.press.disabled = working;
  }

  async submit(event) {
    event.preventDefault();
    if (this.working || !this.order) return;
    const { order, nonce: once } = this;
    reveal(this.nodes.refused, false);
    this.busy(true);
    this.tick();
    try {
      const asked = { nonce: once, ...order.body() };
      if (this.codeDue() && !(await this.steppedUp(order))) return;
      const answer = await this.answerOf(order, asked);
      if (this.order === order) this.succeeded(answer, order);
    } catch (error) {
      if (this.order === order) this.failed(error, order);
    } finally {
      if (this.order === order) {
        this.busy(false);
        this.tick();
      }
    }
  }

  // whether the dialog is still the one in which the code was given: one that was closed, or is another, sends nothing
  async steppedUp(order) {
    this.state.welcome(await ask("/api/step-up", { code: this.nodes.code.value }));
    return this.order === order;
  }

  // a request that was refused, or could not be sent to the loop, is over: the next press is another one, with a number
  // of its own; one without an answer, or at which the service failed, is asked again as it was
  async answerOf(order, asked) {
    try {
      return await ask(order.path, asked);
    } catch (error) {
      const refused = error instanceof Refusal && (error.status < 500 || error.kind === NOT_DONE);
      const over = refused && error.kind !== "replayed";
      if (over && this.order === order) this.nonce = nonce();
      throw error;
    }
  }

  succeeded(answer, order) {
    order.done?.(answer);
    if (order.quick) {
      this.element.close();
      return;
    }
    this.become(answer, order);
  }

  become(answer, order) {
    this.outcome = { act: order.act, ...answer };
    reveal(this.nodes.form, false);
    reveal(this.nodes.became, true);
    this.nodes.close.focus();
  }

  // what halts may be pressed again at once, as another request; what closes positions may not, it would close more
  arrivedBefore(order) {
    const ready = HALTS.has(order.act);
    this.become(firstTry(this.nonce, ready), order);
    if (!ready) return;
    this.nonce = nonce();
    reveal(this.nodes.form, true);
    this.nodes.press.focus();
  }

  failed(error, order) {
    this.nodes.code.value = "";
    if (error instanceof Refusal && error.kind === "replayed") {
      this.arrivedBefore(order);
      return;
    }
    write(this.nodes.refused, plain(failure(error)));
    reveal(this.nodes.refused, true);
    if (error.status === 401 && error.kind === "nobody") this.state.leave();
  }
}

function failure(error) {
  if (error.kind === NOT_DONE) {
    const said = /nothing was sent/i.test(error.message) ? "" : `${NOT_SENT} `; // it is not said twice
    return `Not done: ${error.message}. ${said}${READY}`;
  }
  if (!(error instanceof Refusal)) return `No answer. ${PRESS_AGAIN}`;
  return error.status < 500 ? `Refused: ${error.message}` : `The service failed: ${error.message} ${PRESS_AGAIN}`;
}

function nodes() {
  const title = make("h2", { id: "ask-title" });
  const words = make("p", { id: "ask-words" });
  const choices = make("div", { class: "ask-choices" });
  const code = make("input", {
    id: "ask-code", name: "code", type: "text", inputmode: "numeric", autocomplete: "one-time-code",
    pattern: "[0-9]{6}", maxlength: "6", "data-key": "code", title: "six digits",
  });
  const label = make("label", { for: "ask-code", text: "Code of your authenticator" });
  const codeRow = make("p", { class: "code" }, label, code);
  const refused = make("p", { class: "refused", role: "alert", hidden: "", "data-key": "refused" });
  const press = make("button", { type: "submit", class: "press", "data-key": "press" });
  const form = make("form", { novalidate: null }, choices, codeRow, refused, press);
  const became = make(
    "div", { class: "became", role: "status", "aria-live": "polite", hidden: "", "data-key": "became" },
  );
  const close = make("button", { type: "button", class: "close", text: "Close", "data-key": "close" });
  const element = make(
    "dialog", { id: "ask", "aria-labelledby": title.id, "aria-describedby": words.id },
    title, words, form, became, close,
  );
  return { element, title, words, choices, code, codeRow, refused, press, form, became, close };
}
