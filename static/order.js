// The order form's comforts: "30 June" fills in the date without a round trip, and the panel follows by itself.

const form = document.getElementById("order-form");
const endsOn = form?.querySelector('[name="ends_on"]');

/** Fill in the day that the pressed button names, and let the panel beside the form know. */
function takeQuickEnd(event) {
  const button = event.target.closest('button[name="quick_end"]');
  if (!button || !endsOn) return;
  event.preventDefault();
  endsOn.value = button.value;
  endsOn.dispatchEvent(new Event("change", { bubbles: true }));
  markChosen();
}

function markChosen() {
  for (const button of form.querySelectorAll('button[name="quick_end"]')) {
    button.setAttribute("aria-pressed", String(button.value === endsOn.value));
  }
}

if (form && endsOn) {
  form.addEventListener("click", takeQuickEnd);
  endsOn.addEventListener("change", markChosen);
  // with JavaScript the panel recalculates by itself
  for (const button of form.querySelectorAll(".no-script")) button.hidden = true;
  markChosen();
}
