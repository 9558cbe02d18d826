// What the browser keeps for this tab while a page is loaded again. It may refuse: then nothing is kept.

export function recall(key) {
  try {
    const found = JSON.parse(sessionStorage.getItem(key) ?? "{}");
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

// whether it is kept
export function keep(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
