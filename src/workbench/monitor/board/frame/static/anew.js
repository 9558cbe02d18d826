// A page that opens itself anew says how old its last numbers are until the board is there, and does not wait for ever.
"use strict";

(() => {
  // written by the board, see its anew.js
  const NOTE = "risk-monitor-anew";
  const note = JSON.parse(sessionStorage.getItem(NOTE) ?? "{}");
  // the board takes them away once it has numbers
  if (!note.choices) return;
  const TURN_MS = 250;
  const PATIENCE_SECONDS = 30;
  const LONGEST_SECONDS = 120;
  const ANSWER_WITHIN_MS = 2000;

  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const boardIsThere = () => document.querySelector(".risk-board > *") !== null;

  function count() {
    const cover = document.getElementById("loading");
    const place = document.getElementById("loading_old");
    if (!cover || note.since === null) return;
    cover.classList.add("old");
    place.hidden = false;
    place.textContent = `Nothing new for ${(now() - note.since).toFixed(1)} s: the page opens itself anew.`;
  }

  // nobody stands before a screen on a wall to load it again
  async function openAnew() {
    if (boardIsThere()) return;
    try {
      await fetch("/favicon.ico", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    } catch {
      setTimeout(openAnew, PATIENCE_SECONDS * 1000);
      return;
    }
    sessionStorage.setItem(NOTE, JSON.stringify({ ...note, tries: note.tries + 1, at: now() }));
    window.location.reload();
  }

  document.addEventListener("DOMContentLoaded", () => {
    count();
    const counting = setInterval(() => (boardIsThere() ? clearInterval(counting) : count()), TURN_MS);
    setTimeout(openAnew, Math.min(PATIENCE_SECONDS * note.tries, LONGEST_SECONDS) * 1000);
  });
})();
