// Words at the axes of a chart: no two ticks say the same.

import { number, utc } from "./format.js";

export const STEPS = Array.from({ length: 16 }, (_none, place) => place - 4)
  .flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));

export function widest(texts) {
  return Math.max(0, ...(texts ?? []).map((text) => text.length));
}

export function tickWords(_chart, ticks, _axis, _space, step) {
  return ticks.map((tick) => number(tick, decimals(step)));
}

// as many as tell two ticks apart: steps are 1, 2 or 5 of a power of ten
function decimals(step) {
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

export function beginning(seconds) {
  if (seconds === undefined) return "no history yet";
  return `begins ${utc(seconds * 1e9).slice(0, 16)} UTC: no line yet`;
}

export function timeWords(_chart, ticks, _axis, _space, step) {
  return ticks.map((tick) => {
    const text = utc(tick * 1e9);
    if (step >= 86400) return text.slice(5, 10);
    if (step < 60) return text.slice(11, 19);
    return text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16);
  });
}
