// Building and touching the page. Data reaches it as text only, and only where the text has changed.

const LONGEST_TEXT = 400;

export function plain(value) {
  // control characters, and marks that turn the order of what follows, would only hide what a text is
  const text = String(value ?? "").replace(/[\u0000-\u001f\u007f]/g, " ").replace(/[\u202a-\u202e]/g, "");
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

// A name inside a sentence: whatever direction it is written in, the words around it keep theirs.
export function isolated(name) {
  return `\u2068${plain(name).replace(/[\u2066-\u2069]/g, "")}\u2069`;
}

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function mark(node, name, value) {
  if (value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

export function reveal(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

export function figure(key, extra = "") {
  return make("span", { class: `figure ${extra}`.trim(), "data-key": key });
}

export function put(node, value, text) {
  mark(node, "data-value", value ?? "");
  write(node, text);
}

export function panel(id, title, extra = "") {
  const heading = make("h2", { id: `${id}-title`, text: title });
  const aside = make("span", { class: "aside" });
  const trouble = make("p", { class: "trouble", hidden: "" });
  const body = make("div", { class: "body" });
  const head = make("div", { class: "head" }, heading, aside);
  const element = make(
    "section",
    { id, class: `panel ${extra}`.trim(), "aria-labelledby": heading.id },
    head,
    trouble,
    body,
  );
  return { element, heading, aside, trouble, body };
}

export function scroller(label, child) {
  return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, child);
}
