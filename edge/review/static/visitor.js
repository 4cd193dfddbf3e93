// The screen turns by itself when the kiosk does; who is reading is left in peace meanwhile.
import { ask } from "./shared.js";

const main = document.getElementById("main"), form = document.getElementById("agree");

if (form) form.addEventListener("submit", () => {
  const button = document.getElementById("begin");
  button.textContent = button.dataset.wait;
  setTimeout(() => { button.disabled = true; }); // after the form has gone
});

// Whoever has a visit deleted is told until it is done, and then that it is.
function next(phase) {
  const isDeleting = main.dataset.phase === "deleting" || location.search === "?said=deleting";
  return isDeleting ? `/kiosk?said=${phase === "asking" ? "deleted" : "deleting"}` : "/kiosk";
}

// What was said to one visitor is not left for the next.
const SAID_MS = 20000;
if (location.search) setTimeout(() => { document.querySelector(".status").textContent = ""; history.replaceState(null, "", "/kiosk"); }, SAID_MS);

async function look() {
  try {
    const { phase } = await ask("/kiosk/state.json");
    if (phase !== main.dataset.phase) { location.replace(next(phase)); return; }
  } catch { /* the server is away for a moment: look again */ }
  setTimeout(look, 1000);
}

setTimeout(look, 1000);
