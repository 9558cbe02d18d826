// Numbers, times and names in words: every number with its unit, nothing that is missing looks like a number.

export const NOT_KNOWN = "not known";
const SECOND_NS = 1e9;
const FORMATS = new Map();

export function known(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function number(value, digits = 0) {
  if (!known(value)) return NOT_KNOWN;
  if (!FORMATS.has(digits)) {
    FORMATS.set(
      digits,
      new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
    );
  }
  const text = FORMATS.get(digits).format(value).replace("-", "−");
  return /[1-9]/.test(text) ? text : text.replace("−", "");
}

export function signed(value, digits = 0) {
  const text = number(value, digits);
  return known(value) && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function percent(value, digits = 2) {
  return known(value) ? `${number(value * 100, digits)}\u00a0%` : NOT_KNOWN;
}

export function signedPercent(value, digits = 2) {
  return known(value) ? `${signed(value * 100, digits)}\u00a0%` : NOT_KNOWN;
}

export function tone(value) {
  if (!known(value) || value === 0) return null;
  return value > 0 ? "gain" : "loss";
}

// Drawdown, VaR and the like are fractions of equity; the other ladders have units of their own.
export function reading(ladder, value) {
  if (!known(value)) return NOT_KNOWN;
  if (ladder === "DRAWDOWN") return percent(value, 2);
  if (ladder === "VALUE_AT_RISK") return percent(value, 3);
  if (ladder === "TECHNICAL") return `${number(value, 1)}\u00a0s`;
  return ladder === "VOLATILITY" ? `${number(value, 2)}\u00a0×` : number(value, 2);
}

export function trigger(ladder, value) {
  if (!known(value)) return NOT_KNOWN;
  const short = (factor, unit) => `${number(value * factor, 4).replace(/\.?0+$/, "")}${unit}`;
  if (ladder === "DRAWDOWN" || ladder === "VALUE_AT_RISK") return short(100, "\u00a0%");
  if (ladder === "TECHNICAL") return short(1, "\u00a0s");
  return ladder === "VOLATILITY" ? `${number(value, 1)}\u00a0×` : number(value, 2);
}

const LADDER_NAMES = {
  DRAWDOWN: "drawdown",
  VOLATILITY: "volatility ratio",
  VALUE_AT_RISK: "VaR 95 %",
  CORRELATION: "correlation",
  TECHNICAL: "technical",
};

export function ladderName(name) {
  return LADDER_NAMES[name] ?? words(name);
}

export function words(name) {
  return String(name ?? "").toLowerCase().replaceAll("_", " ");
}

export function kindWords(kind) {
  return String(kind ?? "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
}

export function bytes(value) {
  if (!known(value)) return NOT_KNOWN;
  const steps = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${number(value / 1000 ** step, step > 2 ? 1 : 0)}\u00a0${steps[step]}`;
}

export function duration(seconds) {
  if (!known(seconds)) return NOT_KNOWN;
  const whole = Math.floor(Math.abs(seconds));
  if (whole < 60) return `${whole}\u00a0s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00a0min\u00a0${String(whole % 60).padStart(2, "0")}\u00a0s`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return `${hours}\u00a0h\u00a0${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}\u00a0min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function milliseconds(value) {
  if (!known(value)) return NOT_KNOWN;
  return `${number(value, value < 10 ? 1 : 0)}\u00a0ms`;
}

const two = (value) => String(value).padStart(2, "0");

function stamp(date, part) {
  const day = `${date.year}-${two(date.month)}-${two(date.day)}`;
  const time = `${two(date.hour)}:${two(date.minute)}:${two(date.second)}`;
  return part === "time" ? time : part === "day" ? day : `${day} ${time}`;
}

export function utc(timeNs, part = "both") {
  if (!known(timeNs)) return NOT_KNOWN;
  const at = new Date((timeNs / SECOND_NS) * 1000);
  return stamp({
    year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate(),
    hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds(),
  }, part);
}

export function local(timeNs, part = "both") {
  if (!known(timeNs)) return NOT_KNOWN;
  const at = new Date((timeNs / SECOND_NS) * 1000);
  return stamp({
    year: at.getFullYear(), month: at.getMonth() + 1, day: at.getDate(),
    hour: at.getHours(), minute: at.getMinutes(), second: at.getSeconds(),
  }, part);
}

// Rows of one page are mostly of one day: the day is told only where it is another one than the world's.
export function near(timeNs, nowNs) {
  const same = known(nowNs) && utc(timeNs, "day") === utc(nowNs, "day");
  return same || !known(timeNs) ? utc(timeNs, "time") : utc(timeNs).slice(5);
}

// The viewer's own time; the day only where it is another one there than in UTC.
export function here(timeNs) {
  const same = local(timeNs, "day") === utc(timeNs, "day");
  return same ? local(timeNs, "time") : local(timeNs).slice(5);
}

export function both(timeNs) {
  return known(timeNs) ? `${utc(timeNs)} UTC, ${local(timeNs)} local` : NOT_KNOWN;
}
