// The bar that never leaves the screen: mode, what holds it, what comes next, and how old the numbers are.

import { figure, make, mark, plain, put, reveal, write } from "./dom.js";
import { both, duration, here, known, number, utc } from "./format.js";
import {
  alsoSentence, capSentence, effect, heldSentence, holding, modeWords, nextSentence, nextSentences, releaseSentence,
} from "./rungs.js";
import { Room } from "./room.js";

const SKEW_SAID_SECONDS = 2;
const STATES = { fresh: "live", waiting: "connecting", starting: "starting", notice: "no data", silent: "OLD" };
const SHAPES = { ACTIVE: "●", REDUCING: "▼", HALTED: "■" };

export function modeBar(buttons) {
  const nodes = {
    shape: make("span", { class: "shape", "aria-hidden": "true", text: "○" }),
    mode: figure("book.mode"),
    means: make("p", { class: "means" }),
    held: make("p", { class: "held", "data-key": "mode.held" }),
    also: make("p", { class: "also", "data-key": "mode.also" }),
    release: make("p", { class: "next release", "data-key": "mode.release" }),
    since: make("p", { class: "since", "data-key": "mode.since" }),
    next: make("p", { class: "next", "data-key": "mode.next" }),
    room: new Room(),
  };
  const title = make("h1", {}, make("span", { class: "unseen", text: "FX risk monitor, mode " }), nodes.mode);
  const said = make("p", { class: "unseen", role: "status", "aria-live": "polite", "data-key": "spoken" });
  const band = bandNodes();
  const age = ageNodes();
  const coming = make("div", { class: "coming" }, nodes.next, nodes.room.element);
  const why = make("div", { class: "why" }, nodes.held, nodes.also, nodes.release, coming, nodes.since);
  const word = make("div", { class: "word" }, nodes.shape, make("div", {}, title, nodes.means));
  const lead = make("div", { class: "lead" }, word, age.element);
  const row = make("div", { class: "row" }, lead, why, buttons.element);
  const element = make("header", { id: "mode", class: "bar" }, band.element, band.synthetic, row, said);
  return {
    id: "mode", title: "Mode", needs: ["book", "loop", "label", "synthetic", "source", "control"], element,
    draw: (state) => {
      drawBar(nodes, band, state);
      buttons.leadTo(state.control);
      if (state.sections.book) nodes.room.keep(why);
    },
    tick: (state) => {
      tickBar({ element, nodes, band, age, said }, state);
      if (state.sections.book) nodes.room.keep(why);
      clearOf(element.offsetHeight || lead.offsetHeight);
    },
    dispose: () => clearOf(0),
    troubles: (words) => write(band.troubles, words) || reveal(band.troubles, words !== ""),
  };
}

function bandNodes() {
  const title = make("strong", { "data-key": "silence.title" });
  const sentence = make("span", { "data-key": "silence.sentence" });
  const since = make("span", { class: "figure", "data-key": "silence.seconds" });
  const element = make("div", { class: "band", hidden: "", "data-key": "silence" }, title, sentence, since);
  const troubles = make("p", { class: "band broken", hidden: "", "data-key": "troubles" });
  const name = make("bdi", { "data-key": "label" });
  const synthetic = make(
    "p",
    { class: "synthetic", hidden: "", "data-key": "synthetic" },
    make("strong", { text: "SYNTHETIC" }),
    make("span", { text: "made-up prices, no real money:" }),
    name,
  );
  return {
    element: make("div", {}, element, troubles),
    band: element,
    title,
    sentence,
    since,
    troubles,
    synthetic,
    name,
  };
}

function ageNodes() {
  const dot = make("span", { class: "dot", "aria-hidden": "true" });
  const state = make("span", { class: "state", "data-key": "state" });
  const age = figure("age", "big");
  const world = figure("time.utc");
  const here = figure("time.local");
  const note = make("p", { class: "skew", "data-key": "time.skew" });
  const element = make(
    "div", { class: "age" },
    make("p", { class: "fresh" }, dot, age, state),
    make("p", { class: "time" }, world, here),
    note,
  );
  return { element, dot, state, age, world, here, note };
}

function drawBar(nodes, band, state) {
  const { book, label, synthetic } = state.sections;
  reveal(band.synthetic, Boolean(synthetic));
  write(band.name, plain(label || "no name"));
  if (!book) {
    put(nodes.mode, null, "NOT KNOWN");
    write(nodes.shape, "○");
    write(nodes.held, "Nothing is known of the book");
    for (const node of [nodes.means, nodes.also, nodes.release, nodes.next]) write(node, "");
    return;
  }
  write(nodes.shape, SHAPES[book.mode] ?? "?");
  put(nodes.mode, book.mode, plain(book.mode));
  write(nodes.means, modeWords(book.mode));
  drawWhy(nodes, book);
}

function drawWhy(nodes, book) {
  write(nodes.held, plain(heldSentence(book)));
  mark(nodes.held, "title", heldSentence(book));
  write(nodes.also, plain([capSentence(book), alsoSentence(book)].filter(Boolean).join(" · ")));
  write(nodes.release, plain(releaseSentence(book)));
  mark(
    nodes.also,
    "title",
    holding(book.ladders).map((rung) => `${rung.ladder} ${rung.rung}: ${effect(rung)}`).join("\n"),
  );
  write(nodes.next, plain(nextSentence(book)));
  nodes.room.reserve(nextSentences(book).map(plain));
}

// what the keyboard reaches is never scrolled to under what stays in sight at the top
function clearOf(height) {
  const { style } = document.documentElement;
  const padding = height ? `${height}px` : "";
  if (style.scrollPaddingTop !== padding) style.scrollPaddingTop = padding;
}

function tickBar(bar, state) {
  const { book } = state.sections;
  mark(bar.element, "data-mode", book ? book.mode : "UNKNOWN");
  tickBand(bar, state);
  tickAge(bar.age, state);
  write(bar.nodes.since, book ? sinceWords(book, state.worldNs) : "");
  write(bar.said, plain(spoken(state.verdict, book)));
}

// spoken only when it changes: silence, and the mode
function spoken(verdict, book) {
  if (verdict.level === "silent") return `${verdict.title}. ${verdict.sentence}`;
  return book ? `Mode ${book.mode}.` : "";
}

function sinceWords(book, worldNs) {
  if (!known(book.mode_since_ns)) return "Since when is not known";
  const lasted = known(worldNs) ? ` · for ${duration((worldNs - book.mode_since_ns) / 1e9)}` : "";
  return `${plain(book.mode)} since ${utc(book.mode_since_ns)} UTC${lasted}`;
}

function tickBand(bar, state) {
  const { level, title, sentence } = state.verdict;
  const loud = ["silent", "notice", "starting"].includes(level);
  reveal(bar.band.band, loud);
  if (!loud) return;
  mark(bar.band.band, "data-level", level);
  write(bar.band.title, title);
  write(bar.band.sentence, plain(sentence));
  const age = level === "silent" ? state.age : null;
  put(bar.band.since, age === null ? "" : age.toFixed(1), age === null ? "" : `everything shown is ${ageWords(age)}`);
}

function tickAge(nodes, state) {
  const { age, verdict } = state;
  put(nodes.age, age === null ? null : age.toFixed(2), age === null ? "age not known" : ageWords(age));
  write(nodes.state, STATES[verdict.level]);
  const time = state.worldNs ?? state.serverNs;
  put(nodes.world, time, `${utc(time)} UTC`);
  put(nodes.here, time, known(time) ? `${here(time)} local` : "");
  mark(nodes.here, "title", both(time));
  write(nodes.note, clockNote(state));
}

function ageWords(age) {
  return `${age < 60 ? `${number(age, 1)} s` : duration(age)} old`;
}

function clockNote(state) {
  const notes = [];
  const { worldNs, serverNs, skewSeconds } = state;
  const loop = state.sections.loop;
  if (known(worldNs) && known(serverNs) && Math.abs(worldNs - serverNs) > 60e9) notes.push(
    `this world's clock${speedWords(loop?.speed)}; here it is ${dated(serverNs, worldNs)} UTC`,
  );
  if (known(skewSeconds) && Math.abs(skewSeconds) > SKEW_SAID_SECONDS) {
    const off = `${duration(Math.round(Math.abs(skewSeconds)))} ${skewSeconds > 0 ? "fast" : "slow"}`;
    notes.push(`this computer's clock is ${off}: times follow the server`);
  }
  return notes.join(" · ");
}

function dated(timeNs, nowNs) {
  return utc(timeNs, utc(timeNs, "day") === utc(nowNs, "day") ? "time" : "both");
}

function speedWords(speed) {
  if (!known(speed) || speed === 1) return "";
  return speed === 0 ? ", as fast as possible" : `, up to ${number(speed)} × speed`;
}
