// Where a label may stand on a chart without hiding a curve or another label.

const SHARES = [0, 0.5, 1, 0.25, 0.75];

// curves are lists of [x, y] in pixels, y null where there is nothing; the place says whether it is clear of them all
// lines: where the rung's own line is, then those of the others, on which a label would name them
export function freePlace(area, size, [y, ...lines], curves, boxesTaken) {
  const taken = [...boxesTaken, ...lines.map((top) => ({ left: area.left, top, width: area.width, height: 0 }))];
  const above = y - size.height * 1.05;
  const tops = [y - size.height / 2, above >= area.top ? above : y + size.height * 0.05];
  const boxes = tops.map((top) => SHARES.map((share) => boxAt(area, size, share, top)));
  const [onLine, beside] = boxes.map((row) => row.filter((box) => !taken.some((other) => overlap(box, other)))
    .map((box) => ({ ...box, hidden: hidden(box, curves) })));
  const clear = [...onLine, ...beside].find((box) => box.hidden === 0);
  return clear ?? beside.sort((one, other) => one.hidden - other.hidden)[0] ?? null;
}

function boxAt(area, { width, height }, share, top) {
  return { left: area.left + share * (area.width - width), top, width, height };
}

function overlap(one, other) {
  const wide = one.left < other.left + other.width && other.left < one.left + one.width;
  return wide && one.top < other.top + other.height && other.top < one.top + one.height;
}

// how many pieces of curves run through a box
function hidden(box, curves) {
  const pieces = (curve) => curve.filter((point, place) => crosses(box, curve[place - 1], point)).length;
  return curves.reduce((sum, curve) => sum + pieces(curve), 0);
}

function crosses(box, from, to) {
  if (!from || from[1] === null || to[1] === null) return false;
  const [low, high] = [box.left, box.left + box.width];
  if (to[0] < low || from[0] > high) return false;
  const slope = to[0] > from[0] ? (to[1] - from[1]) / (to[0] - from[0]) : 0;
  const at = (x) => from[1] + slope * (Math.min(Math.max(x, from[0]), to[0]) - from[0]);
  const ends = to[0] > from[0] ? [at(low), at(high)] : [from[1], to[1]];
  return Math.max(...ends) > box.top && Math.min(...ends) < box.top + box.height;
}
