// The serial console: xterm.js on our own WebSocket, raw bytes both ways.

import "./nonces.js";
import { FitAddon } from "./vendor/xterm/addon-fit.mjs";
import { Terminal } from "./vendor/xterm/xterm.mjs";

const AT_ONCE = 256; // a serial line is slow: longer pastes go in pieces
const BETWEEN_PIECES_MS = 30;

const wait = (ms) => new Promise((done) => window.setTimeout(done, ms));

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
    /** The line takes every character; it needs no keyboard layout. */
    async type(text) {
      const lines = text.replaceAll("\r\n", "\n").replaceAll("\n", "\r");
      for (let from = 0; from < lines.length; from += AT_ONCE) {
        send(lines.slice(from, from + AT_ONCE));
        await wait(BETWEEN_PIECES_MS);
      }
      return "";
    },
    close() {
      socket.close();
      terminal.dispose();
    },
  };
}
