// The graphical console: noVNC on our own WebSocket.

import RFB from "./vendor/novnc/core/rfb.js";
import { strokesFor } from "./keyboards.js";

const BETWEEN_KEYS_MS = 12; // guests under emulation lose keys that come faster

const wait = (ms) => new Promise((done) => window.setTimeout(done, ms));

export function openGraphical(screen, address, protocols, on) {
  screen.replaceChildren();
  const socket = new WebSocket(address, protocols);
  socket.binaryType = "arraybuffer";
  const rfb = new RFB(screen, socket, { shared: true });
  let over = false;
  rfb.scaleViewport = true;
  rfb.background = "#0b0f0d";
  rfb.addEventListener("connect", () => {
    screen.querySelector("canvas")?.setAttribute("aria-label", on.label);
    on.opened();
  });
  socket.addEventListener("close", (event) => {
    over = true;
    on.closed(event.code);
  });

  function wayOut(event) {
    if (!(event.ctrlKey && event.altKey && event.shiftKey)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    rfb.blur();
    on.leave();
  }
  screen.addEventListener("keydown", wayOut, { capture: true });

  async function press(stroke) {
    const held = [
      ...(stroke.shift ? [["ShiftLeft", 0xffe1]] : []),
      ...(stroke.altgr ? [["AltRight", 0xfe03]] : []),
    ];
    for (const [code, keysym] of held) rfb.sendKey(keysym, code, true);
    rfb.sendKey(stroke.keysym, stroke.code, true);
    await wait(BETWEEN_KEYS_MS);
    rfb.sendKey(stroke.keysym, stroke.code, false);
    for (const [code, keysym] of held.reverse()) rfb.sendKey(keysym, code, false);
    await wait(BETWEEN_KEYS_MS);
  }

  return {
    focus: () => rfb.focus(),
    fit: () => undefined, // scaleViewport follows the size by itself
    ctrlAltDel: () => rfb.sendCtrlAltDel(),
    /** Type the text key by key as on the guest's keyboard; returns the characters that it does not have. */
    async type(text, layout) {
      const missing = new Set();
      for (const character of text.replaceAll("\r\n", "\n")) {
        const strokes = strokesFor(character, layout);
        if (!strokes) missing.add(character);
        for (const stroke of strokes || []) {
          if (over) return "";
          await press(stroke);
        }
      }
      return [...missing].join(" ");
    },
    close() {
      screen.removeEventListener("keydown", wayOut, { capture: true });
      rfb.disconnect();
    },
  };
}
