// Consoles in tabs: one connection each, a state that is said aloud, and typing what was pasted.

import { openGraphical } from "./graphical.js";
import { pasteForm } from "./paste.js";
import { openSerial } from "./serial.js";

const root = document.getElementById("console");
const words = JSON.parse(document.getElementById("console-words").textContent);
const state = document.getElementById("console-state");
const tabs = [...root.querySelectorAll("[role=tab]")];
const MANY = new Set(tabs.map((tab) => tab.dataset.machine)).size > 1;
// one place a tab: a machine's screen or its line. `turn` numbers each connecting; only the newest may open a console
const places = Object.fromEntries(
  tabs.map((tab) => {
    const { place: key, kind, machine } = tab.dataset;
    return [key, { key, kind, machine, tab, screen: document.getElementById(`screen-${key}`), open: null, tries: 0, turn: 0 }];
  }),
);
const openers = { graphical: openGraphical, serial: openSerial };
const MOST_TRIES = 5;
const SHUT_OUT = new Set([4401, 4403, 4404]);
const FINAL = new Set([1000, 4401, 4403, 4404, 4409, 4410, 4429]); // trying again by ourselves would not help
const TURNED = 4423; // looking and touching have changed: begin again at once
const LONGEST_WAIT_MS = 15000;
let shown = null;
let timer = 0;

function say(text, tone = "calm") {
  state.textContent = text;
  state.className = `badge-state tone-${tone}`;
}

/** Trouble that the server explained, and that waiting does not mend. */
class Refused extends Error {}

/** A ticket opens one console once. It is asked for right before it is used. */
async function ticketFor(place) {
  const form = new FormData();
  form.set("csrf_token", root.dataset.csrf);
  form.set("kind", place.kind);
  if (place.machine) form.set("machine", place.machine);
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

async function connect(place) {
  window.clearTimeout(timer);
  const turn = ++place.turn;
  place.open?.close();
  place.open = null;
  say(words.connecting, "wait");
  let ticket;
  try {
    ticket = await ticketFor(place);
  } catch (error) {
    if (turn !== place.turn || place !== shown) return;
    if (error instanceof Refused) say(error.message, "bad");
    else tryLater(place, words.silent);
    return;
  }
  if (turn === place.turn) openConsole(place, ticket);
}

function openConsole(place, { ticket, url }) {
  const console_ = openers[place.kind](place.screen, addressOf(url), ["binary", `vivero.ticket.${ticket}`], {
    opened: () => opened(place),
    closed: (code) => closed(place, console_, code),
    leave: leaveScreen,
    label: MANY ? `${words.screens[place.kind]}: ${place.tab.textContent.trim()}` : words.screens[place.kind],
  });
  place.open = console_;
}

/** Say what happened and try again after a while, each time after a longer one. */
function tryLater(place, sentence) {
  if (place.tries >= MOST_TRIES) {
    say(`${sentence} ${words.given_up}`, "bad");
    return;
  }
  place.tries += 1;
  say(`${sentence} ${words.again}`, "wait");
  timer = window.setTimeout(() => connect(place), 1000 * 2 ** place.tries);
}

/** What a machine has shown is not for whoever sits down here next. */
function clearScreens() {
  for (const place of Object.values(places)) {
    place.turn += 1;
    place.open?.close();
    place.open = null;
    place.screen.replaceChildren();
  }
  paste.forget();
}

function opened(place) {
  place.tries = 0;
  if (place !== shown) return;
  say(words.connected, "good");
  if (!keepFocus()) place.open.focus();
  paste.advise();
}

/** Who writes elsewhere on the page is not torn away from there. */
function keepFocus() {
  const active = document.activeElement;
  return active !== null && active !== document.body && !root.contains(active);
}

function closed(place, console_, code) {
  if (place.open !== console_) return; // an earlier one, replaced already
  place.open = null;
  const sentence = words.closed[String(code)] || words.lost;
  if (SHUT_OUT.has(code)) clearScreens();
  if (place !== shown && !SHUT_OUT.has(code)) return;
  if (code === TURNED) connect(place);
  else if (FINAL.has(code)) say(sentence, "bad");
  else tryLater(place, sentence);
}

function show(place) {
  window.clearTimeout(timer);
  shown = place;
  for (const one of Object.values(places)) {
    const chosen = one === place;
    one.tab.setAttribute("aria-selected", String(chosen));
    one.tab.tabIndex = chosen ? 0 : -1;
    document.getElementById(`panel-${one.key}`).hidden = !chosen;
  }
  for (const part of root.querySelectorAll("[data-only]")) part.hidden = part.dataset.only !== place.kind;
  history.replaceState(null, "", `#${place.key}`);
  if (place.open) {
    say(place.open.isOpen() ? words.connected : words.connecting, place.open.isOpen() ? "good" : "wait");
    place.open.fit();
  } else {
    connect(place);
  }
  paste.advise();
}

/** Keyboards must find a way out of a screen that swallows every key (WCAG 2.1.2). */
function leaveScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  document.getElementById("leave-target").focus();
  say(words.left, "calm");
}

for (const [number, tab] of tabs.entries()) {
  tab.addEventListener("click", () => show(places[tab.dataset.place]));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const other = tabs.at((number + step) % tabs.length);
    other.focus();
    show(places[other.dataset.place]);
  });
}

document.getElementById("reconnect").addEventListener("click", () => {
  shown.tries = 0;
  connect(shown);
});
document.getElementById("ctrl-alt-del").addEventListener("click", () => shown.open?.ctrlAltDel());
document.getElementById("full-screen").addEventListener("click", () => shown.screen.requestFullscreen());
window.addEventListener("resize", () => shown?.open?.fit());
window.addEventListener("pagehide", () => Object.values(places).forEach((place) => place.open?.close()));

const paste = pasteForm(words.paste, { shown: () => shown?.open ?? null, done: () => shown?.open?.focus() });

/** Begin with the tab that the address names, else with the first. */
export function start() {
  if (shown) return;
  root.hidden = false;
  show(places[window.location.hash.slice(1)] ?? places[tabs[0].dataset.place]);
}

/** Bring this machine to the front, as it was looked at last; false if there is none of this name. */
export function showMachine(machine) {
  if (shown?.machine === machine) return true;
  const place = Object.values(places).find((one) => one.machine === machine);
  if (!place) return false;
  root.hidden = false;
  show(place);
  return true;
}

/** Type a text into this machine. True once it has been typed to its end. */
export async function typeInto(machine, text) {
  if (!showMachine(machine)) return false;
  const until = Date.now() + LONGEST_WAIT_MS;
  while (!shown.open?.isOpen()) {
    if (Date.now() > until) return false;
    await new Promise((done) => window.setTimeout(done, 100));
  }
  return paste.type(text);
}

if (!("waits" in root.dataset)) start();
