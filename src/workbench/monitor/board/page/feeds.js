// Feeds of prices with their quality.

import { panel, write } from "./dom.js";
import { NOT_KNOWN, number, percent } from "./format.js";
import { emptyWords } from "./positions.js";
import { table } from "./tables.js";

export function feeds() {
  const parts = panel("feeds", "Feeds", "feeds");
  const rows = table("Feeds of prices", COLUMNS, (row) => row.name, NOT_KNOWN);
  parts.body.append(...rows.nodes);
  const draw = (state) => {
    const { feed_in_use: used, feeds: all } = state.sections;
    rows.say(emptyWords(all, "no feeds yet"));
    const list = (all ?? []).map((row, place) => ({ ...row, used: place === used }));
    rows.draw(list, state);
    write(parts.aside, list.length ? `${list.filter((row) => row.connected).length} of ${list.length} connected` : "");
  };
  return {
    id: "feeds",
    title: "Feeds",
    needs: ["feeds", "feed_in_use"],
    element: parts.element,
    draw,
    parts,
  };
}

function refusals(row) {
  const counts = Object.entries(row.refused ?? {});
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return {
    text: number(total),
    value: total,
    tone: total ? "watch" : null,
    title: counts.map(([why, count]) => `${why}: ${count}`).join("\n") || null,
  };
}

const COLUMNS = [
  { head: "Feed", kind: "text", cell: (row) => ({ text: row.name, title: row.label }) },
  {
    head: "Use",
    kind: "text",
    cell: (row) => (row.connected ? { text: row.used ? "● in use" : "○ ready" } : {
      text: "✕ not connected",
      tone: "act",
    }),
  },
  {
    head: "Quality",
    kind: "number",
    cell: (row) => ({
      text: `${number(row.score, 0)} of 100`,
      value: row.score,
      tone: row.score < 80 ? "watch" : null,
      key: `feed.${row.name}.score`,
    }),
  },
  {
    head: "Captured",
    kind: "number",
    cell: (row) => ({ text: percent(row.capture_rate, 2), value: row.capture_rate }),
  },
  {
    head: "Silent for",
    kind: "number",
    cell: (row) => ({
      text: `${number(row.silence_seconds, 1)} s`,
      value: row.silence_seconds,
      tone: row.silence_seconds > 5 ? "act" : null,
      title: `longest ${number(row.longest_silence_seconds, 1)} s`,
    }),
  },
  { head: "Refused", kind: "number", cell: refusals },
  {
    head: "Spikes",
    kind: "number",
    cell: (row) => ({ text: number(row.spikes), value: row.spikes, tone: row.spikes ? "watch" : null }),
  },
];
