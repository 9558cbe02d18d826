// The risk monitor's page: takes beats from the kernel, draws the parts that changed, and knows when it is blind.

import { alerts } from "./alerts.js";
import { Anew } from "./anew.js";
import { buttons } from "./buttons.js";
import { charts } from "./charts.js";
import { choices, chooseAgain, chosen, keepChosen, TRAITS } from "./choices.js";
import { Clock } from "./clock.js";
import { correlation } from "./correlation.js";
import { decisions } from "./decisions.js";
import { make, mark, plain, reveal, write } from "./dom.js";
import { feeds } from "./feeds.js";
import { health, models } from "./health.js";
import { ladders } from "./ladders.js";
import { modeBar } from "./mode.js";
import { money } from "./money.js";
import { orders } from "./orders.js";
import { positions } from "./positions.js";
import { regime } from "./regime.js";
import { Series } from "./series.js";
import { Probe, told, verdict } from "./silence.js";
import { stress } from "./stress.js";

const TICK_MS = 250;
const HELLO_AGAIN_MS = 2000;
const KERNELS = "/api/kernels/";
const ANY_PATH = "/favicon.ico";
const STANDS_STILL = "This page stands still: it is old. Reload it.";
// where the columns of a wall begin; elsewhere a column is not to be seen
const COLUMN_STARTS = [0, 2, 4, 7];

// where nothing is told any more, no part may show what was told before
function withTold(state) {
  const sections = told(state);
  return sections === state.sections ? state : { ...state, sections };
}

export function render({ model, el }) {
  const ending = new AbortController();
  const page = new Page(model, ending.signal);
  el.append(page.root);
  page.begin();
  return () => {
    ending.abort();
    page.end();
  };
}

// where the server says whether it has this page's kernel; without Voila around the page, whether it is there
function kernelPath() {
  const config = document.getElementById("jupyter-config-data");
  const kernel = config ? JSON.parse(config.textContent).kernelId : "";
  return kernel ? `${KERNELS}${kernel}` : ANY_PATH;
}

class Page {
  constructor(model, signal) {
    this.model = model;
    this.signal = signal;
    this.root = make("div", { class: "risk-monitor" });
    this.clock = new Clock(performance.now());
    this.probe = new Probe(model.get("probe") || kernelPath());
    this.anew = new Anew(() => window.location.reload());
    this.dark = window.matchMedia("(prefers-color-scheme: dark)");
    this.formerTitle = document.title;
    this.state = {
      sections: {},
      source: { state: "" },
      control: {},
      series: new Series(),
      choices: {},
      theme: "light",
      verdict: { level: "waiting" },
    };
    this.heard = null;
    this.helloAt = null;
    this.pulse = make("p", { class: "frozen", "aria-hidden": "true", text: STANDS_STILL });
    this.bar = modeBar(buttons(this.root, signal));
    this.history = charts(this.root, `risk-monitor-${performance.now()}`);
    this.parts = [
      this.bar,
      money(),
      choices(model, signal),
      ladders(),
      stress(),
      this.history,
      alerts(),
      positions(),
      orders(),
      decisions(),
      correlation(),
      regime(),
      feeds(),
      models(),
      health(),
    ];
    this.broken = new Map();
    this.compose();
  }

  compose() {
    const [bar, strip, toolbar, ...panels] = this.parts.map((part) => part.element);
    const columns = COLUMN_STARTS.map((start, place) => panels.slice(start, COLUMN_STARTS[place + 1]));
    const wall = columns.map((column) => make("div", { class: "column" }, ...column));
    const main = make("main", {}, strip, toolbar, ...wall);
    this.root.prepend(bar, main);
    this.root.append(this.pulse);
  }

  begin() {
    const { model } = this;
    this.hear = (message) => this.take(message);
    this.chosen = () => {
      keepChosen(model);
      this.readChoices();
    };
    this.model.on("msg:custom", this.hear);
    for (const name of TRAITS) this.model.on(`change:${name}`, this.chosen);
    this.dark.addEventListener("change", () => this.readChoices(), { signal: this.signal });
    document.addEventListener("visibilitychange", () => this.tick(), { signal: this.signal });
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    chooseAgain(model, this.anew.choices);
    this.readChoices();
    this.draw(null);
    this.hello(performance.now());
    this.tick();
  }

  // asks for everything: at the beginning, and when a beat was lost, for what it told is lost with it
  hello(now) {
    this.helloAt = now;
    this.heard = null;
    this.model.send({ kind: "hello" });
  }

  end() {
    clearInterval(this.ticker);
    this.probe.stop();
    this.model.off("msg:custom", this.hear);
    for (const name of TRAITS) this.model.off(`change:${name}`, this.chosen);
    for (const part of this.parts) part.dispose?.();
    document.title = this.formerTitle;
    this.root.remove();
  }

  readChoices() {
    const { model, state } = this;
    state.choices = {
      period: model.get("period") || "day",
      strategy: model.get("strategy") || "",
      pair: model.get("pair") || "",
    };
    state.theme = model.get("theme") || (this.dark.matches ? "dark" : "light");
    this.root.classList.toggle("dark", state.theme === "dark");
    this.root.classList.toggle("light", state.theme !== "dark");
    this.draw(new Set(["choices"]));
  }

  take(message) {
    if (message.kind === "series") {
      this.guard(this.history, () => this.state.series.take(message), "take");
      this.draw(new Set(["series"]));
    }
    if (message.kind !== "beat") return;
    this.model.send({ kind: "here" });
    if (this.heard !== null && message.n !== this.heard + 1) this.hello(performance.now());
    else this.heard = message.n;
    const { state } = this;
    Object.assign(state.sections, message.sections);
    state.source = message.source;
    this.clock.hear(message, state.sections.loop, performance.now(), Date.now());
    this.anew.heard();
    this.tick();
    const changed = new Set(["source", ...Object.keys(message.sections)]);
    if (JSON.stringify(message.control) !== JSON.stringify(state.control)) changed.add("control");
    state.control = message.control ?? {};
    const blind = told(state) !== state.sections;
    this.draw(blind === this.blind ? changed : null);
    this.blind = blind;
  }

  tick() {
    const { clock, state } = this;
    const now = performance.now();
    const quiet = clock.quiet(now);
    this.probe.watch(quiet, now);
    if (clock.beatAt === null && now - this.helloAt > HELLO_AGAIN_MS) this.hello(now);
    // the style sheet covers the page by itself when this stops turning
    mark(this.pulse, "data-turn", this.pulse.getAttribute("data-turn") === "a" ? "b" : "a");
    state.age = clock.age(now) ?? this.anew.age;
    state.worldNs = clock.world(now);
    state.serverNs = clock.server(now);
    state.skewSeconds = clock.skewSeconds;
    state.verdict = this.judged(quiet);
    mark(this.root, "data-state", state.verdict.level);
    const mode = state.sections.book?.mode ?? "";
    const title = `${state.verdict.level === "fresh" ? mode : state.verdict.title.toUpperCase()} · FX risk monitor`;
    if (document.title !== title) document.title = title;
    const shown = withTold(state);
    for (const part of this.parts) if (part.tick) this.guard(part, () => part.tick(shown), "tick");
  }

  judged(quiet) {
    const { anew, clock, probe, state } = this;
    const { answer, lost } = probe;
    return verdict({
      quiet, answer, lost, source: state.source, age: state.age, heard: clock.beatAt !== null,
      anew: anew.watch(answer, state.age, chosen(this.model)), carried: anew.age !== null,
    });
  }

  // changed: names of what is new; null for everything
  draw(changed) {
    const shown = withTold(this.state);
    for (const part of this.parts) {
      if (changed === null || part.needs.some((name) => changed.has(name))) this.guard(
        part,
        () => part.draw(shown),
        "draw",
      );
    }
  }

  // one part that cannot be drawn must not silence the others, and must not look alive itself
  guard(part, act, what) {
    const key = `${part.id} ${what}`;
    try {
      act();
      const mended = this.broken.delete(key) && ![...this.broken.keys()].some((one) => one.startsWith(`${part.id} `));
      if (mended) this.tellBroken(part, null);
    } catch (error) {
      this.broken.set(key, part.title);
      this.tellBroken(part, error);
    }
  }

  tellBroken(part, error) {
    mark(part.element, "data-broken", error ? "yes" : null);
    if (part.parts) {
      reveal(part.parts.trouble, Boolean(error));
      write(
        part.parts.trouble,
        error ? plain(`This part cannot be drawn; what it shows is old: ${error.message}`) : "",
      );
    }
    const names = [...new Set(this.broken.values())];
    const advice = "Reload the page; if it stays, tell whoever runs the workbench.";
    this.bar.troubles(names.length ? `Not drawn, and not to be trusted: ${names.join(", ")}. ${advice}` : "");
  }
}
