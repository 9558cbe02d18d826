// What the viewer chooses: period, strategy, pair, theme. Each is a trait, in step with the kernel both ways.

import { make, plain, write } from "./dom.js";
import { keep, recall } from "./kept.js";

const PERIODS = { hour: "Hour", day: "Day", week: "Week", month: "Month", all: "All" };

const KEPT = "risk-monitor-choices";
const SOUND = {
  period: (value) => Object.hasOwn(PERIODS, value),
  strategy: (value) => typeof value === "string",
  pair: (value) => typeof value === "string",
  theme: (value) => ["dark", "light"].includes(value),
};
export const TRAITS = Object.keys(SOUND);

// of what was kept, that which can still be chosen; which strategies and pairs there are, the kernel knows
function sound(kept) {
  return TRAITS.filter((name) => SOUND[name](kept[name])).map((name) => [name, kept[name]]);
}

export function chosen(model) {
  return Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]));
}

export function keepChosen(model) {
  keep(KEPT, chosen(model));
}

// a page that is loaded again, by itself or by its viewer, shows what was chosen before
export function chooseAgain(model, carried) {
  const again = sound(carried ?? recall(KEPT));
  for (const [name, value] of again) model.set(name, value);
  if (again.length) model.save_changes();
}

export function choices(model, signal) {
  const period = periodChoice(model, signal);
  const strategy = listChoice(model, "strategy", "Strategy", "all strategies", signal);
  const pair = listChoice(model, "pair", "Pair", "all pairs", signal);
  const theme = themeChoice(model, signal);
  const element = make(
    "nav",
    { id: "choices", class: "choices", "aria-label": "Choices" },
    period.element,
    strategy.element,
    pair.element,
    theme.element,
  );
  return {
    id: "choices", title: "Choices", needs: ["book", "choices"], element,
    draw: (state) => {
      const rows = state.sections.book?.positions ?? [];
      strategy.offer([...new Set(rows.map((row) => row.strategy))].sort(), state.choices.strategy);
      pair.offer([...new Set(rows.map((row) => row.pair))].sort(), state.choices.pair);
      period.show(state.choices.period);
      theme.show(state.theme);
    },
  };
}

function choose(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

function periodChoice(model, signal) {
  const inputs = Object.entries(PERIODS).map(([value, text]) => {
    const input = make("input", { type: "radio", name: "period", value, class: "unseen" });
    input.addEventListener("change", () => choose(model, "period", value), { signal });
    return { input, element: make("label", {}, input, make("span", { text })) };
  });
  const legend = make("legend", { class: "unseen", text: "Period of the charts" });
  const element = make("fieldset", { class: "segments" }, legend, ...inputs.map((one) => one.element));
  const show = (value) => inputs.forEach(({ input }) => { input.checked = input.value === value; });
  return { element, show };
}

function listChoice(model, name, title, everything, signal) {
  const select = make("select", { name, "data-key": `choice.${name}` });
  select.addEventListener("change", () => choose(model, name, select.value), { signal });
  let offered = null;
  const offer = (values, chosen) => {
    const all = chosen && !values.includes(chosen) ? [chosen, ...values] : values;
    if (JSON.stringify(all) !== offered) {
      offered = JSON.stringify(all);
      const options = all.map((value) => make("option", { value, dir: "auto", text: plain(value).slice(0, 40) }));
      select.replaceChildren(make("option", { value: "", text: everything }), ...options);
    }
    if (select.value !== chosen) select.value = chosen;
  };
  return { element: make("label", { class: "list" }, make("span", { text: title }), select), offer };
}

function themeChoice(model, signal) {
  const button = make("button", { type: "button", class: "theme" });
  let shown = "light";
  button.addEventListener("click", () => choose(model, "theme", shown === "dark" ? "light" : "dark"), { signal });
  const show = (theme) => {
    shown = theme;
    write(button, theme === "dark" ? "Light theme" : "Dark theme");
  };
  return { element: button, show };
}
