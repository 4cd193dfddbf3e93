// The screen turns by itself when the kiosk does; who is reading is left in peace meanwhile.
import { ask } from "./shared.js";

const main = document.getElementById("main"), form = document.getElementById("agree");

if (form) form.addEventListener("submit", () => {
  const button = document.getElementById("begin");
  button.textContent = button.dataset.wait;
  setTimeout(() => { button.disabled = true; }); // after the form has gone
});

async function look() {
  try {
    const { phase } = await ask("/kiosk/state.json");
    if (phase !== main.dataset.phase) { location.replace("/kiosk"); return; }
  } catch { /* the server is away for a moment: look again */ }
  setTimeout(look, 1000);
}

setTimeout(look, 1000);
