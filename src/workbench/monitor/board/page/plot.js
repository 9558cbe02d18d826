// One chart on a canvas, drawn by uPlot: lines, the rungs as dashed lines, decisions and alerts as marks.

import { make, mark, put, reveal, write } from "./dom.js";
import { both, known, near } from "./format.js";
import { freePlace } from "./labels.js";
import { beginning, STEPS, tickWords, timeWords, widest } from "./ticks.js";

const COLOURS = ["--line-1", "--line-2"];

// spec: {id, title, unit, series: [{words}], finest, show(value)}; finest is the smallest step between two ticks
export class Plot {
  constructor(spec, syncKey) {
    this.spec = spec;
    this.syncKey = syncKey;
    this.rungs = [];
    this.marks = [];
    this.chart = null;
    this.drawn = "";
    this.last = null;
    this.readout = make("span", { class: "readout", "data-key": `chart.${spec.id}` });
    this.title = make("span", { text: spec.title });
    this.canvas = make("div", { class: "plot", role: "img" });
    this.empty = make("p", { class: "empty", text: "no history yet" });
    this.element = make(
      "figure",
      { class: "chart", id: `chart-${spec.id}` },
      make("figcaption", {}, this.title, make("small", { text: spec.unit }), this.readout),
      this.empty,
      this.canvas,
    );
  }

  // times in seconds and one list of numbers per line, already in the unit of the chart
  show(data, rungs, marks, look) {
    this.rungs = rungs;
    this.marks = marks;
    this.data = data;
    const filled = data[0].filter((_time, place) => data.slice(1).some((values) => values[place] !== null));
    const drawable = filled.length > 1;
    reveal(this.empty, !drawable);
    reveal(this.canvas, drawable);
    if (!drawable) {
      write(this.empty, beginning(filled[0]));
      this.clear();
    } else if (this.chart && this.drawn === look.key) this.chart.setData(data);
    else this.build(data, look);
    this.tell(null);
  }

  // what holds now, the same numbers as everywhere on the page; the last row of the history may be a little older
  now(seconds, values) {
    this.last = known(seconds) && values.every(known) ? { seconds, values } : null;
    if (this.data && (this.chart?.cursor.idx ?? null) === null) this.tell(null);
  }

  build(data, look) {
    this.clear();
    this.drawn = look.key;
    this.look = look;
    this.chart = new uPlot(this.options(look), data, this.canvas);
  }

  options(look) {
    const axis = { stroke: look.soft, grid: { stroke: look.grid, width: 1 }, ticks: { show: false }, font: look.font };
    const lines = this.spec.series.map(
      (line, place) => ({
        label: line.words,
        stroke: look.lines[place],
        width: look.width,
        points: { show: false },
        dash: place ? [6, 3] : undefined,
        spanGaps: false,
      }),
    );
    return {
      ...this.size(),
      padding: [look.em * 0.6, look.em * 1.7, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { sync: { key: this.syncKey }, drag: { x: false, y: false }, points: { size: look.em * 0.5 } },
      scales: { y: { range: (_chart, low, high) => this.range(low, high) } },
      series: [{}, ...lines],
      axes: [
        { ...axis, size: look.em * 1.7, gap: look.em * 0.25, space: look.em * 5.5, values: timeWords },
        {
          ...axis,
          size: (_chart, texts) => look.em * Math.max(4.6, 1 + 0.5 * widest(texts)),
          gap: look.em * 0.4,
          space: look.em * 1.9,
          incrs: STEPS.filter((step) => step >= this.spec.finest * 0.999),
          values: tickWords,
        },
      ],
      hooks: { draw: [(chart) => this.decorate(chart)], setCursor: [(chart) => this.tell(chart.cursor.idx)] },
    };
  }

  size() {
    return { width: Math.max(80, this.canvas.clientWidth), height: Math.max(60, this.canvas.clientHeight) };
  }

  // the next rung above the highest reading is always on the chart: the distance to it can be seen
  range(low, high) {
    if (low === null || high === null) return [0, 1];
    const next = this.rungs.map((rung) => rung.at).filter((at) => at > high).sort((a, b) => a - b)[0];
    const zero = this.rungs.length > 0 || this.spec.fromZero;
    const floor = zero ? 0 : low;
    const top = next === undefined ? high : next;
    const room = Math.max((top - floor) * 0.08, this.spec.finest);
    return [zero ? 0 : floor - room, top + room];
  }

  decorate(chart) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.font = this.look.canvasFont;
    for (const one of this.marks) this.drawMark(chart, ctx, bbox, one);
    const curves = this.rungs.length ? pixels(chart) : [];
    const taken = [];
    for (const rung of this.rungs) this.drawRung(chart, ctx, bbox, rung, curves, taken);
    ctx.restore();
  }

  drawRung(chart, ctx, bbox, rung, curves, taken) {
    const y = chart.valToPos(rung.at, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) return;
    ctx.strokeStyle = ctx.fillStyle = rung.holds ? this.look.watch : this.look.soft;
    ctx.lineWidth = this.look.width;
    ctx.setLineDash([2 * this.look.width, 3 * this.look.width]);
    line(ctx, bbox.left, y, bbox.left + bbox.width, y);
    const text = `${rung.holds ? "■" : "○"} ${rung.words}`;
    const room = this.look.em * this.look.ratio * 0.3;
    const size = { width: ctx.measureText(text).width + 4 * room, height: 3.2 * room };
    const others = this.rungs.filter((one) => one !== rung).map((one) => chart.valToPos(one.at, "y", true));
    const place = freePlace(bbox, size, [y, ...others], curves, taken);
    if (!place) return;
    taken.push(place);
    this.label(ctx, text, place, room);
  }

  // where a curve must run through it, the label is no cover
  label(ctx, text, place, room) {
    const colour = ctx.fillStyle;
    if (place.hidden === 0) {
      ctx.fillStyle = this.look.panel;
      ctx.fillRect(place.left + room, place.top, place.width - 2 * room, place.height);
    }
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillStyle = colour;
    ctx.fillText(text, place.left + 2 * room, place.top + place.height / 2);
  }

  drawMark(chart, ctx, bbox, one) {
    const x = chart.valToPos(one.time_ns / 1e9, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    const loud = one.level >= 3;
    const size = this.look.em * this.look.ratio * (loud ? 0.34 : 0.24);
    const foot = bbox.top + bbox.height;
    ctx.setLineDash([]);
    ctx.strokeStyle = ctx.fillStyle = loud ? this.look.act : this.look.soft;
    ctx.globalAlpha = loud ? 0.35 : 0.2;
    ctx.lineWidth = this.look.ratio;
    if (loud) line(ctx, x, bbox.top, x, foot);
    ctx.globalAlpha = 1;
    triangle(ctx, x, foot, size, one.level > 0);
  }

  tell(place) {
    const times = this.data[0];
    const hovered = place !== null && place !== undefined;
    const { seconds, values } = hovered || !this.last ? this.row(hovered ? place : times.length - 1) : this.last;
    if (!known(seconds)) return put(this.readout, "", "");
    const { series } = this.spec;
    const name = (line) => (series.length > 1 ? `${series[line].words} ` : "");
    const texts = values.map((one, line) => name(line) + this.spec.show(one));
    const newest = this.last?.seconds ?? times.at(-1);
    const when = near(seconds * 1e9, newest * 1e9).slice(0, -3);
    put(this.readout, values.map((value) => value ?? "").join(" "), `${when}  ${texts.join("  ")}`);
    mark(this.readout, "title", both(seconds * 1e9));
    if (!hovered) mark(
      this.canvas,
      "aria-label",
      `${this.title.textContent}, ${this.spec.unit}: ${times.length} points, last ${texts.join(", ")}`,
    );
    return undefined;
  }

  row(place) {
    return { seconds: this.data[0][place], values: this.data.slice(1).map((list) => list[place]) };
  }

  rename(text) {
    write(this.title, text);
  }

  fit() {
    if (!this.chart) return;
    const size = this.size();
    if (size.width !== this.chart.width || size.height !== this.chart.height) this.chart.setSize(size);
  }

  clear() {
    this.chart?.destroy();
    this.chart = null;
  }
}

export function looks(root, theme) {
  const style = getComputedStyle(root);
  const em = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const colour = (name) => style.getPropertyValue(name).trim();
  const ratio = window.devicePixelRatio || 1;
  return {
    key: `${theme} ${em} ${ratio}`, em, ratio, width: Math.max(1, em / 10),
    soft: colour("--soft"),
    grid: colour("--grid"),
    act: colour("--act"),
    watch: colour("--watch"),
    panel: colour("--panel"),
    lines: COLOURS.map(colour),
    font: `${em * 0.78}px ${style.fontFamily}`, canvasFont: `${em * 0.74 * ratio}px ${style.fontFamily}`,
  };
}

function pixels(chart) {
  const [times, ...lines] = chart.data;
  const across = times.map((time) => chart.valToPos(time, "x", true));
  const height = (value) => (value === null ? null : chart.valToPos(value, "y", true));
  return lines.map((values) => values.map((value, place) => [across[place], height(value)]));
}

function line(ctx, x1, y1, x2, y2) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

// an alert is a full triangle at the foot of the chart, a decision an empty one
function triangle(ctx, x, foot, size, full) {
  ctx.beginPath();
  ctx.moveTo(x - size, foot);
  ctx.lineTo(x + size, foot);
  ctx.lineTo(x, foot - size * 1.7);
  ctx.closePath();
  if (full) ctx.fill();
  else ctx.stroke();
}
