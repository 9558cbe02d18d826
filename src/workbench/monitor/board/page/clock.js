// Whose time it is. The viewer's wall clock is never believed: ages count from when a beat arrived.

import { known } from "./format.js";
import { SILENT_AFTER_SECONDS } from "./silence.js";

export class Clock {
  constructor(now) {
    this.began = now;
    this.beatAt = null;
    this.serverNs = null;
    this.ageAtBeat = null;
    this.skewSeconds = null;
    this.worldNs = null;
    this.speed = 1;
    this.turns = false;
  }

  hear(beat, loop, now, viewerMs) {
    this.beatAt = now;
    this.serverNs = beat.server_ns;
    this.ageAtBeat = beat.source.age_seconds;
    this.skewSeconds = viewerMs / 1000 - beat.server_ns / 1e9;
    this.worldNs = loop?.now_ns ?? null;
    this.speed = loop?.speed ?? 1;
    this.turns = beat.source.state === "ok";
  }

  // how long nothing has been heard, seconds
  quiet(now) {
    return (now - (this.beatAt ?? this.began)) / 1000;
  }

  // how old the numbers are, seconds; null when there are none
  age(now) {
    return known(this.ageAtBeat) ? this.ageAtBeat + this.quiet(now) : null;
  }

  server(now) {
    return known(this.serverNs) ? this.serverNs + this.quiet(now) * 1e9 : null;
  }

  // the world's clock runs on between two readings, at the loop's speed, but only while somebody turns it
  world(now) {
    const age = this.age(now);
    if (!this.turns || !known(this.worldNs) || age === null) return this.worldNs;
    return this.worldNs + Math.min(age, SILENT_AFTER_SECONDS) * this.speed * 1e9;
  }
}
