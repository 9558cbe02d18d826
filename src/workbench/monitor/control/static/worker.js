// Keeps the page itself, so that it opens without a network and shows what was known last. Never keeps an answer.

const KEPT = "VERSION";
const PAGE = [
  "/", "/theme.css", "/bar.css", "/panels.css", "/phone.css", "/manifest.webmanifest", "/icon.svg",
  "/dom.js", "/format.js", "/rungs.js", "/clock.js", "/silence.js", "/mode.js", "/room.js", "/phone.js", "/link.js",
  "/freshness.js",
  "/ask.js", "/controls.js", "/more.js", "/outcome.js", "/login.js", "/incidents.js", "/proposals.js", "/numbers.js",
  "/procedures.js", "/contacts.js",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(PAGE)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const dropped = (names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(dropped).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== self.location.origin) return;
  if (!PAGE.includes(address.pathname)) return;
  const kept = () => caches.open(KEPT).then((cache) => cache.match(address.pathname));
  event.respondWith(kept().then((found) => found ?? fetch(event.request)));
});
