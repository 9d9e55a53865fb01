// A draft in the editor: whoever leaves with something unsaved is asked, a text that is too large is told at once,
// and a mistake leads to its line.

const form = document.querySelector("[data-editor]");
const text = form?.querySelector("#text");
const size = document.getElementById("text-size");
let changed = Boolean(form?.querySelector(".has-error")) || Boolean(document.getElementById("changes"));

/** False for a text that the server would refuse; says so beside it. */
function fits() {
  if (!text || !form.dataset.mostBytes) return true;
  const good = new TextEncoder().encode(text.value).length <= Number(form.dataset.mostBytes);
  size.hidden = good;
  size.textContent = good ? "" : form.dataset.tooLarge;
  return good;
}

function askBeforeLeaving(event) {
  if (changed) event.preventDefault();
}

/** Put the cursor on the line and show it. */
function showLine(number) {
  const lines = text.value.split("\n");
  const begin = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(begin, begin + (lines[number - 1] ?? "").length);
  const height = parseFloat(getComputedStyle(text).lineHeight) || 20;
  text.scrollTop = Math.max(0, (number - 5) * height);
}

function followMistake(event) {
  const link = event.target.closest("a[data-line]");
  if (!link || new URL(link.href).pathname !== location.pathname) return;
  event.preventDefault();
  showLine(Number(link.dataset.line));
}

if (form) {
  form.addEventListener("input", () => {
    changed = true;
    fits();
  });
  form.addEventListener("submit", (event) => {
    if (fits()) changed = false;
    else event.preventDefault();
  });
  window.addEventListener("beforeunload", askBeforeLeaving);
  // with JavaScript the preview follows by itself
  for (const button of form.querySelectorAll(".no-script")) button.hidden = true;
}
if (text) {
  document.addEventListener("click", followMistake);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "preview" && !fits()) event.preventDefault();
  });
  const line = location.hash.match(/^#line-(\d+)$/);
  if (line) showLine(Number(line[1]));
}
