// Typing a pasted text into the machine: all of it, or nothing when a character has no key.

import { filled, named } from "./texts.js";

const $ = (id) => document.getElementById(id);

/** Type piece by piece until the end, the Stop button or the end of the connection; returns how that was and how far. */
async function typeOut(machine, plan, { stopped, told }) {
  for (const [place, piece] of plan.pieces.entries()) {
    const typed = place * plan.size;
    told(typed);
    if (stopped()) return { ending: "stopped", typed };
    if (machine.isOpen()) await machine.send(piece);
    if (!machine.isOpen()) return { ending: "broken", typed };
  }
  return { ending: "typed", typed: plan.total };
}

/** `shown` gives the console that is in front, or null; `done` is told when a text was typed to its end. */
export function pasteForm(words, { shown, done }) {
  const form = $("paste-form");
  const text = $("paste-text");
  const layout = $("paste-layout");
  const bar = $("paste-bar");
  let typing = false;
  let stopped = false;

  function tell(sentence, tone) {
    $("paste-told").textContent = sentence;
    $("paste-told").className = `paste-told paste-${tone}`;
    return false;
  }

  /** What is known before the first key: which characters are missing, and which depend on the machine. */
  function advise() {
    const plan = shown()?.plan(text.value, layout.value);
    const keyboard = layout.selectedOptions[0].textContent;
    const lines = [];
    if (plan?.missing.length) lines.push(filled(words.untypable, { characters: named(plan.missing) }));
    if (plan?.byLayout.length) lines.push(filled(words.by_layout, { keyboard, characters: named(plan.byLayout) }));
    if (plan?.byCharacterSet.length) {
      lines.push(filled(words.by_character_set, { characters: named(plan.byCharacterSet) }));
    }
    $("paste-advice").replaceChildren(
      ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
    );
    $("paste-advice").hidden = !lines.length;
  }

  function changeTo(active) {
    typing = active;
    stopped = false;
    $("paste-go").disabled = active;
    text.readOnly = active;
    layout.disabled = active;
    $("paste-progress").hidden = !active;
  }

  /** True if all of it was typed. */
  async function type(wanted) {
    if (typing || !wanted) return false;
    const machine = shown();
    if (!machine?.isOpen()) return tell(words.not_connected, "bad");
    const plan = machine.plan(wanted, layout.value);
    if (plan.missing.length) return tell(filled(words.nothing_typed, { characters: named(plan.missing) }), "bad");
    tell(filled(words.typing, { total: plan.total }), "calm");
    changeTo(true);
    bar.max = plan.total;
    const { ending, typed } = await typeOut(machine, plan, {
      stopped: () => stopped,
      told: (count) => (bar.value = count),
    });
    changeTo(false);
    tell(filled(words[ending], { typed, total: plan.total }), ending === "typed" ? "good" : "bad");
    if (ending === "typed") done();
    return ending === "typed";
  }

  async function typeOwn(event) {
    event.preventDefault();
    if (!(await type(text.value))) return;
    text.value = "";
    advise();
  }

  form.addEventListener("submit", typeOwn);
  text.addEventListener("input", advise);
  layout.addEventListener("change", advise);
  $("paste-stop").addEventListener("click", () => (stopped = true));
  return {
    advise,
    type,
    /** For when the log-in has ended: the text may be a password. */
    forget() {
      text.value = "";
      tell("", "calm");
      advise();
    },
  };
}
