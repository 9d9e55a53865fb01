// Which keys write a character on a Spanish or an American keyboard: [code, shift, AltGr], dead keys as two strokes.

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

function letters() {
  const table = {};
  for (const letter of LETTERS) {
    const code = `Key${letter.toUpperCase()}`;
    table[letter] = [{ code }];
    table[letter.toUpperCase()] = [{ code, shift: true }];
  }
  return table;
}

function common() {
  return { ...letters(), " ": [{ code: "Space" }], "\n": [{ code: "Enter" }], "\t": [{ code: "Tab" }] };
}

/** Rows of "code plain shifted AltGr"; a dot where there is nothing to type. */
function rows(lines) {
  const table = {};
  for (const line of lines) {
    const [code, plain, shifted, altgr] = line.split(" ");
    if (plain && plain !== "∅") table[plain] = [{ code }];
    if (shifted && shifted !== "∅") table[shifted] = [{ code, shift: true }];
    if (altgr && altgr !== "∅") table[altgr] = [{ code, altgr: true }];
  }
  return table;
}

const SPANISH_ROWS = [
  "Backquote º ª \\",
  "Digit1 1 ! |",
  'Digit2 2 " @',
  "Digit3 3 · #",
  "Digit4 4 $ ∅",
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

/** The accents of the Spanish keyboard are dead keys: first the accent, then the letter (or a space for itself). */
const ACUTE = { code: "Quote" };
const DIAERESIS = { code: "Quote", shift: true };
const GRAVE = { code: "BracketLeft" };
const CIRCUMFLEX = { code: "BracketLeft", shift: true };
const TILDE = { code: "Digit4", altgr: true };
const ACCENTS = [
  [ACUTE, "áéíóú", "aeiou", "´"],
  [DIAERESIS, "äëïöü", "aeiou", "¨"],
  [GRAVE, "àèìòù", "aeiou", "`"],
  [CIRCUMFLEX, "âêîôû", "aeiou", "^"],
  [TILDE, "ãõ", "ao", "~"],
];

function accents(table) {
  const found = {};
  for (const [dead, accented, plain, alone] of ACCENTS) {
    found[alone] = [dead, { code: "Space" }];
    [...accented].forEach((letter, place) => {
      found[letter] = [dead, ...table[plain[place]]];
      found[letter.toUpperCase()] = [dead, ...table[plain[place].toUpperCase()]];
    });
  }
  return found;
}

function spanish() {
  const table = { ...common(), ...rows(SPANISH_ROWS) };
  return { ...table, ...accents(table) };
}

const LAYOUTS = { es: spanish(), us: { ...common(), ...rows(AMERICAN_ROWS) } };
const NAMED_KEYSYMS = { "\n": 0xff0d, "\t": 0xff09 };

/** The strokes for a character, or null when the keyboard has none. */
export function strokesFor(character, layout) {
  const strokes = (LAYOUTS[layout] || LAYOUTS.es)[character];
  if (!strokes) return null;
  const keysym = NAMED_KEYSYMS[character] || character.codePointAt(0);
  return strokes.map((stroke) => ({ shift: false, altgr: false, ...stroke, keysym }));
}
