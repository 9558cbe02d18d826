// The page: what is known, who is here, and the parts that show it. It says itself how old everything is.

import { Asking } from "./ask.js";
import { Clock } from "./clock.js";
import { contacts } from "./contacts.js";
import { controls } from "./controls.js";
import { make, mark, plain, reveal, write } from "./dom.js";
import { verdict } from "./freshness.js";
import { incidents } from "./incidents.js";
import { Line, ask, look } from "./link.js";
import { login } from "./login.js";
import { modeBar } from "./mode.js";
import { numbers } from "./numbers.js";
import { procedures } from "./procedures.js";
import { proposals } from "./proposals.js";

const TICK_MS = 250;
const KEEP_EVERY_MS = 5000;
const LISTS_EVERY_MS = 3000;
const LAST = "workbench.last";
const SECTIONS = ["book", "loop", "label", "synthetic", "journal", "commands", "incidents", "proposals", "people"];
const TABS = [["now", "Now"], ["procedures", "Checklists"], ["contacts", "Contacts"]];

class Phone {
  constructor(root) {
    this.root = root;
    this.sections = {};
    this.source = { state: "empty", sentence: "", age_seconds: null };
    this.you = undefined;
    this.clock = new Clock(performance.now());
    this.wallAtBeat = null;
    this.heardAny = false;
    this.refused = "";
    this.keptAt = -Infinity;
    this.listedAt = -Infinity;
    this.listedHead = "";
    this.verdict = { level: "waiting", title: "", sentence: "" };
    this.pulse = make("p", { class: "frozen", "aria-hidden": "true", text: "This page stands still: reload it" });
    this.line = new Line({ heard: (table) => this.hear(table), refused: (error) => this.cut(error) });
    this.compose(new AbortController().signal);
    this.remember();
    this.draw(null);
    this.tick();
    setInterval(() => this.tick(), TICK_MS);
    this.begin();
  }

  compose(signal) {
    this.asking = new Asking(this, signal);
    const theme = this.themeButton(signal);
    this.bar = modeBar({ element: theme, leadTo: () => undefined });
    const asked = [proposals(this, this.asking, signal), incidents(this, this.asking, signal)];
    const now = [login(this, signal), ...asked, numbers(this)];
    const others = [procedures(this, signal), contacts(this)];
    this.parts = [this.bar, ...now, ...others, controls(this, this.asking, signal)];
    const pages = { now: make("div", {}, ...now.map((part) => part.element), this.account(signal)) };
    for (const part of others) pages[part.id] = part.element;
    const main = make("main", {}, this.tabs(pages, signal), ...Object.values(pages));
    this.root.replaceChildren(this.bar.element, main, this.parts.at(-1).element, this.asking.element, this.pulse);
  }

  tabs(pages, signal) {
    const buttons = TABS.map(([id, name]) => make("button", { type: "button", "data-tab": id, text: name }));
    const show = (chosen) => {
      for (const button of buttons) mark(button, "aria-pressed", String(button.dataset.tab === chosen));
      for (const [id, page] of Object.entries(pages)) reveal(page, id === chosen);
    };
    for (const button of buttons) button.addEventListener("click", () => show(button.dataset.tab), { signal });
    show("now");
    return make("div", { class: "tabs", role: "group", "aria-label": "Pages" }, ...buttons);
  }

  themeButton(signal) {
    const light = matchMedia("(prefers-color-scheme: light)");
    const follow = () => {
      this.root.classList.toggle("light", light.matches);
      this.root.classList.toggle("dark", !light.matches);
    };
    light.addEventListener("change", follow, { signal });
    follow();
    return make("span", { hidden: "" });
  }

  account(signal) {
    this.name = make("span", { "data-key": "you" });
    const out = make("button", { type: "button", text: "Log out", "data-key": "logout" });
    out.addEventListener("click", () => this.logOut(), { signal });
    this.head = make("p", { class: "soft small", "data-key": "head" });
    this.reach = make("p", { class: "due", hidden: "", "data-key": "reach" });
    const who = make("p", {}, this.name, out);
    this.accountRow = make("section", { class: "account", "aria-label": "You" }, this.reach, who, this.head);
    return this.accountRow;
  }

  // what was known when the page was last open: shown at once, as old as it is, and never as if it lived
  remember() {
    try {
      const kept = JSON.parse(localStorage.getItem(LAST) ?? "null");
      if (!kept) return;
      Object.assign(this.sections, kept.sections);
      this.remembered = { wall: kept.wall, age: kept.age };
    } catch {
      localStorage.removeItem(LAST);
    }
  }

  keep(now) {
    if (now - this.keptAt < KEEP_EVERY_MS) return;
    this.keptAt = now;
    const kept = { sections: this.sections, wall: Date.now(), age: this.source.age_seconds };
    localStorage.setItem(LAST, JSON.stringify(kept));
  }

  async begin() {
    try {
      this.welcome(await look("/api/me"));
    } catch (error) {
      if (error.status === 401) this.leave();
      else setTimeout(() => this.begin(), 1500);
    }
  }

  welcome(you) {
    const now = performance.now();
    const before = this.you;
    this.you = { ...you, steppedUpUntil: now + you.stepped_up_seconds * 1000 };
    this.refused = "";
    if (!before) {
      this.line.open();
      this.lists();
    }
    this.draw(new Set(["you"]));
  }

  leave() {
    this.you = null;
    this.line.close();
    this.asking.element.close();
    this.refused = "Nobody is logged in.";
    this.tick();
    this.draw(new Set(["you"]));
  }

  async logOut() {
    try {
      await ask("/api/logout", {});
    } finally {
      localStorage.removeItem(LAST);
      this.leave();
    }
  }

  async lists() {
    this.listedAt = performance.now();
    this.listedHead = this.sections.people?.head ?? "";
    for (const name of ["contacts", "procedures"]) {
      try {
        this.show(name, (await look(`/api/${name}`)).rows);
      } catch {
        setTimeout(() => this.you && this.lists(), 3000);
        return;
      }
    }
  }

  show(name, rows) {
    this.sections[name] = rows;
    this.draw(new Set([name]));
  }

  hear(table) {
    const now = performance.now();
    for (const name of SECTIONS) this.sections[name] = table[name] ?? null;
    this.source = table.source;
    this.heardAny = true;
    this.refused = "";
    this.wallAtBeat = Date.now();
    this.clock.hear(table, this.sections.loop, now, this.wallAtBeat);
    this.tick();
    this.draw(new Set(["source", ...SECTIONS]));
    this.keep(now);
    // what others tick, and new incidents, are rows of the journal of people
    const changed = (this.sections.people?.head ?? "") !== this.listedHead;
    if (this.you && changed && now - this.listedAt > LISTS_EVERY_MS) this.lists();
  }

  cut(error) {
    if (error?.status === 401) this.leave();
    else this.refused = error ? error.message : "";
  }

  // a phone that slept may have stopped the first clock, and the second may be set: the longer time counts
  quiet(now) {
    const wall = this.wallAtBeat === null ? 0 : (Date.now() - this.wallAtBeat) / 1000;
    return Math.max(this.clock.quiet(now), wall);
  }

  tick() {
    const now = performance.now();
    const quiet = this.quiet(now);
    this.line.tick(quiet, now);
    mark(this.pulse, "data-turn", this.pulse.getAttribute("data-turn") === "a" ? "b" : "a");
    this.age = this.ageNow(quiet);
    this.worldNs = this.clock.world(now);
    this.serverNs = this.clock.server(now);
    this.skewSeconds = this.clock.skewSeconds;
    this.verdict = verdict({
      quiet, heard: this.heardAny && this.you !== null, remembered: Boolean(this.remembered || this.heardAny),
      source: this.source, age: this.age, refused: this.refused,
    });
    mark(this.root, "data-state", this.verdict.level);
    mark(this.root, "data-line", this.verdict.line ?? "there");
    const mode = this.sections.book?.mode ?? "";
    const title = `${this.verdict.level === "fresh" ? mode : this.verdict.title.toUpperCase()} · FX risk control`;
    if (document.title !== title) document.title = title;
    for (const part of this.parts) part.tick?.(this);
    this.asking.tick();
  }

  ageNow(quiet) {
    if (this.heardAny) return this.source.age_seconds === null ? null : this.source.age_seconds + quiet;
    if (!this.remembered) return null;
    return Math.max((Date.now() - this.remembered.wall) / 1000 + (this.remembered.age ?? 0), 0);
  }

  draw(changed) {
    for (const part of this.parts) {
      if (changed !== null && !part.needs.some((name) => changed.has(name))) continue;
      try {
        part.draw(this);
        mark(part.element, "data-broken", null);
      } catch (error) {
        mark(part.element, "data-broken", "yes");
        this.bar.troubles(plain(`${part.title} cannot be drawn: ${error.message}`));
      }
    }
    write(this.name, this.you ? plain(`${this.you.name} · L${this.you.level} ${this.you.title}`) : "");
    reveal(this.accountRow, Boolean(this.you));
    const people = this.sections.people;
    write(this.head, people ? plain(`Journal of people ${people.head}`) : "");
    const troubles = people?.troubles ?? [];
    reveal(this.reach, troubles.length > 0);
    write(this.reach, plain(troubles.join(" ")));
  }
}

new Phone(document.getElementById("phone"));

const worker = "/worker.js";
const policy = window.trustedTypes?.createPolicy("phone", { createScriptURL: () => worker });
const address = policy?.createScriptURL("") ?? worker;
navigator.serviceWorker?.register(address).catch(() => undefined);
