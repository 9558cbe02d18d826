// Every piece of text on the page that cannot be read whole where it stands; the scrollers may hide what they tell of.
const width = document.documentElement.clientWidth;
const root = document.querySelector(".risk-monitor");
const border = Number.parseFloat(getComputedStyle(root, "::after").borderLeftWidth);
const frame = root.dataset.state === "silent" ? border : 0;
const visible = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
const wall = root.clientHeight === window.innerHeight ? window.innerHeight - frame : Infinity;
const found = [];
const standing = [];

function clips(node) {
  const boxes = [];
  for (let box = node; box && box !== root; box = box.parentElement) {
    const style = getComputedStyle(box);
    if (style.overflowX !== "visible" || style.overflowY !== "visible") boxes.push(box);
  }
  return boxes;
}

function cutBy(box, rect) {
  const edge = box.getBoundingClientRect();
  const wide = rect.left < edge.left - 1 || rect.right > edge.right + 1;
  const high = rect.top < edge.top - 1 || rect.bottom > edge.bottom + 2.5;
  if (!box.matches(".scroll")) return wide || high;
  const told = (name) => [...box.parentElement.querySelectorAll(name)].some(visible);
  if (wide && !told(".beside")) return true;
  if (!high && rect.bottom <= edge.bottom) return false;
  return !told(".below");
}

function partOf(holder) {
  return holder.closest(".chart, .tile, .step, .panel, .word, .why, .age, .acts > *") ?? root;
}

// two texts on one another, of those that do not scroll
function overlaps(one, other) {
  const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return wide > 1 && high > 0.4 * Math.min(one.height, other.height);
}

// a row that is half behind the cover at the foot of its list
function halfCovered(row) {
  const below = row.closest(".rows")?.querySelector(".below");
  if (!below || !visible(below)) return false;
  const foot = below.getBoundingClientRect().top;
  const { top, bottom } = row.getBoundingClientRect();
  return top < foot - 1 && bottom > foot + 1;
}

const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
for (let text = walker.nextNode(); text; text = walker.nextNode()) {
  const holder = text.parentElement;
  if (!text.data.trim() || !visible(holder) || holder.closest(".unseen, .frozen, select, dialog")) continue;
  const range = document.createRange();
  range.selectNodeContents(text);
  const boxes = clips(holder);
  const inScroller = boxes.some((box) => box.matches(".scroll"));
  for (const rect of range.getClientRects()) {
    if (!inScroller && !holder.closest(".band")) standing.push({ text: text.data, part: partOf(holder), rect });
    const outside = !inScroller && (rect.left < frame - 0.5 || rect.right > width - frame + 0.5 || rect.bottom > wall);
    const own = partOf(holder).getBoundingClientRect();
    const over = !inScroller && (rect.left < own.left - 1 || rect.right > own.right + 1);
    if (outside || over || boxes.some((box) => cutBy(box, rect))) {
      found.push(text.data);
      break;
    }
  }
}
for (const [place, one] of standing.entries()) {
  const under = standing.slice(place + 1).filter((other) => other.part === one.part && overlaps(one.rect, other.rect));
  for (const other of under) found.push(`${one.text} and ${other.text} on one another`);
}
for (const panel of root.querySelectorAll(".panel")) {
  const foot = panel.getBoundingClientRect().bottom;
  if (foot > wall + 0.5) found.push(`a panel below the wall: ${panel.id}`);
  for (const node of panel.querySelectorAll("p, li, dd, dt, figure, .tick, caption")) {
    if (!visible(node) || node.closest(".scroll, .unseen")) continue;
    if (node.getBoundingClientRect().bottom > foot + 1) found.push(`below its panel: ${node.textContent}`);
  }
}
for (const row of root.querySelectorAll("tbody tr")) {
  if (visible(row) && halfCovered(row)) found.push(`half covered: ${row.textContent}`);
}
return found;
