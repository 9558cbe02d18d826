// Is what is shown true now, and if not, who is silent: the loop, this page's kernel, or its server.

export const SILENT_AFTER_SECONDS = 2.5;
const ASK_AFTER_SECONDS = 1.4;
const ASK_AGAIN_MS = 1500;
const ANSWER_WITHIN_MS = 1000;
const OLD_AFTER_SECONDS = 4;

const WORDS = {
  starting: ["The loop is starting", "Nothing can be shown until it has started."],
  "no-journal": ["No journal", "There is no journal in this folder yet. Start a loop: workbench up."],
  empty: ["Nothing shown yet", "The journal is there, but the loop has not shown anything yet."],
  unreadable: [
    "The journal cannot be read",
    "The journal is there, but it cannot be read. Run workbench audit verify.",
  ],
  "other-version": [
    "Another version",
    "The journal was written by another version of the workbench. Update one of the two.",
  ],
  "no-loop": [
    "The loop is not running",
    "No process holds the journal: what is shown is how it was when the loop ended.",
  ],
  stuck: ["The loop is silent", "The loop's process is there, but it shows nothing new."],
};
const ANSWERS = { 403: "refused", 404: "ended" };
const WITHOUT_NUMBERS = new Set(["no-journal", "empty", "unreadable", "other-version"]);
const SILENT_STATES = new Set(["no-loop", "stuck"]);

const FRESH = { level: "fresh", part: "", title: "", sentence: "" };
const UNASKED = {
  level: "silent",
  part: "unknown",
  title: "Silence",
  sentence: "No word from the monitor: asking its server.",
};
const ANEW = {
  level: "silent",
  part: "kernel",
  title: "Not true yet",
  sentence: "This page has opened itself anew and waits for the first numbers.",
};
const WAITING = { level: "waiting", part: "", title: "Connecting", sentence: "Waiting for the first numbers." };

// what may still be believed of the sections: nothing where the journal they were read from is gone or cannot be read
export function told({ sections, source }) {
  const startsWithout = source.state === "starting" && (source.age_seconds ?? null) === null;
  return WITHOUT_NUMBERS.has(source.state) || startsWithout ? {} : sections;
}

// answer, lost: see Probe; anew: seconds until the page opens anew, null when it does not; carried: it just has
export function verdict({ quiet, heard, source, age, answer, lost, anew, carried }) {
  if (quiet > SILENT_AFTER_SECONDS) return silentPart(answer, lost, anew);
  if (!heard) return carried ? ANEW : WAITING;
  if (source.state === "ok") return age !== null && age > OLD_AFTER_SECONDS ? oldLoop() : FRESH;
  const [title, fallback] = WORDS[source.state] ?? [
    "State not known",
    `The monitor reports a state this page does not know: ${source.state}.`,
  ];
  // numbers from before a start are old; where there are none there is nothing to be warned of
  const level = source.state === "starting" && age === null ? "starting" : "notice";
  const silent = SILENT_STATES.has(source.state) || (source.state === "starting" && age !== null);
  return {
    level: silent ? "silent" : level,
    part: silent ? "loop" : "journal",
    title,
    sentence: source.sentence || fallback,
  };
}

function oldLoop() {
  return { level: "silent", part: "loop", title: "The loop is silent", sentence: WORDS.stuck[1] };
}

function silentPart(answer, lost, anew) {
  const server = (sentence) => ({ level: "silent", part: "server", title: "The server is silent", sentence });
  const kernel = (sentence) => ({ level: "silent", part: "kernel", title: "The kernel is silent", sentence });
  const soon = `this page opens itself anew in ${Math.ceil(anew ?? 0)} s.`;
  if (answer === "gone") return server(
    "The network or the monitor's server is gone. This page comes back by itself when it answers.",
  );
  if (answer === "refused") return server(
    "The server does not know this page any more: open it with the address that workbench monitor has printed.",
  );
  if (answer === "there") return kernel("This page's kernel does not answer.");
  if (answer === "ended" && lost) return server(`The monitor's server was gone and has been started again: ${soon}`);
  if (answer === "ended") return kernel(`This page's kernel ended: ${soon}`);
  return UNASKED;
}

// Asks the page's own server whether it is there, and whether it still has this page's kernel.
export class Probe {
  constructor(path) {
    this.address = new URL(path, window.location.href);
    // there, ended (the server has no such kernel), refused (it does not know us), gone (no answer), null: not asked
    this.answer = null;
    // whether it was gone in this silence
    this.lost = false;
    this.askedAt = null;
    this.asking = null;
  }

  watch(quiet, now) {
    if (quiet < ASK_AFTER_SECONDS) {
      this.answer = null;
      this.lost = false;
      return;
    }
    if (this.asking || (this.askedAt !== null && now - this.askedAt < ASK_AGAIN_MS)) return;
    this.askedAt = now;
    this.ask();
  }

  async ask() {
    this.asking = new AbortController();
    const signal = AbortSignal.any([this.asking.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    try {
      const asked = { cache: "no-store", mode: "same-origin", redirect: "manual", signal };
      const { status } = await fetch(this.address, asked);
      this.answer = ANSWERS[status] ?? "there";
    } catch {
      this.answer = "gone";
      this.lost = true;
    } finally {
      this.asking = null;
    }
  }

  stop() {
    this.asking?.abort();
  }
}
