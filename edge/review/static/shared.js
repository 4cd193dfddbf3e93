// What the pages' scripts have in common.
export const LOST = -32768;

export function int16(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return new Int16Array(bytes.buffer); // every machine that this runs on is little-endian, as is what is sent
}

export async function ask(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || answer.statusText);
  return answer.json();
}

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "card", "edge", "ink", "ink-soft", "right", "left", "micro", "macro", "keep", "dismiss",
    "gap", "blink", "speech", "mark", "grid", "face", "focus"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
}

// A canvas as many pixels as the screen has under it; drawn in CSS pixels.
export function fitted(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.max(1, Math.round(width * ratio)), high = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

export function clock(seconds, digits = 0) {
  const sign = seconds < 0 ? "-" : "";
  const all = Number(Math.abs(seconds).toFixed(digits)); // rounded first: 59.9 s is 1:00, not 0:60
  const hours = Math.floor(all / 3600), minutes = Math.floor(all / 60) % 60;
  const rest = (all % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return sign + (hours ? hours + ":" + String(minutes).padStart(2, "0") : String(minutes)) + ":" + rest;
}

// Single keys can be switched off (WCAG 2.1.4), and never act while somebody types.
export function onKeys(actions) {
  const box = document.getElementById("keys-on");
  try { if (localStorage.getItem("keys") === "off") box.checked = false; } catch { /* no storage: stays on */ }
  box.addEventListener("change", () => {
    try { localStorage.setItem("keys", box.checked ? "on" : "off"); } catch { /* for this page then */ }
  });
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    if ((event.key === " " || event.key === "Enter") && event.target.closest("button, a, summary, input")) return;
    const action = actions[event.key];
    if (action) { event.preventDefault(); action(); }
  });
}

export function onTheme(draw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
