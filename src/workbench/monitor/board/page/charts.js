// The charts over the chosen period, on one time axis; drawn again only when their data has changed.

import { isolated, make, mark, panel, plain, write } from "./dom.js";
import { known, NOT_KNOWN, number, percent, signed, utc } from "./format.js";
import { looks, Plot } from "./plot.js";
import { Series } from "./series.js";

const PERIODS = {
  hour: "the last hour",
  day: "the last day",
  week: "the last week",
  month: "the last month",
  all: "all there is",
};
const money = (value) => (known(value) ? `${number(value)} USD` : NOT_KNOWN);
const share = (digits) => (value) => percent(known(value) ? value / 100 : null, digits);
const CHARTS = [
  { id: "equity", title: "Equity", unit: "USD", columns: ["equity"], words: ["equity"], factor: 1, finest: 1,
    show: money },
  {
    id: "drawdown",
    title: "Drawdown",
    unit: "% from peak",
    columns: ["drawdown"],
    words: ["drawdown"],
    factor: 100,
    finest: 0.01,
    show: share(2),
    ladder: "DRAWDOWN",
  },
  {
    id: "risk",
    title: "VaR 95 %, ES 97.5 %",
    unit: "% of equity",
    columns: ["value_at_risk_95", "expected_shortfall_975"],
    words: ["VaR", "ES"],
    factor: 100,
    finest: 0.001,
    show: share(3),
    ladder: "VALUE_AT_RISK",
  },
  {
    id: "volatility",
    title: "Volatility ratio",
    unit: "× normal",
    columns: ["volatility_ratio"],
    words: ["ratio"],
    factor: 1,
    finest: 0.01,
    show: (value) => (known(value) ? `${number(value, 2)} ×` : NOT_KNOWN),
    ladder: "VOLATILITY",
  },
  {
    id: "stress",
    title: "Stress score",
    unit: "0 to 100",
    columns: ["stress_score"],
    words: ["score"],
    factor: 1,
    finest: 1,
    show: (value) => number(value, 0),
    fromZero: true,
  },
  {
    id: "profit",
    title: "Profit",
    unit: "USD",
    columns: ["profit"],
    words: ["profit"],
    factor: 1,
    finest: 1,
    show: (value) => (known(value) ? `${signed(value)} USD` : NOT_KNOWN),
  },
];

export function charts(root, syncKey) {
  const parts = panel("charts", "History", "charts");
  const plots = CHARTS.map(
    (spec) => new Plot({ ...spec, series: spec.words.map((words) => ({ words })) }, syncKey),
  );
  const marks = make("p", { class: "soft marks", "data-key": "charts.marks" });
  parts.body.append(make("div", { class: "chart-grid" }, ...plots.map((plot) => plot.element)), marks);
  const past = new Past();
  let drawn = "";
  const draw = (whole) => {
    const sections = whole.sections;
    const state = { ...whole, sections, series: past.of(sections, whole.series) };
    const look = looks(root, state.theme);
    const rungs = JSON.stringify((sections.book?.ladders ?? []).map((rung) => [rung.trigger, rung.holds]));
    const key = `${state.series.version} ${past.turn} ${look.key} ${state.choices.strategy} ${rungs}`;
    plots.forEach((plot, place) => plot.now(...readings(CHARTS[place], state)));
    if (key === drawn) return;
    drawn = key;
    plots.forEach((plot, place) => drawPlot(plot, CHARTS[place], state, look));
    write(parts.aside, `${PERIODS[state.series.period] ?? PERIODS[state.choices.period] ?? ""} · times UTC`);
    write(marks, plain(sections.book ? marksWords(state.series) : `decisions and alerts: ${NOT_KNOWN}`));
  };
  const observer = new ResizeObserver(() => plots.forEach((plot) => plot.fit()));
  plots.forEach((plot) => observer.observe(plot.canvas));
  const dispose = () => {
    observer.disconnect();
    plots.forEach((plot) => plot.clear());
  };
  return {
    id: "charts",
    title: "History",
    needs: ["series", "choices", "book"],
    element: parts.element,
    draw,
    parts,
    dispose,
  };
}

function drawPlot(plot, spec, state, look) {
  if (spec.id === "profit") plot.rename(
    state.choices.strategy ? `Profit of ${isolated(state.choices.strategy.slice(0, 40))}` : "Profit of all strategies",
  );
  const lines = spec.columns.map(
    (name) => (name === "profit" ? profit(state.series, state.choices.strategy) : state.series.column(name)),
  );
  const data = [
    state.series.seconds(),
    ...lines.map((values) => values.map((value) => (value === null ? null : value * spec.factor))),
  ];
  const rungs = (state.sections.book?.ladders ?? []).filter(
    (rung) => rung.ladder === spec.ladder && known(rung.trigger),
  );
  plot.show(
    data,
    rungs.map(
      (rung) => ({
        at: rung.trigger * spec.factor,
        holds: rung.holds,
        words: `${spec.columns.length > 1 ? `${spec.words[0]} ` : ""}rung ${rung.rung}`,
      }),
    ),
    state.series.marks,
    look,
  );
  if (state.sections.book) return;
  write(plot.empty, NOT_KNOWN);
  mark(plot.readout, "title", null);
  mark(plot.canvas, "aria-label", null);
}

// What of the history may be drawn: none of it while nothing is known, and none of a journal that was begun anew.
class Past {
  constructor() {
    this.sequence = -1;
    this.left = new Set();
    this.known = false;
    // another one whenever what may be drawn changes
    this.turn = 0;
  }

  of({ book, journal }, series) {
    if (known(journal?.sequence)) this.follow(journal.sequence, series);
    if (Boolean(book) !== this.known) this.turn += 1;
    this.known = Boolean(book);
    const ours = (one) => this.known && !this.left.has(one);
    const { columns, marks, period, rows, version } = series;
    const drawable = { columns, period, version, rows: rows.filter(ours), marks: marks.filter(ours) };
    return Object.assign(new Series(), drawable);
  }

  // a journal only grows: with fewer rows it is another one
  follow(sequence, series) {
    if (sequence < this.sequence) {
      this.left = new Set([...series.rows, ...series.marks]);
      this.turn += 1;
    }
    this.sequence = sequence;
  }
}

// what the book says now, in the unit of the chart
function readings(spec, state) {
  const { book } = state.sections;
  const { strategy } = state.choices;
  const mine = (book?.positions ?? []).filter((row) => !strategy || row.strategy === strategy);
  const earned = mine.map((row) => row.profit).filter(known);
  const values = spec.id === "profit"
    ? [earned.length ? earned.reduce((sum, value) => sum + value, 0) : null]
    : spec.columns.map((name) => (known(book?.[name]) ? book[name] * spec.factor : null));
  return [known(book?.time_ns) ? book.time_ns / 1e9 : null, values];
}

function profit(series, strategy) {
  if (strategy) return series.column(`profit:${strategy}`);
  const columns = series.columns.filter((name) => name.startsWith("profit:")).map((name) => series.column(name));
  return series.rows.map((_row, place) => {
    const values = columns.map((column) => column[place]).filter((value) => value !== null);
    return values.length ? values.reduce((sum, value) => sum + value, 0) : null;
  });
}

function marksWords({ marks, version }) {
  if (version === 0) return "decisions and alerts of this period: not known yet";
  if (marks.length === 0) return "no decision and no alert in this period";
  const last = marks.at(-1);
  const lastWords = `${utc(last.time_ns, "time")} UTC ${isolated(last.words)}`;
  return `▲ alert  △ decision · last of ${number(marks.length)}: ${lastWords}`;
}
