// The calendar by keyboard: arrow keys go from day to day and on to the next sheet, t goes to today.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const calendar = document.getElementById("calendar");

/** "2026-03-02" and so many days later. */
function later(day, days) {
  const at = new Date(`${day}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** The day may stand on another sheet: that one is opened at it. */
function goTo(day) {
  const there = document.getElementById(`day-${day}`);
  if (there) {
    there.focus();
    return;
  }
  const address = new URL(document.getElementById("calendar-after").href);
  address.searchParams.set("day", day);
  address.hash = `day-${day}`;
  window.location.assign(address);
}

function isElsewhere(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** Up and down scroll the page unless a day has the focus. */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || isElsewhere(event.target)) return;
  if (event.key === "t") {
    window.location.assign(document.getElementById("calendar-today").href);
    return;
  }
  const here = event.target.closest("[data-day]");
  const step = STEPS[event.key];
  if (!step || (!here && Math.abs(step) > 1)) return;
  event.preventDefault();
  const first = calendar.querySelector('[aria-current="date"]') ?? calendar.querySelector("[data-day]");
  if (here) goTo(later(here.dataset.day, step));
  else first.focus();
}

/** A link to a day gives it the focus, so that the arrows go on from there. */
function focusAskedDay() {
  const id = window.location.hash.slice(1);
  if (id.startsWith("day-")) document.getElementById(id)?.focus();
}

if (calendar) {
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", focusAskedDay);
  focusAskedDay();
}
