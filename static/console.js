// The console page: two tabs, one connection each, a state that is said aloud, and typing what was pasted.

import { openGraphical } from "./graphical.js";
import { pasteForm } from "./paste.js";
import { openSerial } from "./serial.js";

const root = document.getElementById("console");
const words = JSON.parse(document.getElementById("console-words").textContent);
const state = document.getElementById("console-state");
const screens = { graphical: document.getElementById("screen-graphical"), serial: document.getElementById("screen-serial") };
const tabs = { graphical: document.getElementById("tab-graphical"), serial: document.getElementById("tab-serial") };
const openers = { graphical: openGraphical, serial: openSerial };
const open = { graphical: null, serial: null };
const tries = { graphical: 0, serial: 0 };
const turns = { graphical: 0, serial: 0 }; // each connecting has a number; only the newest may open a console
const MOST_TRIES = 5;
const SHUT_OUT = new Set([4401, 4403]);
const FINAL = new Set([1000, 4401, 4403, 4409, 4410, 4429]); // trying again by ourselves would not help
let shown = "graphical";
let timer = 0;

function say(text, tone = "calm") {
  state.textContent = text;
  state.className = `badge-state tone-${tone}`;
}

/** Trouble that the server explained, and that waiting does not mend. */
class Refused extends Error {}

/** A ticket opens one console once. It is asked for right before it is used. */
async function ticketFor(kind) {
  const form = new FormData();
  form.set("csrf_token", root.dataset.csrf);
  form.set("kind", kind);
  const answer = await fetch(root.dataset.tickets, { method: "POST", body: form, headers: { Accept: "application/json" } });
  if (answer.redirected || answer.status === 400 || answer.status === 401) {
    window.location.reload(); // logged out, or the page is too old: the server knows what to show
    throw new Refused(words.closed["4401"]);
  }
  if (answer.status >= 500) throw new Error(answer.statusText);
  const told = await answer.json();
  if (!answer.ok) throw new Refused(told.error);
  return told;
}

function addressOf(path) {
  const address = new URL(path, window.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

async function connect(kind) {
  window.clearTimeout(timer);
  const turn = ++turns[kind];
  open[kind]?.close();
  open[kind] = null;
  say(words.connecting, "wait");
  let ticket;
  try {
    ticket = await ticketFor(kind);
  } catch (error) {
    if (turn !== turns[kind] || kind !== shown) return;
    if (error instanceof Refused) say(error.message, "bad");
    else tryLater(kind, words.silent);
    return;
  }
  if (turn === turns[kind]) openConsole(kind, ticket);
}

function openConsole(kind, { ticket, url }) {
  const console_ = openers[kind](screens[kind], addressOf(url), ["binary", `vivero.ticket.${ticket}`], {
    opened: () => opened(kind),
    closed: (code) => closed(kind, console_, code),
    leave: leaveScreen,
    label: words.screens[kind],
  });
  open[kind] = console_;
}

/** Say what happened and try again after a while, each time after a longer one. */
function tryLater(kind, sentence) {
  if (tries[kind] >= MOST_TRIES) {
    say(`${sentence} ${words.given_up}`, "bad");
    return;
  }
  tries[kind] += 1;
  say(`${sentence} ${words.again}`, "wait");
  timer = window.setTimeout(() => connect(kind), 1000 * 2 ** tries[kind]);
}

/** What a machine has shown is not for whoever sits down here next. */
function clearScreens() {
  for (const kind of Object.keys(screens)) {
    turns[kind] += 1;
    open[kind]?.close();
    open[kind] = null;
    screens[kind].replaceChildren();
  }
  paste.forget();
}

function opened(kind) {
  tries[kind] = 0;
  if (kind !== shown) return;
  say(words.connected, "good");
  open[kind].focus();
  paste.advise();
}

function closed(kind, console_, code) {
  if (open[kind] !== console_) return; // an earlier one, replaced already
  open[kind] = null;
  const sentence = words.closed[String(code)] || words.lost;
  if (SHUT_OUT.has(code)) clearScreens();
  if (kind !== shown && !SHUT_OUT.has(code)) return;
  if (FINAL.has(code)) say(sentence, "bad");
  else tryLater(kind, sentence);
}

function show(kind) {
  window.clearTimeout(timer);
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
    say(open[kind].isOpen() ? words.connected : words.connecting, open[kind].isOpen() ? "good" : "wait");
    open[kind].fit();
  } else {
    connect(kind);
  }
  paste.advise();
}

/** Keyboards must find a way out of a screen that swallows every key (WCAG 2.1.2). */
function leaveScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
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
window.addEventListener("resize", () => open[shown]?.fit());
window.addEventListener("pagehide", () => Object.values(open).forEach((one) => one?.close()));

const paste = pasteForm(words.paste, { shown: () => open[shown], done: () => open[shown]?.focus() });
root.hidden = false;
show(window.location.hash === "#serial" ? "serial" : "graphical");
