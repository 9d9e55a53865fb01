// The console page: two tabs, one connection each, a state that is said aloud, and typing what was pasted.

import { openGraphical } from "./graphical.js";
import { openSerial } from "./serial.js";

const root = document.getElementById("console");
const words = JSON.parse(document.getElementById("console-words").textContent);
const state = document.getElementById("console-state");
const screens = { graphical: document.getElementById("screen-graphical"), serial: document.getElementById("screen-serial") };
const tabs = { graphical: document.getElementById("tab-graphical"), serial: document.getElementById("tab-serial") };
const openers = { graphical: openGraphical, serial: openSerial };
const open = { graphical: null, serial: null };
const tries = { graphical: 0, serial: 0 };
const MOST_TRIES = 5;
const FINAL = new Set([1000, 4401, 4403, 4409, 4410, 4429]); // trying again by ourselves would not help
let shown = "graphical";
let timer = 0;

function say(text, tone = "calm") {
  state.textContent = text;
  state.className = `badge-state tone-${tone}`;
}

/** A ticket opens one console once. It is asked for right before it is used. */
async function ticketFor(kind) {
  const form = new FormData();
  form.set("csrf_token", root.dataset.csrf);
  form.set("kind", kind);
  const answer = await fetch(root.dataset.tickets, { method: "POST", body: form, headers: { Accept: "application/json" } });
  if (answer.redirected || answer.status === 400 || answer.status === 401) {
    window.location.reload(); // logged out, or the page is too old: the server knows what to show
    throw new Error(words.closed["4401"]);
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

function addressOf(path) {
  const address = new URL(path, window.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

async function connect(kind) {
  window.clearTimeout(timer);
  if (open[kind]) open[kind].close();
  open[kind] = null;
  say(words.connecting, "wait");
  try {
    const { ticket, url } = await ticketFor(kind);
    const console_ = openers[kind](screens[kind], addressOf(url), ["binary", `vivero.ticket.${ticket}`], {
      opened: () => opened(kind),
      closed: (code) => closed(kind, console_, code),
      leave: leaveScreen,
      label: words.screens[kind],
    });
    open[kind] = console_;
  } catch (error) {
    say(error.message, "bad");
  }
}

function opened(kind) {
  tries[kind] = 0;
  if (kind !== shown) return;
  say(words.connected, "good");
  open[kind].focus();
}

function closed(kind, console_, code) {
  if (open[kind] !== console_) return; // an earlier one, replaced already
  open[kind] = null;
  if (kind !== shown) return;
  say(words.closed[String(code)] || words.lost, "bad");
  if (FINAL.has(code) || tries[kind] >= MOST_TRIES) return;
  tries[kind] += 1;
  timer = window.setTimeout(() => connect(kind), 1000 * 2 ** tries[kind]);
}

function show(kind) {
  shown = kind;
  for (const name of Object.keys(tabs)) {
    const chosen = name === kind;
    tabs[name].setAttribute("aria-selected", String(chosen));
    tabs[name].tabIndex = chosen ? 0 : -1;
    document.getElementById(`panel-${name}`).hidden = !chosen;
  }
  for (const part of document.querySelectorAll("[data-only]")) part.hidden = part.dataset.only !== kind;
  history.replaceState(null, "", `#${kind}`);
  if (open[kind]) {
    say(words.connected, "good");
    open[kind].fit();
  } else {
    connect(kind);
  }
}

/** Keyboards must find a way out of a screen that swallows every key (WCAG 2.1.2). */
function leaveScreen() {
  document.getElementById("leave-target").focus();
  say(words.left, "calm");
}

for (const [kind, tab] of Object.entries(tabs)) {
  tab.addEventListener("click", () => show(kind));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = kind === "graphical" ? "serial" : "graphical";
    tabs[other].focus();
    show(other);
  });
}

document.getElementById("reconnect").addEventListener("click", () => {
  tries[shown] = 0;
  connect(shown);
});
document.getElementById("ctrl-alt-del").addEventListener("click", () => {
  if (open.graphical) open.graphical.ctrlAltDel();
});
document.getElementById("full-screen").addEventListener("click", () => screens[shown].requestFullscreen());
document.getElementById("paste-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.getElementById("paste-text");
  const layout = document.getElementById("paste-layout").value;
  if (!open[shown] || !text.value) return;
  const missing = await open[shown].type(text.value, layout);
  say(missing ? `${words.untypable} ${missing}` : words.typed, missing ? "wait" : "good");
  if (!missing) text.value = "";
  open[shown]?.focus();
});
window.addEventListener("resize", () => open[shown]?.fit());
window.addEventListener("pagehide", () => Object.values(open).forEach((one) => one?.close()));

root.hidden = false;
show(window.location.hash === "#serial" ? "serial" : "graphical");
