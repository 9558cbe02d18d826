// The page opens itself anew once its kernel is gone for good, and goes on counting how old its numbers are meanwhile.

import { keep, recall } from "./kept.js";

// also read by the script of the same name in the frame, until the board is there
const NOTE = "risk-monitor-anew";
// before it opens anew for the first time, the second time and so on, since it last did
const WAITS_SECONDS = [3, 10, 20, 40, 60];
const STEADY_SECONDS = 600;
const UNANSWERED_SECONDS = 30;

// seconds on a clock that goes on while a page is loaded again, and that nobody sets
const elapsed = () => (performance.timeOrigin + performance.now()) / 1000;

export class Anew {
  constructor(reload) {
    this.reload = reload;
    this.note = read();
    // without a note it would open anew in a loop
    this.remembers = keep(NOTE, this.note);
    this.due = null;
  }

  // how old the numbers were that this page showed before it opened anew, counted on; null when it did not
  get age() {
    return this.note.since === null ? null : elapsed() - this.note.since;
  }

  // there are new numbers, with an age of their own
  heard() {
    const steady = this.note.tries > 0 && elapsed() - this.note.at > STEADY_SECONDS;
    if (this.note.since === null && this.note.choices === null && !steady) return;
    this.note = { tries: steady ? 0 : this.note.tries, at: this.note.at, since: null, choices: null };
    keep(NOTE, this.note);
  }

  // what was chosen on the page before; null when it did not open anew
  get choices() {
    return this.note.choices;
  }

  // seconds until it opens anew; null while there is no reason to
  watch(answer, age, choices) {
    if (answer !== "ended" || !this.remembers) {
      this.due = null;
      return null;
    }
    const now = elapsed();
    const { tries, at } = this.note;
    const wait = WAITS_SECONDS[Math.min(tries, WAITS_SECONDS.length - 1)];
    this.due ??= Math.max(now + WAITS_SECONDS[0], at + wait);
    if (now >= this.due) {
      // asked for; where no answer comes, once more
      this.due = now + UNANSWERED_SECONDS;
      keep(NOTE, { tries: tries + 1, at: now, since: age === null ? null : now - age, choices });
      this.reload();
    }
    return Math.max(this.due - now, 0);
  }
}

function read() {
  const found = recall(NOTE);
  return { tries: found.tries ?? 0, at: found.at ?? 0, since: found.since ?? null, choices: found.choices ?? null };
}
