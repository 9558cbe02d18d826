// The frame around the board: what Voila's program calls while it starts, and what is said until the board is there.

const LATE_AFTER_MS = 15000;
const LATE = "This takes longer than it should. See the terminal of workbench monitor, or reload the page.";

function say(text) {
  const place = document.getElementById("loading_text");
  if (place) place.textContent = text;
}

function boardIsThere() {
  return document.querySelector(".risk-board > *, #rendered_cells .trouble") !== null;
}

function uncover(observer) {
  if (!boardIsThere()) return;
  observer.disconnect();
  document.getElementById("loading")?.remove();
}

window.voila_heartbeat = () => say("Still starting this page's own process");
window.voila_process = () => undefined;
window.update_loading_text = () => undefined;
window.display_cells = () => say("Drawing the board");
window.voila_finish = window.display_cells;
window.cellLoaded = true;

document.addEventListener("DOMContentLoaded", () => {
  const observer = new MutationObserver(() => uncover(observer));
  observer.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => say(LATE), LATE_AFTER_MS);
});
