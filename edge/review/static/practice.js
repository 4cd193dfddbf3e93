// A clip is played once, asked about, and then shown again slowly with what was right.
import { colours, onKeys, onTheme } from "./shared.js";

const element = (id) => document.getElementById(id);
const words = JSON.parse(element("words").textContent), word = (text) => words[text] || text;
const main = document.getElementById("main"), form = element("question"), told = element("told");
const MAGNIFIED = 5, SLOWER = 8, LEAD_MS = 700;
let shown = null, strip = null, truth = null, run = 0, nSkipped = 0, colour = colours();

async function send(address, fields) {
  const body = new URLSearchParams({ ...fields, form_token: main.dataset.formToken });
  const answer = await fetch(address, { method: "POST", body, headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || answer.statusText);
  return answer.json();
}

function drawFrame(frame) {
  const size = shown.size_px, pen = element("clip").getContext("2d");
  pen.drawImage(strip, 0, frame * size, size, size, 0, 0, size, size);
}

function blank(withCross) {
  const size = 288, pen = element("clip").getContext("2d");
  pen.fillStyle = "#555"; pen.fillRect(0, 0, size, size);
  if (!withCross) return;
  pen.strokeStyle = "#fff"; pen.lineWidth = 2; pen.beginPath();
  pen.moveTo(size / 2 - 9, size / 2); pen.lineTo(size / 2 + 9, size / 2);
  pen.moveTo(size / 2, size / 2 - 9); pen.lineTo(size / 2, size / 2 + 9); pen.stroke();
}

// Plays by the screen's own clock; counts the pictures that it had no time for.
function play(slower, draw) {
  const mine = ++run;
  return new Promise((done) => {
    let begun = 0, last = -1;
    const turn = (now) => {
      if (mine !== run) { done(false); return; }
      begun = begun || now;
      const frame = Math.floor((now - begun) / 1000 * shown.fps / slower);
      if (frame >= shown.n_frames) { done(true); return; }
      if (frame > last + 1) nSkipped += frame - last - 1;
      if (frame > last) draw(frame);
      last = Math.max(last, frame);
      requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  });
}

async function next() {
  run++; // a replay that goes on ends here
  try {
    element("next").disabled = true; element("replay").hidden = true; element("truth").hidden = true; form.hidden = true; element("before").hidden = true;
    form.reset(); element("where").hidden = true; truth = null;
    told.textContent = word("Drawing the clip …");
    blank(false);
    shown = await send("/next", {});
    strip = new Image();
    strip.src = `/clips/${shown.number}.png`;
    await strip.decode();
    told.textContent = word("Watch.");
    blank(true);
    await new Promise((resolve) => setTimeout(resolve, LEAD_MS));
    nSkipped = 0;
    await play(1, drawFrame);
    blank(false);
    told.textContent = "";
    form.hidden = false;
    form.querySelector("input").focus();
    element("practice").dataset.ready = "asked";
  } catch (error) { told.textContent = error.message; element("next").disabled = false; }
}

async function answer(event) {
  event.preventDefault();
  const given = new FormData(form), moved = given.get("moved");
  if (moved === "yes" && (!given.get("region") || !given.get("side"))) { element("where").hidden = false; return; }
  try {
    truth = await send("/answer", { number: shown.number, moved, region: given.get("region") || "", side: given.get("side") || "", n_skipped: nSkipped });
  } catch (error) { told.textContent = error.message; element("next").disabled = false; return; }
  form.hidden = true;
  const was = truth.is_still ? word("Nothing moved but the head.")
    : `${word("It was:")} ${word(truth.region)}, ${word(truth.side)}, ${Math.round(truth.duration_ms)} ms, ${truth.amplitude_miod} miod.`;
  const verdict = truth.is_still ? word(moved === "no" ? "Right." : "There was nothing to see.")
    : moved === "no" ? word("Not seen.") : !truth.is_region_right ? word("Seen, but elsewhere.") : word(truth.is_side_right ? "Right." : "Seen, on another side.");
  told.textContent = `${verdict} ${was}${truth.is_fair ? "" : " " + word("This clip stuttered and does not count.")}`;
  element("next").disabled = false; element("replay").hidden = false; element("truth").hidden = false;
  element("practice").dataset.ready = "told";
  replay();
}

function drawPoints(frame) {
  const canvas = element("points"), pen = canvas.getContext("2d"), size = shown.size_px;
  pen.clearRect(0, 0, size, size);
  const still = truth.points[0], now = truth.points[frame], moved = new Set(truth.moved);
  const sway = [0, 1].map((axis) => now.reduce((sum, spot, k) => sum + spot[axis] - still[k][axis], 0) / now.length);
  const place = (k) => [0, 1].map((axis) => still[k][axis] + (now[k][axis] - still[k][axis] - sway[axis]) * MAGNIFIED);
  pen.strokeStyle = colour.face; pen.lineWidth = 1.25;
  for (const line of truth.lines) { pen.beginPath(); line.forEach((k, at) => at ? pen.lineTo(...place(k)) : pen.moveTo(...place(k))); pen.stroke(); }
  const isNow = frame >= truth.onset_frame && frame <= truth.offset_frame;
  now.forEach((_, k) => {
    pen.fillStyle = moved.has(k) && isNow ? colour.micro : colour["ink-soft"];
    pen.beginPath(); pen.arc(...place(k), moved.has(k) ? 3.5 : 2, 0, 2 * Math.PI); pen.fill();
  });
}

function replay() { if (truth) play(SLOWER, (frame) => { drawFrame(frame); drawPoints(frame); }); }

element("next").addEventListener("click", next);
element("replay").addEventListener("click", replay);
form.addEventListener("submit", answer);
form.addEventListener("change", () => { element("where").hidden = new FormData(form).get("moved") !== "yes"; });
onTheme(() => { colour = colours(); });
onKeys({ n: () => { if (!element("next").disabled) next(); }, r: replay });
blank(false);
element("practice").dataset.ready = "yes";
