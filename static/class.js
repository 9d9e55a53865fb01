// The student's page: what the guide's buttons do, the time that is left, and machines that open when they are seen.

import { showMachine, start, typeInto } from "./console.js";
import { filled } from "./texts.js";

const words = JSON.parse(document.getElementById("class-words").textContent);
const machines = document.getElementById("machines");
const told = document.getElementById("class-told");
const narrow = window.matchMedia("(max-width: 62rem)");
const MARKED_MINUTES = 5;
const SAID_AT = new Set([15, 5, 1]);
let toldTimer = 0;

function tell(sentence, tone) {
  window.clearTimeout(toldTimer);
  told.textContent = sentence;
  told.className = `class-told class-told-${tone}`;
  told.hidden = false;
  toldTimer = window.setTimeout(() => (told.hidden = true), 6000);
}

/** Browsers keep the clipboard from pages that do not come by https; then the old way is tried. */
async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // refused: the old way may work
    }
  }
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  field.className = "off-screen";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

const actions = {
  async copy({ text }) {
    tell(...((await copy(text)) ? [words.copied, "good"] : [words.not_copied, "bad"]));
  },
  async type({ name, text }) {
    openMachines();
    tell(...((await typeInto(name, text)) ? [filled(words.typed, { name: words.machines[name] }), "good"] : [words.not_connected, "bad"]));
  },
  console({ name }) {
    openMachines();
    if (showMachine(name)) machines.scrollIntoView({ block: "nearest" });
  },
  door({ name }) {
    window.open(`/class/doors/${encodeURIComponent(name)}`, "_blank", "noopener");
  },
  check() {
    document.getElementById("check-button").click();
  },
};

function openMachines() {
  machines.open = true;
  start();
}

async function act(event) {
  const button = event.target.closest("button[data-action]");
  const action = button && actions[button.dataset.action];
  if (!action || button.dataset.busy) return;
  button.dataset.busy = "yes";
  try {
    await action(button.dataset);
  } finally {
    delete button.dataset.busy;
  }
}

/** By this machine's clock; the server says when the class ends. */
function showTime() {
  const end = document.getElementById("class-end").dataset.ends;
  if (!end) return; // a kept seat: its day stands on the page
  const ends = Date.parse(end);
  const minutes = Math.max(0, Math.ceil((ends - Date.now()) / 60000));
  const text = document.getElementById("remaining-text");
  const sentence = minutes ? filled(words.left, { minutes }) : words.over;
  if (text.textContent === sentence) return;
  text.textContent = sentence;
  document.getElementById("remaining").classList.toggle("class-time-short", minutes <= MARKED_MINUTES);
  if (SAID_AT.has(minutes)) {
    document.getElementById("remaining-said").textContent = filled(words.minutes_left, { minutes });
  }
}

/** A new step begins at its top. */
let step = document.getElementById("guide").dataset.step;
function afterChange() {
  const now = document.getElementById("guide").dataset.step;
  if (now === step) return;
  step = now;
  const body = document.getElementById("guide-body");
  body.scrollTop = 0;
  if (narrow.matches) document.getElementById("guide").scrollIntoView();
  if (document.getElementById("guide").contains(document.activeElement)) document.getElementById("guide-title").focus();
}

/** One thing that hangs open at a time, and Escape closes it. */
function closeDrops(event) {
  for (const drop of document.querySelectorAll("details.drop[open]")) {
    if (event.key === "Escape" || (event.type === "click" && !drop.contains(event.target))) drop.open = false;
  }
}

/** A form that came to nothing must not leave somebody waiting; what the page asks by itself is asked again anyway. */
function tellTrouble(event) {
  if (event.target.closest("form")) tell(words.silent, "bad");
}

document.addEventListener("click", act);
document.addEventListener("click", closeDrops);
document.addEventListener("keydown", closeDrops);
document.addEventListener("htmx:afterSettle", afterChange);
document.addEventListener("htmx:responseError", tellTrouble);
document.addEventListener("htmx:sendError", tellTrouble);
machines.addEventListener("toggle", () => machines.open && start());
showTime();
window.setInterval(showTime, 1000);
if (narrow.matches) machines.open = false;
else start();
