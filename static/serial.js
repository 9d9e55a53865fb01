// The serial console: xterm.js on our own WebSocket, raw bytes both ways.

import "./nonces.js";
import { isBeyondAscii, isControl, tidy } from "./texts.js";
import { FitAddon } from "./vendor/xterm/addon-fit.mjs";
import { Terminal } from "./vendor/xterm/xterm.mjs";

const AT_ONCE = 64; // a serial line is slow: longer texts go in pieces of so many characters
const BETWEEN_PIECES_MS = 30;

const wait = (ms) => new Promise((done) => window.setTimeout(done, ms));

/** The text in pieces. A line needs no keyboard; it takes every character, but the machine must know it. */
function piecesOf(text) {
  const characters = [...tidy(text)]; // by character, never by its halves
  const different = [...new Set(characters)];
  const pieces = [];
  for (let from = 0; from < characters.length; from += AT_ONCE) {
    pieces.push(characters.slice(from, from + AT_ONCE).join("").replaceAll("\n", "\r"));
  }
  return {
    pieces,
    size: AT_ONCE,
    total: characters.length,
    missing: different.filter(isControl),
    byLayout: [],
    byCharacterSet: different.filter(isBeyondAscii),
  };
}

export function openSerial(screen, address, protocols, on) {
  screen.replaceChildren();
  const terminal = new Terminal({
    cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    fontFamily: 'ui-monospace, "DejaVu Sans Mono", Consolas, monospace',
    fontSize: 15,
    screenReaderMode: true,
    scrollback: 5000,
    theme: { background: "#0b0f0d", foreground: "#e7efea", cursor: "#6fd3a1" },
  });
  const fitter = new FitAddon();
  terminal.loadAddon(fitter);
  terminal.open(screen);
  fitter.fit();
  const socket = new WebSocket(address, protocols);
  socket.binaryType = "arraybuffer";
  const bytes = new TextEncoder();
  const send = (text) => socket.readyState === WebSocket.OPEN && socket.send(bytes.encode(text));

  socket.addEventListener("open", () => on.opened());
  socket.addEventListener("message", (event) => terminal.write(new Uint8Array(event.data)));
  socket.addEventListener("close", (event) => on.closed(event.code));
  terminal.onData(send);
  terminal.attachCustomKeyEventHandler((event) => {
    if (!(event.type === "keydown" && event.ctrlKey && event.altKey && event.shiftKey)) return true;
    terminal.blur();
    on.leave();
    return false;
  });

  return {
    focus: () => terminal.focus(),
    fit: () => fitter.fit(),
    ctrlAltDel: () => undefined,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    plan: piecesOf,
    async send(piece) {
      send(piece);
      await wait(BETWEEN_PIECES_MS);
    },
    close() {
      socket.close();
      terminal.dispose();
    },
  };
}
