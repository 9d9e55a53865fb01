// Small comforts on every page; all of it works without.

/** Put the focus on the first field with an error, so that nobody has to look for it. */
function focusFirstError() {
  const wrong = document.querySelector(".has-error");
  const field = wrong?.querySelector("input:checked") ?? wrong?.querySelector("input, select, textarea");
  (field ?? document.getElementById("error-summary"))?.focus();
}

/** A form is sent once: a second click while the answer is on its way does nothing. */
function sendOnce(event) {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll('button[type="submit"]')) button.setAttribute("aria-disabled", "true");
}

/** Coming back with the browser's button, forms can be sent again. */
function allowSendingAgain() {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll('[aria-disabled="true"]')) button.removeAttribute("aria-disabled");
  }
}

focusFirstError();
document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", allowSendingAgain);
document.addEventListener("htmx:afterRequest", allowSendingAgain);
