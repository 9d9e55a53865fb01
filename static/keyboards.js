// Which keys write a character on a Spanish or an American keyboard: [code, shift, AltGr], dead keys as two strokes.

import { isBeyondAscii, tidy } from "./texts.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const SHIFT = { shift: true };
const ALTGR = { altgr: true };

function key(code, keysym, held = {}) {
  return { code, keysym, shift: false, altgr: false, ...held };
}

const writes = (code, character, held) => [key(code, character.codePointAt(0), held)];

function letters() {
  const table = {};
  for (const letter of LETTERS) {
    const code = `Key${letter.toUpperCase()}`;
    table[letter] = writes(code, letter);
    table[letter.toUpperCase()] = writes(code, letter.toUpperCase(), SHIFT);
  }
  return table;
}

function common() {
  return { ...letters(), " ": writes("Space", " "), "\n": [key("Enter", 0xff0d)], "\t": [key("Tab", 0xff09)] };
}

/** Rows of "code plain shifted AltGr"; ∅ where there is nothing to type. */
function rows(lines) {
  const table = {};
  for (const line of lines) {
    const [code, ...written] = line.split(" ");
    written.forEach((character, level) => {
      if (character !== "∅") table[character] = writes(code, character, [{}, SHIFT, ALTGR][level]);
    });
  }
  return table;
}

const SPANISH_ROWS = [
  "Backquote º ª \\",
  "Digit1 1 ! |",
  'Digit2 2 " @',
  "Digit3 3 · #",
  "Digit5 5 % ∅",
  "Digit6 6 & ¬",
  "Digit7 7 / ∅",
  "Digit8 8 ( ∅",
  "Digit9 9 ) ∅",
  "Digit0 0 = ∅",
  "Minus ' ? ∅",
  "Equal ¡ ¿ ∅",
  "BracketLeft ∅ ∅ [",
  "BracketRight + * ]",
  "Semicolon ñ Ñ ∅",
  "Quote ∅ ∅ {",
  "Backslash ç Ç }",
  "IntlBackslash < > ∅",
  "Comma , ; ∅",
  "Period . : ∅",
  "Slash - _ ∅",
  "KeyE ∅ ∅ €",
];

const AMERICAN_ROWS = [
  "Backquote ` ~",
  "Digit1 1 !",
  "Digit2 2 @",
  "Digit3 3 #",
  "Digit4 4 $",
  "Digit5 5 %",
  "Digit6 6 ^",
  "Digit7 7 &",
  "Digit8 8 *",
  "Digit9 9 (",
  "Digit0 0 )",
  "Minus - _",
  "Equal = +",
  "BracketLeft [ {",
  "BracketRight ] }",
  "Backslash \\ |",
  "Semicolon ; :",
  "Quote ' \"",
  "Comma , <",
  "Period . >",
  "Slash / ?",
];

/** Accents are dead keys: first the accent, then the letter (or a space for the accent itself). */
const ACUTE = key("Quote", 0xfe51);
const DIAERESIS = key("Quote", 0xfe57, SHIFT);
const GRAVE = key("BracketLeft", 0xfe50);
const CIRCUMFLEX = key("BracketLeft", 0xfe52, SHIFT);
const TILDE = key("Digit4", 0xfe53, ALTGR);
const ACCENTS = [
  [ACUTE, "áéíóúÁÉÍÓÚ", "aeiouAEIOU"],
  [DIAERESIS, "äëïöüÄËÏÖÜ", "aeiouAEIOU"],
  [GRAVE, "àèìòùÀÈÌÒÙ", "aeiouAEIOU"],
  [CIRCUMFLEX, "âêîôûÂÊÎÔÛ", "aeiouAEIOU"],
];

function dead(table, accents) {
  const found = {};
  for (const [accent, accented, plain] of accents) {
    [...accented].forEach((letter, place) => {
      found[letter] = [accent, ...table[plain[place]]];
    });
  }
  return found;
}

/** As Linux reads it (the console's es.kmap and xkb's es): the tilde of AltGr + 4 comes at once, and the accents
 * ´ and ¨ alone cannot be relied on: a text console makes ' and " of them. */
function spanish() {
  const table = { ...common(), ...rows([...SPANISH_ROWS, "Digit4 4 $ ~"]) };
  const alone = { "`": [GRAVE, ...table[" "]], "^": [CIRCUMFLEX, ...table[" "]] };
  return { ...table, ...dead(table, ACCENTS), ...alone };
}

/** As Windows reads it: AltGr + 4 waits for a letter, and each accent with a space stands alone. */
function spanishOfWindows() {
  const table = { ...spanish(), "´": [ACUTE, ...writes("Space", " ")], "¨": [DIAERESIS, ...writes("Space", " ")] };
  return { ...table, ...dead(table, [[TILDE, "ãõÃÕ~", "aoAO "]]) };
}

const LAYOUTS = {
  es: spanish(),
  "es-windows": spanishOfWindows(),
  us: { ...common(), ...rows(AMERICAN_ROWS) },
};

/** The strokes for a character, or null when the keyboard has none. */
export function strokesFor(character, layout) {
  return (LAYOUTS[layout] || LAYOUTS.es)[character] || null;
}

/** True when another keyboard has this character on other keys, or not at all. */
function dependsOnLayout(character) {
  const ways = Object.keys(LAYOUTS).map((layout) => JSON.stringify(strokesFor(character, layout)));
  return ways.some((way) => way !== ways[0]);
}

/** The whole text as keys, before the first is pressed: a character without a key must be known in time. */
export function keysFor(text, layout) {
  const characters = [...tidy(text)];
  const pieces = characters.map((character) => strokesFor(character, layout));
  const different = [...new Set(characters)];
  return {
    pieces,
    size: 1,
    total: characters.length,
    missing: different.filter((character) => !strokesFor(character, layout)),
    byLayout: different.filter((character) => dependsOnLayout(character) && !isBeyondAscii(character)),
    byCharacterSet: different.filter((character) => isBeyondAscii(character) && strokesFor(character, layout)),
  };
}
