// The frame around an incident review: what Voila's program calls, and how far the review is until it is drawn.

const EVERY_MS = 250;
const opened = performance.now();
let partBegan = opened;
let partsSeen = 0;

window.voila_heartbeat = () => undefined;
window.voila_process = () => undefined;
window.update_loading_text = () => undefined;
window.display_cells = () => undefined;
window.voila_finish = () => undefined;
window.cellLoaded = true;

function seconds(since) {
  return `${Math.round((performance.now() - since) / 1000)} s`;
}

function tell(loading, done) {
  const parts = Number(loading.dataset.parts);
  const titles = document.querySelectorAll(".words h2");
  const title = titles.length ? titles[titles.length - 1].firstChild.textContent : "starting this page's own process";
  const part = Math.min(done + 1, parts);
  document.getElementById("loading_bar").value = done / parts;
  document.getElementById("loading_text").textContent =
    done < parts
      ? `Part ${part} of ${parts}: ${title}, ${seconds(partBegan)}; ${seconds(opened)} in all`
      : "Drawing the page";
}

function watch() {
  const loading = document.getElementById("loading");
  if (!loading) return;
  const done = document.querySelectorAll("#rendered_cells > .part").length;
  if (done !== partsSeen) [partsSeen, partBegan] = [done, performance.now()];
  const drawn = document.querySelector(".output .jp-OutputArea-output, .output .lm-Widget, .trouble:not(noscript *)");
  if (document.readyState !== "loading" && drawn) loading.remove();
  else tell(loading, done);
}

document.addEventListener("readystatechange", watch);
setInterval(watch, EVERY_MS);
