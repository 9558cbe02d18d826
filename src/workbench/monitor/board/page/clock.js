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
    this.wallNs = null;
    // seconds of the world in one of ours: a loop that shall run at 600 may only manage 370
    this.pace = 0;
    this.latest = 0;
    this.turns = false;
  }

  hear(beat, loop, now, viewerMs) {
    this.beatAt = now;
    this.serverNs = beat.server_ns;
    this.ageAtBeat = beat.source.age_seconds;
    this.skewSeconds = viewerMs / 1000 - beat.server_ns / 1e9;
    this.follow(loop);
    this.turns = beat.source.state === "ok";
  }

  follow(loop) {
    const [world, wall] = [loop?.now_ns ?? null, loop?.wall_ns ?? null];
    const most = loop?.speed || Infinity;
    const began = !known(this.worldNs) || !known(world) || world < this.worldNs;
    if (began) [this.pace, this.latest] = [most === 1 ? 1 : 0, 0];
    else if (wall > this.wallNs) this.pace = Math.min(most, (world - this.worldNs) / (wall - this.wallNs));
    [this.worldNs, this.wallNs] = [world, wall];
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

  // the world's clock runs on between two readings, as fast as between the last two, but only while somebody turns it
  world(now) {
    const age = this.age(now);
    if (!this.turns || !known(this.worldNs) || age === null) return this.worldNs;
    // where the world has slowed down, it waits there for it and never steps back
    this.latest = Math.max(this.latest, this.worldNs + Math.min(age, SILENT_AFTER_SECONDS) * this.pace * 1e9);
    return this.latest;
  }
}
