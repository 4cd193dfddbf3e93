// The run as it goes: asks eight times a second for what is new, and draws the last seconds.
import { LOST, ask, clock, colours, fitted, int16, onTheme } from "./shared.js";

const SPAN_US = 8e6, ASK_MS = 125, REGIONS = ["brow", "eyes", "nose", "cheek", "mouth", "jaw"];
// as `microcue aim` judges a face; it is half as wide again as its outer eye corners are apart
const NEEDED_PX = 120, DARK = 60, BRIGHT = 200, WIDTHS = 1.5;
const FULL = [5, 10, 20, 50, 100, 200, 500, 1000], MOVED = 50; // tenths of a miod
const element = (id) => document.getElementById(id);
const shown = JSON.parse(element("shown").textContent), words = JSON.parse(element("words").textContent);
const word = (text) => words[text] || text;
const nChannels = shown.quanta.length;
let colour = colours(), frames = [], points = null, rest = null, session = "", newest = 0, atUs = 0;

function take(found) {
  if (found.session_id !== session) { session = found.session_id; frames = []; rest = null; newest = 0; points = null; }
  const codes = int16(found.codes || "");
  (found.times_us || []).forEach((time, k) => frames.push({ time, codes: codes.subarray(k * nChannels, (k + 1) * nChannels) }));
  if (frames.length) newest = frames[frames.length - 1].time;
  atUs = found.live ? Math.max(newest, found.at_boottime_ns / 1000) : newest;
  frames = frames.filter((frame) => frame.time > atUs - SPAN_US);
  points = found.points && atUs - newest < 1e6 ? int16(found.points) : null;
  if (points) settle();
}

// Where each point rests: a mean that follows within seconds, so that what lasts becomes the rest again.
function settle() {
  if (!rest || rest.length !== points.length) rest = Float32Array.from(points, (one) => one === LOST ? NaN : one);
  for (let k = 0; k < points.length; k++) {
    if (points[k] === LOST) continue;
    rest[k] = Number.isNaN(rest[k]) ? points[k] : rest[k] + (points[k] - rest[k]) / 16;
  }
}

function series(channels) {
  const middles = channels.map((channel) => {
    const seen = frames.map((frame) => frame.codes[channel]).filter((code) => code !== LOST).sort((a, b) => a - b);
    return seen.length ? seen[seen.length >> 1] : 0;
  });
  return frames.map((frame) => {
    let most = NaN;
    channels.forEach((channel, k) => {
      if (frame.codes[channel] === LOST) return;
      const off = (frame.codes[channel] - middles[k]) * shown.quanta[channel];
      if (Number.isNaN(most) || Math.abs(off) > Math.abs(most)) most = off;
    });
    return most;
  });
}

function drawTraces() {
  const { pen, width, height } = fitted(element("traces"));
  const NAME_PX = 62, rows = [...REGIONS.map((region) => [region, ["right", "left"]]), ["lids", ["right"]], ["head", ["right"]]];
  const members = (region, side) => shown.signals.flatMap(([, r, s], k) => r === region && s === side ? [k] : []);
  const aux = (names) => names.map((name) => shown.n_signals + shown.aux.indexOf(name));
  const of = (row, side) => row === "lids" ? aux(["closure_right", "closure_left"]) : row === "head" ? aux(["yaw_mrad", "pitch_mrad"]) : members(row, side);
  const lines = rows.map(([row, sides]) => sides.map((side) => series(of(row, side))));
  const most = Math.max(2, ...lines.slice(0, REGIONS.length).flat(2).filter((one) => !Number.isNaN(one)).map(Math.abs));
  const full = FULL.find((one) => one >= most) || FULL[FULL.length - 1];
  element("scale").textContent = `± ${full} miod`;
  const room = height / rows.length, x = (time) => NAME_PX + (1 - (atUs - time) / SPAN_US) * (width - NAME_PX - 2);
  pen.font = "12px system-ui, sans-serif"; pen.textBaseline = "middle";
  rows.forEach(([row, sides], k) => {
    const y = (k + 0.5) * room, scale = room * 0.45 / (row === "lids" ? 1 : row === "head" ? 200 : full);
    pen.fillStyle = colour["ink-soft"]; pen.fillText(word(row), 4, y);
    pen.strokeStyle = colour.grid; pen.lineWidth = 1; pen.beginPath(); pen.moveTo(NAME_PX, y); pen.lineTo(width, y); pen.stroke();
    sides.forEach((side, which) => {
      pen.strokeStyle = row === "lids" || row === "head" ? colour["ink-soft"] : colour[side]; pen.lineWidth = 1.5; pen.beginPath();
      let last = 0;
      lines[k][which].forEach((value, at) => {
        const time = frames[at].time;
        if (Number.isNaN(value)) { last = 0; return; }
        if (last && time - last < 2e5) pen.lineTo(x(time), y - value * scale); else pen.moveTo(x(time), y - value * scale);
        last = time;
      });
      pen.stroke();
    });
  });
}

function drawFace() {
  const { pen, width, height } = fitted(element("face"));
  if (!points || !rest) return;
  const n = points.length / 2, magnified = Number(element("magnify").value);
  const xs = [], ys = [];
  for (let k = 0; k < n; k++) if (!Number.isNaN(rest[2 * k])) { xs.push(rest[2 * k]); ys.push(rest[2 * k + 1]); }
  const left = Math.min(...xs), right = Math.max(...xs), top = Math.min(...ys), bottom = Math.max(...ys);
  const zoom = 0.8 * Math.min(width / (right - left), height / (bottom - top));
  const place = (k) => {
    if (points[2 * k] === LOST || Number.isNaN(rest[2 * k])) return null;
    const at = (axis, middle, size) => size / 2 + (rest[2 * k + axis] + (points[2 * k + axis] - rest[2 * k + axis]) * magnified - middle) * zoom;
    return [at(0, (left + right) / 2, width), at(1, (top + bottom) / 2, height)];
  };
  pen.strokeStyle = colour.face; pen.lineWidth = 1.25;
  for (const line of shown.lines) {
    pen.beginPath();
    let isDown = false;
    for (const k of line) {
      const spot = place(k);
      if (!spot) { isDown = false; continue; }
      if (isDown) pen.lineTo(...spot); else pen.moveTo(...spot);
      isDown = true;
    }
    pen.stroke();
  }
  for (let k = 0; k < n; k++) {
    const spot = place(k);
    if (!spot) continue;
    const isOff = Math.hypot(points[2 * k] - rest[2 * k], points[2 * k + 1] - rest[2 * k + 1]) > MOVED;
    pen.fillStyle = isOff ? colour.micro : colour["ink-soft"];
    pen.beginPath(); pen.arc(...spot, isOff ? 4 : 2.2, 0, 2 * Math.PI); pen.fill();
  }
}

function tell(found) {
  const light = element("light"), state = found.is_running ? found.state || "starting" : "no run";
  const silent = found.silent_s ? ` (${word("silent for")} ${found.silent_s} s)` : "";
  light.textContent = word(state) + silent;
  light.className = `light ${state.replaceAll(" ", "-")}${silent ? " silent" : ""}`;
  const gaps = frames.slice(1).map((frame, k) => frame.time - frames[k].time).sort((a, b) => a - b);
  const fps = gaps.length > 2 ? (1e6 / gaps[gaps.length >> 1]).toFixed(1) : "–";
  element("rate").textContent = found.session_id ? `${fps} ${word("of")} ${Math.round(found.fps_promised)} ${word("frames/s")}` : "";
  element("counts").textContent = found.session_id ? `${found.n_micro} ${word("micro")} · ${found.n_macro} ${word("macro")}` : "";
  const events = [...(found.events || [])].reverse().map((event) => {
    const line = document.createElement("li"), names = (event.movements || "").split("+").map((name) => word(name.replaceAll("_", " ")));
    const detail = event.movements ? `: ${names.join(" + ")}, ${word(event.side)}, ${Math.round(event.duration_ms)} ms, ${event.amplitude_miod.toFixed(1)} miod` : "";
    line.textContent = `${clock(event.at_s, 1)}  ${word(event.what)}${detail}${(event.flags || []).map((flag) => ", " + word(flag.replaceAll("_", " "))).join("")}`;
    return line;
  });
  element("events").replaceChildren(...events);
  const health = found.health || {}, said = [];
  if (health.temperature_c !== undefined) said.push(`${Math.round(health.temperature_c)} °C, ${Math.round(health.headroom_c)} ${word("degrees below the limit")}`);
  for (const [name, what] of [["n_missing", "missing"], ["n_lost", "lost"]]) if (health[name]) said.push(`${health[name]} ${word(what)}`);
  if (health.undervoltage) said.push(word("undervoltage"));
  if (health.relief) said.push(word("doing less"));
  if (health.disk_free_mb !== undefined) said.push(`${(health.disk_free_mb / 1024).toFixed(1)} ${word("GB free")}`);
  if (health.fault) said.push(health.fault);
  element("health").textContent = said.join(" · ") || word("nothing to remark");
}

function tellFraming() {
  const frame = frames[frames.length - 1];
  const of = (name) => {
    const k = shown.n_signals + shown.aux.indexOf(name);
    return !frame || frame.codes[k] === LOST ? NaN : frame.codes[k] * shown.quanta[k];
  };
  const wide = WIDTHS * 100 * Math.exp(of("log_scale_permille") / 1000), level = of("light_levels");
  if (Number.isNaN(wide) || atUs - newest > 1e6) { element("framing").textContent = word("no face"); return; }
  const near = wide < NEEDED_PX ? ` (${word("come closer, or zoom in: 120 px are needed")})` : "";
  const light = level < DARK ? ` (${word("more light from the front")})` : level > BRIGHT ? ` (${word("less light")})` : "";
  element("framing").textContent = `${word("face about")} ${Math.round(wide)} px${near} · ${word("light")} ${Math.round(level)} / 255${light}` +
    ` · ${word("points held")} ${Math.round(100 * of("quality"))} %`;
}

async function turn() {
  try {
    const found = await ask(`/live.json?after=${newest}`);
    take(found); tell(found); tellFraming(); drawTraces(); drawFace();
    element("live").dataset.ready = "yes";
    setTimeout(turn, document.hidden || !found.is_running ? 1000 : ASK_MS);
  } catch {
    element("light").textContent = word("not reachable; reload the page");
    setTimeout(turn, 5000);
  }
}

element("magnify").addEventListener("input", () => { element("magnified").textContent = element("magnify").value + "×"; drawFace(); });
onTheme(() => { colour = colours(); drawTraces(); drawFace(); });
addEventListener("resize", () => { drawTraces(); drawFace(); });
turn();
