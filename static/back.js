// A personal link: what stands behind its # is sent as a form, and taken out of the address.

function comeBack() {
  const key = decodeURIComponent(window.location.hash.slice(1));
  if (!key) return;
  history.replaceState(null, "", window.location.pathname);
  document.getElementById("key").value = key;
  document.getElementById("back-form").requestSubmit();
}

window.addEventListener("hashchange", comeBack);
comeBack();
