// Links that are shown once: loading the page again leads to the class, and never sends the form a second time.

const shown = document.querySelector("[data-shown-once]");
if (shown) history.replaceState(null, "", shown.dataset.shownOnce);
