// History as columns: what the kernel sends is merged by time, never rebuilt from the start.

import { known } from "./format.js";

const MOST_MARKS = 400;

export class Series {
  constructor() {
    this.period = "";
    this.columns = [];
    this.rows = [];
    this.marks = [];
    this.markKeys = new Set();
    this.version = 0;
  }

  take(message) {
    if (message.first || message.columns.join() !== this.columns.join()) {
      this.rows = [];
      this.marks = [];
      this.markKeys = new Set();
    }
    this.period = message.period;
    this.columns = message.columns;
    for (const row of message.rows) this.takeRow(row);
    for (const one of message.marks ?? []) this.takeMark(one);
    this.marks.sort((one, other) => one.time_ns - other.time_ns);
    if (this.marks.length > MOST_MARKS) this.marks = this.marks.slice(-MOST_MARKS);
    this.version += 1;
  }

  takeRow(row) {
    const time = row[0];
    let place = this.rows.length;
    while (place > 0 && this.rows[place - 1][0] > time) place -= 1;
    if (place > 0 && this.rows[place - 1][0] === time) this.rows[place - 1] = row;
    else this.rows.splice(place, 0, row);
  }

  takeMark(one) {
    const key = `${one.time_ns} ${one.words}`;
    if (this.markKeys.has(key)) return;
    this.markKeys.add(key);
    this.marks.push(one);
  }

  seconds() {
    return this.rows.map((row) => row[0] / 1e9);
  }

  column(name) {
    const place = this.columns.indexOf(name);
    return this.rows.map((row) => (place >= 0 && known(row[place]) ? row[place] : null));
  }

  has(name) {
    return this.columns.includes(name);
  }
}
