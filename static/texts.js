// Texts that are typed into a machine: how they are read, and how what cannot be typed is named.

const MOST_NAMED = 12;
const INVISIBLE = /[\p{C}\p{Z}\p{M}]/u;

/** One kind of line end, and accents together with their letters. */
export function tidy(text) {
  return text.normalize("NFC").replace(/\r\n?/g, "\n");
}

export function isBeyondAscii(character) {
  return character.codePointAt(0) > 126;
}

/** Characters that a terminal would take for commands. */
export function isControl(character) {
  return /\p{Cc}/u.test(character) && character !== "\n" && character !== "\t";
}

/** "Ł, 漢, U+200B": what cannot be seen is named by its number. */
export function named(characters) {
  const names = characters.slice(0, MOST_NAMED).map((character) => {
    const number = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return INVISIBLE.test(character) ? `U+${number}` : character;
  });
  return names.join(" ") + (characters.length > MOST_NAMED ? " …" : "");
}

/** Our sentences have places like those of the server: %(typed)s. */
export function filled(sentence, values) {
  return sentence.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}
