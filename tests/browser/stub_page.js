// The page without a kernel: a model with anywidget's interface, and beats made here.
import page from "./page.js";

const scenario = await (await fetch("scenario.json", { cache: "no-store" })).json();
const { sections, series, source, theme, skewSeconds, silentAfter, mute } = scenario;
const listeners = new Map();
const traits = { period: "day", strategy: "", pair: "", theme, probe: "alive.txt" };
const sent = [];

const model = {
  get: (name) => traits[name],
  set: (name, value) => {
    traits[name] = value;
    for (const heard of listeners.get(`change:${name}`) ?? []) heard();
  },
  save_changes: () => {},
  on: (event, heard) => listeners.set(event, [...(listeners.get(event) ?? []), heard]),
  off: (event, heard) => listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== heard)),
  send: (message) => {
    sent.push(message);
    if (message.kind === "hello") hello();
  },
};

const say = (message) => {
  for (const heard of listeners.get("msg:custom") ?? []) heard(structuredClone(message), []);
};

let count = 0;
function beat(changed = {}) {
  if (mute) return;
  count += 1;
  if (sections.loop) {
    const { now_ns, wall_ns, speed } = sections.loop;
    sections.loop = { ...sections.loop, now_ns: now_ns + 0.5e9 * (stub.pace ?? speed), wall_ns: wall_ns + 0.5e9 };
  }
  const shown = count === 1 ? { ...sections, ...changed } : { loop: sections.loop, ...changed };
  const server_ns = (Date.now() - skewSeconds * 1000) * 1e6;
  say({ kind: "beat", n: count, server_ns, source, control: stub.control, sections: shown });
}

function hello() {
  setTimeout(() => {
    beat();
    if (series.rows.length) say(series);
  }, 20);
}

const end = page.render({ model, el: document.querySelector("#place") });
let timer = setInterval(() => beat(), 500);
const stub = {
  control: { link: "", watchdog: sections.health ? "" : null },
  model,
  sent,
  listeners,
  say,
  beat,
  sections,
  end,
  stop: () => clearInterval(timer),
  go: () => {
    timer = setInterval(() => beat(), 500);
  },
  lose: () => {
    count += 1;
  },
};
window.stub = stub;
if (silentAfter !== null) setTimeout(stub.stop, silentAfter * 1000);
