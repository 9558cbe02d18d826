// Is what is shown true now, and if not, who is silent: the loop, the control service, or the network.

const SILENT_AFTER_SECONDS = 2.5;
const OLD_AFTER_SECONDS = 4;
const SILENT_STATES = new Set(["no-loop", "stuck"]);
const TITLES = {
  "no-journal": "No journal",
  empty: "Nothing shown yet",
  unreadable: "The journal cannot be read",
  "other-version": "Another version",
  "no-loop": "The loop is not running",
  stuck: "The loop is silent",
};

export function verdict({ quiet, heard, remembered, source, age, refused }) {
  if (!heard && !remembered && !refused && quiet <= SILENT_AFTER_SECONDS) return {
    level: "waiting",
    title: "Connecting",
    sentence: "Waiting for the first numbers.",
  };
  if (!heard || quiet > SILENT_AFTER_SECONDS) return silence(heard || remembered, refused);
  if (source.state === "ok") {
    return age !== null && age > OLD_AFTER_SECONDS ? stuck() : { level: "fresh", title: "", sentence: "" };
  }
  return {
    level: SILENT_STATES.has(source.state) ? "silent" : "notice",
    title: TITLES[source.state] ?? "State not known",
    sentence: source.sentence,
  };
}

function stuck() {
  return { level: "silent", title: TITLES.stuck, sentence: "Its process may hang: what is shown is old." };
}

function silence(known, refused) {
  const last = known ? "Below is the last known state." : "Nothing is known of the book.";
  if (refused) return {
    level: known ? "silent" : "notice",
    line: "cut",
    title: "Not shown",
    sentence: `${refused} ${last}`,
  };
  const sentence = `The control service does not answer. ${last}`;
  return { level: "silent", line: "cut", title: "No connection", sentence };
}
