// One cue: points of light, magnified and slowed, and the signals beside them.
import { LOST, ask, colours, fitted, int16, onKeys, onTheme } from "./shared.js";

const viewer = document.getElementById("viewer");
const address = `/sessions/${viewer.dataset.session}/cues/`;
const words = JSON.parse(document.getElementById("words").textContent);
const said = (text) => words[text] || text;
// a signal's name ends with its side
const signalName = (name) => { const at = name.lastIndexOf("_"); return `${said(name.slice(0, at).replaceAll("_", " "))} ${said(name.slice(at + 1))}`; };
const element = (id) => document.getElementById(id);
const face = element("face"), beside = element("face-beside"), traces = element("traces"), scrub = element("scrub");
const TWO_FACES_PX = 600; // on a narrower screen one face has all of it, until another is asked for
let own = null, other = null, colour = colours(), at = 0, isPlaying = false, last = 0;

async function load(number) {
  const found = await ask(address + number + "/replay.json");
  if (found.points) {
    found.points.codes = int16(found.points.tenths_of_miod);
    found.points.still = int16(found.points.rest);
    found.frame = bounds(found.points);
  }
  if (found.signals) found.signals.values = int16(found.signals.codes);
  return found;
}

// What the face fills, so that the drawing keeps still however far its points are magnified.
function bounds(points) {
  let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
  for (let k = 0; k < points.n_points; k++) {
    const x = points.still[2 * k], y = points.still[2 * k + 1];
    if (x === LOST) continue;
    left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
  }
  return { left, right, top, bottom };
}

const seconds = (replay, frame) => replay.points ? replay.points.times_s[frame] : replay.signals.times_s[frame];
const nFrames = (replay) => (replay.points || replay.signals).n_frames;

function nearest(times, wanted) {
  let low = 0, high = times.length - 1;
  while (low < high) { const half = (low + high) >> 1; if (times[half] < wanted) low = half + 1; else high = half; }
  return low;
}

function spot(replay, frame, k, magnified) {
  const { codes, still, n_points } = replay.points;
  const restX = still[2 * k], restY = still[2 * k + 1], x = codes[2 * (frame * n_points + k)], y = codes[2 * (frame * n_points + k) + 1];
  if (restX === LOST || x === LOST) return null;
  return [restX + (x - restX) * magnified, restY + (y - restY) * magnified];
}

function drawFace(canvas, replay, frame) {
  const { pen, width, height } = fitted(canvas);
  if (!replay.points) return;
  const { left, right, top, bottom } = replay.frame;
  const zoom = 0.78 * Math.min(width / (right - left), height / (bottom - top));
  const middleX = (left + right) / 2, middleY = (top + bottom) / 2;
  const onto = ([x, y]) => [width / 2 + (x - middleX) * zoom, height / 2 + (y - middleY) * zoom];
  const rest = (k) => replay.points.still[2 * k] === LOST ? null : onto([replay.points.still[2 * k], replay.points.still[2 * k + 1]]);
  const magnified = Number(element("magnify").value);
  const moved = new Set(replay.points.moved);
  pen.lineWidth = 1.25;
  pen.strokeStyle = colour.edge;
  pen.beginPath();
  pen.ellipse(width / 2, height / 2 + (bottom - top) * zoom * 0.02, (right - left) * zoom * 0.52, (bottom - top) * zoom * 0.58, 0, 0, 2 * Math.PI);
  pen.stroke();
  pen.strokeStyle = colour.face;
  for (const line of replay.points.lines) {
    pen.beginPath();
    let isDown = false;
    for (const k of line) {
      const now = spot(replay, frame, k, magnified);
      if (!now) { isDown = false; continue; }
      const [x, y] = onto(now);
      if (isDown) pen.lineTo(x, y); else pen.moveTo(x, y);
      isDown = true;
    }
    pen.stroke();
  }
  for (let k = 0; k < replay.points.n_points; k++) {
    const now = spot(replay, frame, k, magnified), still = rest(k);
    if (still && moved.has(k)) {
      pen.strokeStyle = colour["ink-soft"];
      pen.beginPath(); pen.arc(...still, 4.5, 0, 2 * Math.PI); pen.stroke();
    }
    if (!now) continue;
    pen.fillStyle = moved.has(k) ? colour.micro : colour["ink-soft"];
    pen.beginPath(); pen.arc(...onto(now), moved.has(k) ? 4 : 2.2, 0, 2 * Math.PI); pen.fill();
  }
}

function drawTraces() {
  const { pen, width, height } = fitted(traces);
  if (!own.signals) return;
  const { values, n_frames, times_s, names, leading, miod_per_code } = own.signals;
  const all = element("all-signals").checked ? names.map((_, k) => k) : leading.slice(0, 6);
  pen.font = "12px system-ui, sans-serif";
  const widest = Math.max(...all.map((k) => pen.measureText(signalName(names[k])).width));
  const begin = times_s[0], span = (times_s[n_frames - 1] - begin) || 1, NAME_PX = Math.max(100, widest + 14), n = names.length;
  const x = (s) => NAME_PX + (s - begin) / span * (width - NAME_PX - 6), room = (height - 36) / all.length;
  let most = 2;
  for (const k of all) for (let f = 0; f < n_frames; f++) { const v = values[f * n + k]; if (v !== LOST) most = Math.max(most, Math.abs(v) * miod_per_code); }
  pen.textBaseline = "middle";
  pen.fillStyle = colour.micro; pen.globalAlpha = 0.1;
  pen.fillRect(x(own.onset_s), 16, x(own.offset_s) - x(own.onset_s), height); pen.globalAlpha = 1;
  for (const [s, word] of [[own.onset_s, "onset"], [own.apex_s, "apex"], [own.offset_s, "offset"]]) {
    pen.strokeStyle = colour.micro; pen.setLineDash(word === "apex" ? [] : [3, 3]);
    pen.beginPath(); pen.moveTo(x(s), 16); pen.lineTo(x(s), height); pen.stroke(); pen.setLineDash([]);
    pen.fillStyle = colour.micro; pen.textAlign = word === "onset" ? "right" : word === "offset" ? "left" : "center";
    if (word !== "apex" || x(own.offset_s) - x(own.onset_s) > 40) pen.fillText(said(word), x(s), 8);
    pen.textAlign = "left";
  }
  all.forEach((k, row) => {
    const y = 16 + (row + 0.5) * room, perMiod = room * (all.length > 6 ? 0.8 : 0.45) / most;
    pen.fillStyle = colour["ink-soft"]; pen.fillText(signalName(names[k]), 4, y);
    pen.strokeStyle = colour.grid; pen.beginPath(); pen.moveTo(NAME_PX, y); pen.lineTo(width, y); pen.stroke();
    pen.strokeStyle = names[k].endsWith("left") ? colour.left : colour.right; pen.lineWidth = 1.5;
    pen.beginPath();
    let isDown = false;
    for (let f = 0; f < n_frames; f++) {
      const v = values[f * n + k];
      if (v === LOST) { isDown = false; continue; }
      if (isDown) pen.lineTo(x(times_s[f]), y - v * miod_per_code * perMiod); else pen.moveTo(x(times_s[f]), y - v * miod_per_code * perMiod);
      isDown = true;
    }
    pen.stroke(); pen.lineWidth = 1;
  });
  pen.fillStyle = colour["ink-soft"]; pen.fillText(`± ${most.toFixed(1)} miod`, 4, height - 8);
  const now = x(seconds(own, at));
  pen.strokeStyle = colour.ink; pen.beginPath(); pen.moveTo(now, 16); pen.lineTo(now, height); pen.stroke();
}

// The second before the onset, there and back again without a jump: how much this face moves at rest.
function quietFrame(frame) {
  const n = Math.max(nearest(own.points.times_s, own.onset_s), 1), turn = Math.max(2 * n - 2, 1);
  return frame % turn < n ? frame % turn : turn - frame % turn;
}

function draw() {
  const now = seconds(own, at);
  drawFace(face, own, at);
  if (other === own) drawFace(beside, own, quietFrame(at));
  else if (other && other.points) drawFace(beside, other, nearest(other.points.times_s, other.onset_s + now - own.onset_s));
  drawTraces();
  scrub.value = at;
  element("moment").textContent = `${Math.round((now - own.onset_s) * 1000)} ms`;
  viewer.dataset.frame = at;
}

function step(by) { halt(); at = Math.min(Math.max(at + by, 0), nFrames(own) - 1); draw(); }
function halt() { isPlaying = false; shownAsPlaying(); }
function shownAsPlaying() {
  const button = element("play");
  button.setAttribute("aria-pressed", String(isPlaying));
  button.textContent = isPlaying ? button.dataset.halt : button.dataset.play;
}
function play() {
  if (isPlaying) { halt(); return; }
  if (at >= nFrames(own) - 1) at = 0;
  isPlaying = true;
  last = 0;
  shownAsPlaying();
  requestAnimationFrame(advance);
}

function advance(now_ms) {
  if (!isPlaying) return;
  if (!last) last = now_ms;
  const wanted = seconds(own, at) + (now_ms - last) / 1000 / Number(element("speed").value);
  const times = (own.points || own.signals).times_s;
  if (wanted >= times[times.length - 1]) {
    if (!element("loop").checked) { at = times.length - 1; halt(); draw(); return; }
    at = 0; last = now_ms; draw();
  } else {
    const next = nearest(times, wanted);
    const reached = times[next] > wanted ? next - 1 : next;
    if (reached > at) { last = now_ms - (wanted - times[reached]) * 1000 * Number(element("speed").value); at = reached; draw(); }
  }
  requestAnimationFrame(advance);
}

async function compare() {
  const value = element("beside").value;
  other = value === "rest" ? own.points && own : value ? await load(value) : null;
  beside.hidden = !other;
  draw();
}

async function begin() {
  own = await load(viewer.dataset.number);
  if (!own.points) { element("no-points").hidden = false; face.hidden = true; }
  if (!own.points && !own.signals) { for (const control of document.querySelectorAll(".stage button, .stage input, .stage select")) control.disabled = true; return; }
  scrub.max = nFrames(own) - 1;
  scrub.addEventListener("input", () => { halt(); at = Number(scrub.value); draw(); });
  element("play").addEventListener("click", play);
  element("back").addEventListener("click", () => step(-1));
  element("forth").addEventListener("click", () => step(1));
  element("magnify").addEventListener("input", () => { element("magnified").textContent = element("magnify").value + "×"; draw(); });
  element("beside").addEventListener("change", compare);
  element("all-signals").addEventListener("change", draw);
  addEventListener("resize", draw);
  onTheme(() => { colour = colours(); draw(); });
  const follow = (id) => () => { const link = element(id); if (link) location.href = link.href; };
  onKeys({ " ": play, ",": () => step(-1), ".": () => step(1), k: () => element("keep").click(), d: () => element("dismiss").click(),
    u: () => element("undo").click(), n: follow("next"), p: follow("previous"), "+": () => magnify(1), "-": () => magnify(-1) });
  at = nearest((own.points || own.signals).times_s, own.onset_s);
  if (innerWidth < TWO_FACES_PX) element("beside").value = "";
  await compare();
  if (matchMedia("(prefers-reduced-motion: no-preference)").matches) { at = 0; play(); } else shownAsPlaying();
  viewer.dataset.ready = "yes";
}

function magnify(by) {
  const range = element("magnify");
  range.value = Number(range.value) + by;
  range.dispatchEvent(new Event("input"));
}

begin().catch((error) => { element("no-points").hidden = false; element("no-points").textContent = error.message; });
