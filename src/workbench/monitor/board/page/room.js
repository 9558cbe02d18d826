// Room for what a text may say next, so that the page stands still while the text changes.

import { make, write } from "./dom.js";

export class Room {
  constructor() {
    this.element = make("div", { class: "room", "aria-hidden": "true" });
    this.width = 0;
    this.height = 0;
  }

  // each sentence lies unseen where the text stands: the place is as high as the highest of them
  reserve(sentences) {
    const { children } = this.element;
    while (children.length < sentences.length) this.element.append(make("p", { class: "next" }));
    while (children.length > sentences.length) this.element.lastChild.remove();
    sentences.forEach((sentence, place) => write(children[place], sentence));
  }

  // a box that has grown does not shrink again, as long as it is as wide as it was
  keep(box) {
    if (box.clientWidth !== this.width) {
      this.width = box.clientWidth;
      this.height = 0;
      box.style.minHeight = "";
    }
    const { height } = box.getBoundingClientRect();
    if (height <= this.height) return;
    this.height = height;
    box.style.minHeight = `${height}px`;
  }
}
