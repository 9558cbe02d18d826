// The line to the control service: the stream of what is shown, asking when the stream is cut, and asking for acts.

const ASK_AFTER_SECONDS = 1.5;
const ASK_EVERY_MS = 1200;
const ANSWER_WITHIN_MS = 2500;
const ACT_WITHIN_MS = 15_000;

export class Refusal extends Error {
  constructor(status, kind, sentence) {
    super(sentence);
    this.status = status;
    this.kind = kind;
  }
}

export function nonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// only the service itself refuses: an answer that was cut, or that somebody on the way gave, tells nothing
async function answered(response) {
  let table = null;
  try {
    table = await response.json();
  } catch {
    throw new Error("The answer cannot be read.");
  }
  if (response.ok && table !== null && typeof table === "object") return table;
  if (response.ok || typeof table?.refused !== "string") throw new Error("The answer cannot be read.");
  throw new Refusal(response.status, table.kind, table.refused);
}

export async function look(path) {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  return answered(await fetch(path, { cache: "no-store", mode: "same-origin", redirect: "error", signal }));
}

export async function ask(path, body) {
  return answered(
    await fetch(path, {
      method: "POST",
      mode: "same-origin",
      redirect: "error",
      cache: "no-store",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ACT_WITHIN_MS),
    }),
  );
}

export class Line {
  constructor({ heard, refused }) {
    this.heard = heard;
    this.refused = refused;
    this.stream = null;
    this.asking = false;
    this.askedAt = -Infinity;
  }

  open() {
    this.close();
    this.stream = new EventSource("/api/events");
    this.stream.addEventListener("state", (event) => this.heard(JSON.parse(event.data)));
    this.stream.addEventListener("over", () => this.askNow());
  }

  close() {
    this.stream?.close();
    this.stream = null;
  }

  // a cut stream is not the end: what is shown is asked for until the stream is back
  tick(quiet, now) {
    if (!this.stream || quiet < ASK_AFTER_SECONDS || this.asking || now - this.askedAt < ASK_EVERY_MS) return;
    this.askedAt = now;
    this.askNow();
    if (this.stream?.readyState === EventSource.CLOSED) this.open();
  }

  async askNow() {
    this.asking = true;
    try {
      this.heard(await look("/api/status"));
    } catch (error) {
      if (error instanceof Refusal) this.refused(error);
      else this.refused(null);
    } finally {
      this.asking = false;
    }
  }
}
