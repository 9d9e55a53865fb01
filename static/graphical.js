// The graphical console: noVNC on our own WebSocket.

import RFB from "./vendor/novnc/core/rfb.js";
import { keysFor } from "./keyboards.js";

const BETWEEN_KEYS_MS = 12; // guests under emulation lose keys that come faster
const HELD = ["ControlLeft", "ControlRight", "AltLeft", "AltRight", "ShiftLeft", "ShiftRight", "MetaLeft", "MetaRight"];

const wait = (ms) => new Promise((done) => window.setTimeout(done, ms));

/** Whoever leaves with keys held down lets them go elsewhere, and the machine would never hear of it. */
function letGo(canvas) {
  for (const code of HELD) canvas?.dispatchEvent(new KeyboardEvent("keyup", { code, bubbles: false }));
}

export function openGraphical(screen, address, protocols, on) {
  screen.replaceChildren();
  const socket = new WebSocket(address, protocols);
  socket.binaryType = "arraybuffer";
  const rfb = new RFB(screen, socket, { shared: true });
  let connected = false;
  rfb.scaleViewport = true;
  rfb.background = "#0b0f0d";
  rfb.addEventListener("connect", () => {
    screen.querySelector("canvas")?.setAttribute("aria-label", on.label);
    connected = true;
    on.opened();
  });
  socket.addEventListener("close", (event) => {
    connected = false;
    on.closed(event.code);
  });

  function wayOut(event) {
    if (!(event.ctrlKey && event.altKey && event.shiftKey)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    letGo(screen.querySelector("canvas"));
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
    isOpen: () => connected,
    /** The keys of a text on the machine's keyboard; each piece is one character. */
    plan: keysFor,
    async send(strokes) {
      for (const stroke of strokes) await press(stroke);
    },
    close() {
      connected = false;
      screen.removeEventListener("keydown", wayOut, { capture: true });
      rfb.disconnect();
    },
  };
}
