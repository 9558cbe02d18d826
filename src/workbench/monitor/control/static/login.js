// Coming in: name, password, code. A password manager may fill it; nothing of it is kept by the page.

import { make, plain, reveal, write } from "./dom.js";
import { Refusal, ask } from "./link.js";

function field(name, label, attributes) {
  const input = make("input", { id: `login-${name}`, name, required: "", ...attributes });
  return { input, row: make("p", {}, make("label", { for: input.id, text: label }), input) };
}

export function login(state, signal) {
  const name = field("name", "Name", {
    type: "text", autocomplete: "username", autocapitalize: "none", maxlength: "80",
  });
  const password = field("password", "Password", {
    type: "password", autocomplete: "current-password", maxlength: "200",
  });
  const code = field("code", "Code of your authenticator", {
    type: "text", inputmode: "numeric", autocomplete: "one-time-code", pattern: "[0-9]{6}", maxlength: "6",
  });
  const refused = make("p", { class: "refused", role: "alert", hidden: "", "data-key": "login.refused" });
  const press = make("button", { type: "submit", class: "press", text: "Log in", "data-key": "login.press" });
  const form = make("form", {}, name.row, password.row, code.row, refused, press);
  const without = "Without this page: workbench halt in a shell of the machine halts the book.";
  const glass = make("p", { class: "soft", text: without });
  const title = make("h2", { id: "login-title", text: "Log in" });
  const element = make("section", { class: "panel login", "aria-labelledby": title.id }, title, form, glass);

  async function submit(event) {
    event.preventDefault();
    press.disabled = true;
    reveal(refused, false);
    try {
      const body = { name: name.input.value, password: password.input.value, code: code.input.value };
      state.welcome(await ask("/api/login", body));
      password.input.value = "";
    } catch (error) {
      write(refused, plain(error instanceof Refusal ? error.message : "No answer from the control service."));
      reveal(refused, true);
    } finally {
      code.input.value = "";
      press.disabled = false;
    }
  }
  form.addEventListener("submit", submit, { signal });
  return { id: "login", title: "Log in", needs: ["you"], element, draw: () => reveal(element, state.you === null) };
}
