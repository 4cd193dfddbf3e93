// A session along its time: an overview of all of it, and lanes of signals for the part in view.
import { LOST, ask, clock, colours, fitted, int16, onKeys, onTheme } from "./shared.js";

const board = document.getElementById("board");
const address = "/sessions/" + board.dataset.session;
const { stems, words: spoken } = JSON.parse(document.getElementById("lanes-of").textContent);
const overview = document.getElementById("overview"), lanes = document.getElementById("lanes");
const scale = document.getElementById("scale"), openCue = document.getElementById("open-cue");
const NAME_PX = 132, TOP_PX = 44, SHORTEST_S = 0.5;
const said = (name) => { const text = name.replaceAll("_", " "); return spoken[text] || text; };
const EXTRA = [["lids", ["closure_right", "closure_left"], 1], ["head turn", ["yaw_mrad", "pitch_mrad"], 300]];

let session = null, view = [0, Number(board.dataset.duration) || 1], shown = null, chosen = -1, colour = colours();
let asking = null, again = false, timer = 0;

const duration = () => session.duration_s || 1;
const place = (s, width) => NAME_PX + ((s - view[0]) / (view[1] - view[0])) * (width - NAME_PX);
const time = (x, width) => view[0] + ((x - NAME_PX) / (width - NAME_PX)) * (view[1] - view[0]);
const isShown = (cue) => document.getElementById("dismissed").checked || cue[8] !== "dismissed";
const colourOf = (cue) => cue[8] === "kept" ? colour.keep : cue[8] === "dismissed" ? colour.edge : colour[cue[1]];

function show(from, to) {
  const span = Math.min(Math.max(to - from, SHORTEST_S), duration());
  const begin = Math.min(Math.max((from + to - span) / 2, 0), duration() - span);
  view = [begin, begin + span];
  draw();
  load();
}

async function load() {
  if (asking) { again = true; return; }
  const wanted = [...view];
  const n_bins = Math.max(50, Math.round(lanes.getBoundingClientRect().width - NAME_PX));
  asking = ask(`${address}/traces.json?from_s=${wanted[0]}&to_s=${wanted[1]}&n_bins=${n_bins}`);
  try {
    const found = await asking;
    const values = int16(found.low_high), half = found.n_channels * found.n_bins;
    shown = { ...found, low: values.subarray(0, half), high: values.subarray(half) };
    document.getElementById("reading").textContent =
      found.share_read < 1 ? `… ${Math.round(found.share_read * 100)} %` : "";
    clearTimeout(timer);
    if (found.share_read < 1) timer = setTimeout(load, 500);
    draw();
    board.dataset.drawn = `${wanted[0]},${wanted[1]},${found.share_read}`;
  } catch (error) {
    document.getElementById("status").textContent = error.message;
  }
  asking = null;
  if (again) { again = false; load(); }
}

function middle(k, quantum) {
  const values = [];
  for (let bin = 0; bin < shown.n_bins; bin += Math.ceil(shown.n_bins / 200)) {
    const low = shown.low[k * shown.n_bins + bin];
    if (low !== LOST) values.push((low + shown.high[k * shown.n_bins + bin]) / 2);
  }
  return values.sort((a, b) => a - b)[values.length >> 1] * quantum || 0;
}

function trace(pen, width, k, quantum, level, y, perUnit, reach) {
  pen.beginPath();
  const step = (shown.to_s - shown.from_s) / shown.n_bins;
  let before = null, beforeY = y;
  for (let bin = 0; bin < shown.n_bins; bin++) {
    const low = shown.low[k * shown.n_bins + bin];
    if (low === LOST) { if (step > 0.02) before = null; continue; }
    const x = place(shown.from_s + (bin + 0.5) * step, width);
    if (x < NAME_PX || x > width) { before = null; continue; }
    const cut = (value) => y - Math.max(-reach, Math.min(reach, (value * quantum - level) * perUnit));
    const bottom = cut(low), top = cut(shown.high[k * shown.n_bins + bin]);
    const isNearer = Math.abs(beforeY - bottom) < Math.abs(beforeY - top); // a slope is a line then, and no saw
    const from = isNearer ? bottom : top, to = isNearer ? Math.min(top, bottom - 0.5) : Math.max(bottom, top + 0.5);
    if (before !== null && x - before < 4 + 3 * step * (width - NAME_PX) / (view[1] - view[0])) pen.lineTo(x, from);
    else pen.moveTo(x, from);
    pen.lineTo(x, to);
    before = x; beforeY = to;
  }
  pen.stroke();
}

function draw() {
  if (!session) return;
  const { pen, width, height } = fitted(lanes);
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  ground(pen, width, height);
  if (shown) signals(pen, width, height);
  events(pen, width, height);
  drawOverview();
  const span = view[1] - view[0];
  document.getElementById("span").textContent = `${clock(view[0], span < 20 ? 1 : 0)} – ${clock(view[1], span < 20 ? 1 : 0)}`;
}

function ground(pen, width, height) {
  const span = view[1] - view[0];
  const step = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600].find((s) => span / s <= Math.min(12, (width - NAME_PX) / 60)) || 7200;
  pen.strokeStyle = colour.grid;
  pen.fillStyle = colour["ink-soft"];
  for (let at = Math.ceil(view[0] / step) * step; at <= view[1]; at += step) {
    const x = Math.round(place(at, width)) + 0.5;
    pen.beginPath(); pen.moveTo(x, TOP_PX); pen.lineTo(x, height); pen.stroke();
    pen.fillText(clock(at, step < 1 ? 2 : 0), x + 3, height - 8);
  }
}

function signals(pen, width, height) {
  const names = Object.keys(session.channels), room = stems.length + EXTRA.length;
  const high = (height - TOP_PX - 18) / room;
  pen.lineWidth = 1;
  const rows = [
    ...stems.map((stem) => [stem, [stem + "_right", stem + "_left"], Number(scale.value), true]),
    ...EXTRA.map(([words, pair, full]) => [words, pair, full, words !== "lids"]),
  ];
  rows.forEach(([words, pair, full, isLevelled], row) => {
    const y = TOP_PX + (row + 0.5) * high;
    pen.fillStyle = colour["ink-soft"];
    pen.fillText(said(words), 6, y);
    pen.strokeStyle = colour.grid;
    pen.beginPath(); pen.moveTo(NAME_PX, y); pen.lineTo(width, y); pen.stroke();
    pair.forEach((name, side) => {
      const k = names.indexOf(name);
      if (k < 0) return;
      const quantum = session.channels[name];
      pen.strokeStyle = words === "head turn" ? (side ? colour.face : colour.ink) : side ? colour.left : colour.right; // no sides there
      const level = isLevelled ? middle(k, quantum) : full / 2;
      trace(pen, width, k, quantum, level, y, high * 0.9 / full, high * 0.75);
    });
  });
}

function events(pen, width, height) {
  pen.save();
  pen.beginPath(); pen.rect(NAME_PX, 0, width - NAME_PX, height); pen.clip();
  const band = (from, to, y, high, fill) => {
    if (to < view[0] || from > view[1]) return;
    const x = place(from, width);
    pen.fillStyle = fill;
    pen.fillRect(x, y, Math.max(place(to, width) - x, 2), high);
  };
  for (const [, from, to] of session.watched) band(from, to, TOP_PX - 3, 2, colour.face);
  for (const [on, off] of session.blinks) band(on, off, TOP_PX - 10, 5, colour.blink);
  for (const [at] of session.gaps) {
    band(at, at, TOP_PX - 10, 7, colour.gap);
    pen.globalAlpha = 0.25;
    band(at, at, TOP_PX, height, colour.gap);
    pen.globalAlpha = 1;
  }
  session.cues.forEach((cue, k) => {
    if (!isShown(cue) || cue[4] < view[0] || cue[2] > view[1]) return;
    band(cue[2], cue[4], 18, 13, colourOf(cue));
    if (cue[9].includes("speech")) band(cue[2], cue[4], 32, 2, colour.speech);
    if (view[1] - view[0] < 60 || k === chosen) {
      pen.globalAlpha = k === chosen ? 0.22 : 0.1;
      band(cue[2], cue[4], TOP_PX, height - TOP_PX, colourOf(cue));
      pen.globalAlpha = 1;
    }
  });
  pen.font = "12px system-ui, sans-serif";
  let written = 0; // as far as a label reaches; the next one waits until there is room
  for (const [at, text] of session.marks) {
    if (at < view[0] || at > view[1]) continue;
    band(at, at, 0, height, colour.mark);
    pen.fillStyle = colour.mark;
    const x = place(at, width) + 5, label = text.slice(0, 40);
    if (x < written) continue;
    pen.fillText(label, x, 9);
    written = x + pen.measureText(label).width + 6;
  }
  pen.restore();
}

function drawOverview() {
  const { pen, width, height } = fitted(overview);
  const x = (s) => NAME_PX + (s / duration()) * (width - NAME_PX), wide = width - NAME_PX;
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (const [, from, to] of session.watched) { pen.fillStyle = colour.grid; pen.fillRect(x(from), height - 8, x(to) - x(from), 5); }
  const n = Math.max(1, Math.floor(wide / 4)), counts = new Uint32Array(n);
  for (const cue of session.cues) if (isShown(cue)) counts[Math.min(n - 1, Math.floor(cue[2] / duration() * n))]++;
  const most = Math.max(1, ...counts);
  pen.fillStyle = colour.micro;
  counts.forEach((one, k) => { if (one) pen.fillRect(NAME_PX + k * wide / n, height - 10, wide / n - 1, -(height - 14) * one / most); });
  pen.fillStyle = colour.mark;
  for (const [at] of session.marks) pen.fillRect(x(at), 0, 1.5, height);
  pen.strokeStyle = colour.focus;
  pen.lineWidth = 2;
  pen.strokeRect(Math.min(x(view[0]), width - 4), 1, Math.max(x(view[1]) - x(view[0]), 3), height - 2);
}

function choose(k) {
  chosen = k;
  const cue = session.cues[k];
  openCue.hidden = !cue;
  if (!cue) return;
  openCue.href = `${address}/cues/${cue[0]}`;
  document.getElementById("status").textContent =
    `${String(cue[0]).padStart(4, "0")} · ${clock(cue[2], 2)} · ${Math.round((cue[4] - cue[2]) * 1000)} ms · ` +
    `${cue[5].split("+").map(said).join(", ")} · ${said(cue[6])}`;
}

function go(step) {
  const order = session.cues.map((_, k) => k).filter((k) => isShown(session.cues[k]));
  if (!order.length) return;
  const centre = (view[0] + view[1]) / 2;
  let at = order.indexOf(chosen);
  if (at < 0) at = order.findIndex((k) => session.cues[k][2] >= centre) - (step > 0 ? 1 : 0);
  choose(order[(at + step + order.length) % order.length]);
  const cue = session.cues[chosen], half = Math.min(view[1] - view[0], 10) / 2;
  show(cue[3] - half, cue[3] + half);
}

function zoom(factor, about = (view[0] + view[1]) / 2) {
  show(about - (about - view[0]) * factor, about + (view[1] - about) * factor);
}
const pan = (share) => { const by = (view[1] - view[0]) * share; show(view[0] + by, view[1] + by); };
const ACTIONS = {
  in: () => zoom(0.5), out: () => zoom(2), all: () => show(0, duration()),
  left: () => pan(-0.3), right: () => pan(0.3), next: () => go(1), previous: () => go(-1),
};

function pointer() {
  let held = null, moved = false;
  lanes.addEventListener("pointerdown", (event) => { held = { x: event.offsetX, view: [...view] }; moved = false; lanes.setPointerCapture(event.pointerId); });
  lanes.addEventListener("pointermove", (event) => {
    if (!held) return;
    const by = (held.x - event.offsetX) / (lanes.clientWidth - NAME_PX) * (held.view[1] - held.view[0]);
    if (Math.abs(event.offsetX - held.x) > 4) moved = true;
    if (moved) show(held.view[0] + by, held.view[1] + by);
  });
  lanes.addEventListener("pointerup", (event) => {
    held = null;
    if (moved) return;
    const at = time(event.offsetX, lanes.clientWidth), near = (view[1] - view[0]) * 0.01;
    const k = session.cues.findIndex((cue) => isShown(cue) && cue[2] - near <= at && at <= cue[4] + near);
    choose(k);
    draw();
  });
  lanes.addEventListener("dblclick", (event) => zoom(0.25, time(event.offsetX, lanes.clientWidth)));
  lanes.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey && event.target !== document.activeElement) return; // the page scrolls
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, time(event.offsetX, lanes.clientWidth));
  }, { passive: false });
  const jump = (event) => {
    const at = (event.offsetX - NAME_PX) / (overview.clientWidth - NAME_PX) * duration(), half = (view[1] - view[0]) / 2;
    show(at - half, at + half);
  };
  overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); jump(event); });
  overview.addEventListener("pointermove", (event) => { if (event.buttons) jump(event); });
}

async function begin() {
  session = await ask(address + "/timeline.json");
  const at = Number(new URLSearchParams(location.search).get("at"));
  for (const button of board.querySelectorAll("button[data-do]")) button.addEventListener("click", ACTIONS[button.dataset.do]);
  for (const button of document.querySelectorAll("button[data-at]")) button.addEventListener("click", () => { const s = Number(button.dataset.at); show(s - 5, s + 15); lanes.focus(); });
  scale.addEventListener("change", draw);
  document.getElementById("dismissed").addEventListener("change", draw);
  addEventListener("resize", () => { draw(); load(); });
  onTheme(() => { colour = colours(); draw(); });
  pointer();
  onKeys({ ArrowLeft: ACTIONS.left, ArrowRight: ACTIONS.right, "+": ACTIONS.in, "=": ACTIONS.in, "-": ACTIONS.out, 0: ACTIONS.all,
    n: ACTIONS.next, p: ACTIONS.previous, Enter: () => { if (!openCue.hidden) location.href = openCue.href; } });
  if (at) show(at - 5, at + 5); else show(0, duration());
}

begin().catch((error) => { document.getElementById("status").textContent = error.message; });
