// xterm.js writes style elements and style attributes. Our content policy lets in what carries the page's nonce and
// what is set through the object model, so both are led that way; the policy stays as strict as everywhere.

const nonce = document.querySelector("script[nonce]")?.nonce || "";
const createElement = document.createElement.bind(document);
const setAttribute = Element.prototype.setAttribute;

document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};

Element.prototype.setAttribute = function setWithinPolicy(name, value) {
  if (name === "style" && this.style) this.style.cssText = value;
  else setAttribute.call(this, name, value);
};
