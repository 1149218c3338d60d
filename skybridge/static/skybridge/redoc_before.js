"use strict";
// Before ReDoc, which would meet this page's policy twice. It writes a first style sheet before it is told the nonce.
const nonce = document.getElementById("redoc").dataset.styleNonce;
const createElement = Document.prototype.createElement;
Document.prototype.createElement = function (name, ...more) {
  const element = createElement.call(this, name, ...more);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};
// And it ends with a picture from its maker's host. That is never asked for; ReDoc is told at once that the picture does
// not come, and leaves it away.
const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
const load = function (address) {
  if (/^https?:/.test(address)) setTimeout(() => this.dispatchEvent(new Event("error")));
  else source.set.call(this, address);
};
Object.defineProperty(HTMLImageElement.prototype, "src", { ...source, set: load });
HTMLImageElement.prototype.setAttribute = function (name, value) {
  if (name === "src") load.call(this, value);
  else Element.prototype.setAttribute.call(this, name, value);
};
