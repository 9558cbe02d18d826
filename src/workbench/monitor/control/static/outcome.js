// What became of an act: what the service answered, and how it goes on as the loop shows it.

import { make, mark, plain } from "./dom.js";

const TITLES = {
  waiting: "Not taken yet",
  signalled: "Halted by signal, not yet on disk",
  taken: "Taken",
  "entries stopped": "Entries stopped",
  reducing: "Reducing",
  reduced: "Reduced",
  flattening: "Closing",
  flat: "Flat, confirmed by the broker",
  cancelling: "Cancelling",
  cancelled: "Cancelled",
  "halted in full": "Halted in full",
  "shutting down": "Shutting down",
  "shut down": "Shut down: positions remain",
  recorded: "Recorded",
  resumed: "Resumed",
  enabled: "Enabled",
  refused: "Refused by the loop",
  unknown: "Not known",
};
const LASTING = new Set([
  "entries stopped", "reduced", "flat", "cancelled", "halted in full", "shut down", "recorded", "resumed", "enabled",
]);
const COMMANDS = { close_all: "flatten" }; // what the loop calls it, where that is another word
const HOW_IS_NOT_KNOWN = "Ended: how is not known";
// the page sees no loop any more; whether it said its last word, and what the broker still has, it cannot see
const UNPROTECTED = "The loop is not running any more; whether it ended in good order is not known here. Orders on "
  + "their way may still fill. Nothing protects what is open, and what they open, until a loop runs again.";

// the answer to a request that had arrived before: only what is shown of it says what became of it
export function firstTry(nonce, ready) {
  const anew = ready ? "press again: to halt twice is to halt once" : "close this and open it again";
  return {
    nonce, stage: "unknown", certain: false, lead: "The first try had arrived; what became of it: ",
    sentence: "nothing is shown of it here. It may have been done or refused, or it waits. Look at what the page "
      + `shows; to ask anew, ${anew}.`,
  };
}

// the answer may come before the broker's last fill: from then on the state that is shown says how far it is
export function followed(outcome, state) {
  const { book, commands } = state.sections;
  if (outcome.stage === "shutting down" && state.source.state === "no-loop") {
    return { ...outcome, stage: "shut down", certain: false, sentence: UNPROTECTED };
  }
  const settled = outcome.stage === "refused" || LASTING.has(outcome.stage);
  if (settled || !book || state.verdict.level !== "fresh") return outcome;
  const act = COMMANDS[outcome.act] ?? outcome.act;
  const row = (commands ?? []).find((one) => one.nonce === outcome.nonce && one.act === act);
  if (["waiting", "unknown", "signalled"].includes(outcome.stage) && !row) return outcome;
  if (row?.refused) return { ...outcome, stage: "refused", certain: true, sentence: plain(row.refused) };
  return { ...outcome, certain: true, ...stage(outcome.act, book) };
}

function stage(act, book) {
  if (act === "halt" && book.mode === "HALTED") return {
    stage: "entries stopped",
    sentence: "The book is HALTED: positions may only shrink until two people resume.",
  };
  if (act === "reduce" && book.moving === 0) return {
    stage: "reduced",
    sentence: "Every position is at its new target.",
  };
  if (act === "reduce") return { stage: "reducing", sentence: `${book.moving} positions are above their new targets.` };
  if (act === "close_all" && book.open === 0) return { stage: "flat", sentence: "No position is left." };
  if (act === "cancel_all" || act === "full_halt") return cancelled(act, book);
  if (act === "shut_down") return { stage: "shutting down", sentence: "The loop has halted, and ends now." };
  if (act === "close_all") return { stage: "flattening", sentence: `${book.open} positions are still open.` };
  return { stage: "taken", sentence: `The loop has taken it. The book is ${plain(book.mode)}.` };
}

function cancelled(act, book) {
  const halted = act === "cancel_all" || book.mode === "HALTED";
  if (book.growing > 0 || !halted) return {
    stage: "cancelling",
    sentence: `The book is ${plain(book.mode)}; ${book.growing} orders that grow a position are not cancelled yet.`,
  };
  const stage = act === "full_halt" ? "halted in full" : "cancelled";
  return { stage, sentence: `No order that grows a position waits. The book is ${plain(book.mode)}.` };
}

export function shownOutcome(node, outcome) {
  const sentence = `${outcome.lead ?? ""}${outcome.sentence}`;
  const said = `${outcome.stage} ${sentence}`;
  if (node.dataset.said === said) return;
  mark(node, "data-said", said);
  mark(node, "data-stage", outcome.stage);
  mark(node, "data-good", LASTING.has(outcome.stage) && outcome.stage !== "shut down" ? "yes" : "no");
  const lost = outcome.stage === "shut down" && !outcome.certain;
  const title = make("strong", { text: lost ? HOW_IS_NOT_KNOWN : TITLES[outcome.stage] ?? plain(outcome.stage) });
  node.replaceChildren(title, make("p", { text: plain(sentence) }));
}
