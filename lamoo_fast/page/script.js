"use strict";
(() => {
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const SVG = byId("front-plot").namespaceURI;
const objectives = data.objectives, m = objectives.length;
const onFront = new Set(data.front), infeasible = new Set(data.infeasible);
const trials = new Map(data.trials.map((t) => [t.id, t]));
const done = data.trials.filter((t) => t.values !== null);
const told = data.trials.filter((t) => t.status !== "pending");
const failed = data.trials.filter((t) => t.status === "failed");
// Better values last, so that the front is drawn above the rest.
const front = data.front.map((id) => trials.get(id)).sort((a, b) => a.values[0] - b.values[0] || a.id - b.id);
const MOST_DOTS = 3000, MOST_PATHS = 600, HUGE = 8e307;  // so that the longest range is finite

let picked = null;    // id of a trial
let node = null;      // index of a region
let moment = null;    // number of evaluations

// --- small helpers ---------------------------------------------------------------------------

function add(parent, tag, attributes = {}, text) {
  const made = parent instanceof SVGElement
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function digits(v, n) {
  const size = Math.abs(v);
  return size > 0 && (size < 1e-4 || size >= 1e9) ? String(Number(v.toExponential(n - 1)).toExponential()) : String(Number(v.toPrecision(n)));
}
const say = (v) => v === null ? "unknown" : typeof v === "number" ? digits(v, 6) : String(v);
const short = (v) => digits(v, 4);
const label = (o) => o.unit ? `${o.name} [${o.unit}]` : o.name;
const arrow = (o) => o.direction === "maximize" ? "higher is better" : "lower is better";
const cut = (text, n) => text.length > n ? text.slice(0, n - 1) + "…" : text;
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

function thinned(list, most) {  // every k-th, so that large studies can be drawn
  const step = Math.ceil(list.length / most);
  return step > 1 ? list.filter((_, i) => i % step === 0) : list;
}

function range(values) {
  let low = HUGE, high = -HUGE;
  for (const v of values) { low = Math.min(low, v); high = Math.max(high, v); }
  low = clamp(low, -HUGE, HUGE); high = clamp(high, -HUGE, HUGE);
  return [low, high];
}

function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw) || raw;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high && found.length < 20; i++) found.push(i * step);
  return found;
}

const scale = (low, high, a, b) => (v) => a + (clamp(v, -HUGE, HUGE) - low) / (high - low) * (b - a);

function wider([low, high], below, above) {
  if (!(high > low)) {  // one value, in the middle
    const size = 0.05 * Math.abs(low) || 1;
    return [clamp(low - size, -HUGE, HUGE), clamp(low + size, -HUGE, HUGE)];
  }
  const span = high - low;
  return [low - below * span, high + above * span];
}

function begin(svg, width, height) {
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.height = height + "px";
}

function axes(svg, box, [x0, x1], [y0, y1], across, up) {
  const x = scale(x0, x1, box.left, box.right), y = scale(y0, y1, box.bottom, box.top);
  const frame = add(svg, "g", { "aria-hidden": "true" });
  for (const v of ticks(x0, x1, Math.max(3, (box.right - box.left) / 110))) {
    add(frame, "line", { class: "grid", x1: x(v), x2: x(v), y1: box.top, y2: box.bottom });
    add(frame, "text", { class: "tick", x: x(v), y: box.bottom + 16, "text-anchor": "middle" }, short(v));
  }
  for (const v of ticks(y0, y1, 6)) {
    add(frame, "line", { class: "grid", x1: box.left, x2: box.right, y1: y(v), y2: y(v) });
    add(frame, "text", { class: "tick", x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, short(v));
  }
  const fits = Math.floor((box.right - box.left) / 6.5);
  add(frame, "text", { x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle" }, cut(across, fits));
  add(frame, "text", { x: 4, y: box.top - 10 }, cut(up, Math.floor(box.right / 6.5)));
  return [x, y];
}

function at(svg, event) {  // where the pointer is, in units of the picture
  const place = svg.getBoundingClientRect();
  return [event.clientX - place.left, event.clientY - place.top];
}

function list(card, title, rows) {
  card.replaceChildren();
  add(card, "h3", {}, title);
  const dl = add(card, "dl");
  for (const row of rows) {
    if (row === null) { add(dl, "hr"); continue; }
    add(dl, "dt", {}, row[0]);
    add(dl, "dd", {}, say(row[1]));
  }
}

const fate = (t) => t.status !== "done" ? t.status : onFront.has(t.id) ? "on the front"
  : infeasible.has(t.id) ? "infeasible" : "dominated";
const spoken = (t) => `trial ${t.id}, ${fate(t)}: ` + (t.values || []).map((v, i) => `${objectives[i].name} ${say(v)}`).join(", ");

// --- what is chosen --------------------------------------------------------------------------

function pick(id) {
  picked = id;
  showTrial(); markTrial(); markPath(); markRow();
}

function showTrial() {
  const t = picked === null ? null : trials.get(picked);
  if (!t) {
    list(byId("trial"), "No trial chosen", []);
    add(byId("trial"), "p", { class: "note" }, "Its objectives and configuration are shown here.");
    return;
  }
  const rows = [["", fate(t)]];
  (t.values || []).forEach((v, i) => rows.push([label(objectives[i]), v]));
  t.constraints.forEach((v, i) => rows.push([`constraint ${i + 1} (≤ 0)`, v]));
  rows.push(null);
  for (const name of data.params) rows.push([name, t.config[name]]);
  list(byId("trial"), `Trial ${t.id}`, rows);
}

function markRow() {
  for (const row of document.querySelectorAll("#table tr[data-id]")) {
    row.classList.toggle("picked-row", Number(row.dataset.id) === picked);
  }
}

function walk(event, sequences) {  // arrow keys through [keys back and forth, trials]
  if (event.key === "Escape") { pick(null); return; }
  for (const [back, forth, row] of sequences) {
    if (![back, forth].includes(event.key) || !row.length) continue;
    event.preventDefault();
    const here = row.findIndex((t) => t.id === picked);
    const next = here < 0 ? 0 : clamp(here + (event.key === forth ? 1 : -1), 0, row.length - 1);
    pick(row[next].id);
  }
  if (["Home", "End"].includes(event.key) && front.length) {
    event.preventDefault();
    pick(sequences[0][2].at(event.key === "Home" ? 0 : -1).id);
  }
}

// --- trials and front ------------------------------------------------------------------------

const EVALUATION = "evaluation";
const read = (key) => key === EVALUATION ? (t) => t.id : (t) => t.values[key];
const axis = (select) => select.value === EVALUATION ? EVALUATION : Number(select.value);
let dots = [], frontWalk = [], placeOf = () => null;

function setUpAxes() {
  // What is paid goes to the right, what is gained upwards.
  const paid = m === 2 && objectives[0].direction === "maximize" && objectives[1].direction === "minimize";
  const start = m === 1 ? [EVALUATION, 0] : paid ? [1, 0] : [0, 1];
  ["across", "up"].forEach((id, k) => {
    const select = byId(id);
    objectives.forEach((o, i) => add(select, "option", { value: i }, label(o)));
    add(select, "option", { value: EVALUATION }, "number of the trial");
    select.value = String(start[k]);
    select.addEventListener("change", drawFront);
  });
  byId("zoom").addEventListener("change", drawFront);
  if (m < 2) document.querySelectorAll(".many").forEach((e) => { e.hidden = true; e.style.display = "none"; });
}

function limits(key, zoomed) {
  const all = range(done.map(read(key)));
  if (!zoomed || key === EVALUATION || !front.length) return wider(all, .04, .04);
  const best = range(front.map(read(key)));
  const [low, high] = wider(best, 0, 0), span = Math.max(high - low, all[1] - all[0] > 0 && m === 1 ? all[1] - all[0] : 0);
  // One more span of worse points is shown, but none beyond the reference point.
  if (objectives[key].direction === "maximize") {
    const end = Math.max(all[0], best[0] - span, data.ref ? data.ref[key] : -HUGE);
    return wider([Math.min(end, best[0]), best[1]], .05, .07);
  }
  const end = Math.min(all[1], best[1] + span, data.ref ? data.ref[key] : HUGE);
  return wider([best[0], Math.max(end, best[1])], .07, .05);
}

function drawFront() {
  const svg = byId("front-plot"), width = svg.parentElement.clientWidth;
  const height = clamp(width * .62, 300, 460);
  begin(svg, width, height);
  svg.setAttribute("aria-label", `Trials of ${data.problem}`);
  dots = []; placeOf = () => null;
  if (!done.length) {
    add(svg, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "No trial is done.");
    byId("front-note").textContent = "";
    return;
  }
  const kx = axis(byId("across")), ky = axis(byId("up")), fx = read(kx), fy = read(ky);
  const zoomed = byId("zoom").checked;
  const xs = limits(kx, zoomed), ys = limits(ky, zoomed);
  const box = { left: 62, right: width - 14, top: 30, bottom: height - 46 };
  const name = (k) => k === EVALUATION ? "number of the trial" : `${label(objectives[k])}  (${arrow(objectives[k])})`;
  const [x, y] = axes(svg, box, xs, ys, name(kx), "↑ " + name(ky));
  const shown = (t) => fx(t) >= xs[0] && fx(t) <= xs[1] && fy(t) >= ys[0] && fy(t) <= ys[1];
  placeOf = (t) => t.values && shown(t) ? [x(fx(t)), y(fy(t))] : null;
  const rest = done.filter((t) => !onFront.has(t.id)), drawn = thinned(rest.filter(shown), MOST_DOTS);
  const last = Math.max(1, data.trials.length - 1);
  for (const t of drawn) {
    const [cx, cy] = placeOf(t);
    const made = infeasible.has(t.id)
      ? add(svg, "path", { class: "trial infeasible", d: `M${cx - 3} ${cy - 3}l6 6m0 -6l-6 6` })
      : add(svg, "circle", { class: "trial", cx, cy, r: 4, "fill-opacity": (.25 + .6 * t.id / last).toFixed(2) });
    dots.push([t, cx, cy, made]);
  }
  if (m === 2 && kx !== ky && kx !== EVALUATION && ky !== EVALUATION) {
    // Between two points the front belongs to the one that is no worse across.
    const row = [...front].sort((a, b) => fx(a) - fx(b) || fy(a) - fy(b));
    const pre = objectives[kx].direction === "maximize";
    let d = "";
    row.forEach((t, i) => {
      const px = x(fx(t)), py = y(fy(t));
      if (!i) d = `M${px} ${py}`; else d += pre ? `V${py}H${px}` : `H${px}V${py}`;
    });
    add(svg, "path", { class: "steps", d, "aria-hidden": "true" });
  }
  frontWalk = [...front].sort((a, b) => fx(a) - fx(b) || fy(a) - fy(b));
  for (const t of frontWalk.filter(shown)) {
    const [cx, cy] = placeOf(t);
    dots.push([t, cx, cy, add(svg, "circle", { class: "trial best", cx, cy, r: 5 })]);
  }
  for (const [t, , , made] of dots) {
    made.id = `dot-${t.id}`;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", "false");
    made.setAttribute("aria-label", spoken(t));
  }
  add(svg, "circle", { class: "picked", id: "picked-dot", r: 8, visibility: "hidden", "aria-hidden": "true" });
  const away = done.filter((t) => !shown(t)).length, dropped = rest.filter(shown).length - drawn.length;
  byId("front-note").textContent = `Red rings: the front, ${front.length} of ${done.length} trials; later trials are darker`
    + (infeasible.size ? "; crosses violate a constraint" : "")
    + (away ? `; ${away} outside of the picture` : "") + (dropped ? `; ${dropped} of many not drawn` : "") + ".";
  markTrial(); markNode();
}

function markTrial() {
  const svg = byId("front-plot"), ring = byId("picked-dot");
  svg.querySelectorAll("[aria-selected=true]").forEach((e) => e.setAttribute("aria-selected", "false"));
  svg.removeAttribute("aria-activedescendant");
  const place = picked === null ? null : placeOf(trials.get(picked));
  if (ring) ring.setAttribute("visibility", place ? "visible" : "hidden");
  if (!ring || !place) return;
  ring.setAttribute("cx", place[0]); ring.setAttribute("cy", place[1]);
  const dot = byId(`dot-${picked}`);
  if (dot) { dot.setAttribute("aria-selected", "true"); svg.setAttribute("aria-activedescendant", dot.id); }
}

function hoverFront(event) {
  const [px, py] = at(byId("front-plot"), event);
  let best = null, least = 24 * 24;
  for (const [t, cx, cy] of dots) {
    const d = (cx - px) ** 2 + (cy - py) ** 2 - (onFront.has(t.id) ? 9 : 0);
    if (d < least) { least = d; best = t; }
  }
  if (best && best.id !== picked) pick(best.id);
}

// --- hypervolume -----------------------------------------------------------------------------

const DASHES = ["", "8 4", "2 3", "8 3 2 3", "12 3", "4 2"];
const longest = Math.max(0, ...data.curves.map((c) => c.volumes.length));
const upTo = (c, n) => c.volumes.length ? c.volumes[Math.min(n, c.volumes.length) - 1] : null;
let momentAt = () => 0;

function drawVolume() {
  const svg = byId("volume-plot"), width = svg.parentElement.clientWidth, height = clamp(width * .5, 260, 380);
  begin(svg, width, height);
  const all = data.curves.flatMap((c) => c.volumes).filter((v) => v !== null);
  if (!all.length) {
    svg.setAttribute("role", "img");
    add(svg, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" },
      told.length && data.ref ? "No hypervolume is finite." : "No hypervolume: there is no reference point yet.");
    list(byId("levels"), "No hypervolume", []);
    return;
  }
  const box = { left: 62, right: width - 14, top: 30, bottom: height - 46 };
  const top = range(all)[1];
  const [x, y] = axes(svg, box, [0, Math.max(longest * 1.02, 1)], [0, top > 0 ? top * 1.05 : 1], "evaluations", "↑ hypervolume  (higher is better)");
  [...data.curves].reverse().forEach((c, back) => {
    const i = data.curves.length - 1 - back;
    let d = "", before = null;
    c.volumes.forEach((v, k) => {
      if (v === null) return;
      const px = x(k + 1), py = y(v);
      if (before === null) d += `M${px.toFixed(1)} ${py.toFixed(1)}`;
      else if (v !== before || k === c.volumes.length - 1) d += `H${px.toFixed(1)}V${py.toFixed(1)}`;
      before = v;
    });
    add(svg, "path", { class: "curve", d, stroke: `var(--c${i % 6})`, "stroke-dasharray": DASHES[i % 6], "aria-hidden": "true" });
  });
  add(svg, "line", { class: "axis", id: "moment", y1: box.top, y2: box.bottom, "aria-hidden": "true" });
  momentAt = (px) => clamp(Math.round((px - box.left) / (x(1) - x(0))), 1, longest);
  svg.setAttribute("aria-valuemin", 1);
  svg.setAttribute("aria-valuemax", longest);
  const line = byId("moment");
  showMoment = () => {
    const n = moment === null ? longest : moment;
    line.setAttribute("x1", x(n)); line.setAttribute("x2", x(n));
    const rows = data.curves.map((c) => [c.name, upTo(c, n)]);
    list(byId("levels"), `After ${n} evaluations`, rows);
    byId("levels").querySelectorAll("dt").forEach((dt, i) => {
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.borderTopColor = `var(--c${i % 6})`;
      swatch.style.borderTopStyle = DASHES[i % 6] ? "dashed" : "solid";
      dt.prepend(swatch);
    });
    svg.setAttribute("aria-valuenow", n);
    svg.setAttribute("aria-valuetext", `after ${n} evaluations: ` + rows.map(([name, v]) => `${name} ${say(v)}`).join(", "));
  };
  showMoment();
}
let showMoment = () => {};

function moveMoment(event) {
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -longest, End: longest };
  if (!(event.key in steps) || !longest) return;
  event.preventDefault();
  moment = clamp((moment === null ? longest : moment) + steps[event.key], 1, longest);
  showMoment();
}

// --- parallel coordinates --------------------------------------------------------------------

let pathOf = () => "", paths = [], columns = [];

function drawParallel() {
  const svg = byId("parallel-plot"), room = svg.parentElement.clientWidth;
  const width = Math.max(room, 74 * m), height = 320;
  svg.style.width = width + "px";
  begin(svg, width, height);
  svg.setAttribute("aria-label", "One line per trial over all objectives; better values are up");
  const top = 46, bottom = height - 30, ends = objectives.map((_, i) => wider(range(done.map((t) => t.values[i])), 0, 0));
  columns = objectives.map((_, i) => 40 + (width - 80) * i / (m - 1));
  const heights = objectives.map((o, i) => o.direction === "maximize" ? scale(...ends[i], bottom, top) : scale(...ends[i], top, bottom));
  pathOf = (t) => "M" + t.values.map((v, i) => `${columns[i].toFixed(1)} ${heights[i](v).toFixed(1)}`).join("L");
  const rest = done.filter((t) => !onFront.has(t.id) && !infeasible.has(t.id)), drawn = thinned(rest, MOST_PATHS);
  paths = [...drawn, ...front].map((t) => [t, heights.map((h, i) => h(t.values[i]))]);
  for (const [t] of paths) {
    add(svg, "path", { class: "path" + (onFront.has(t.id) ? " best" : ""), id: `line-${t.id}`, d: pathOf(t), role: "option", "aria-selected": "false", "aria-label": spoken(t) });
  }
  const frame = add(svg, "g", { "aria-hidden": "true" }), gap = (width - 80) / (m - 1);
  objectives.forEach((o, i) => {
    const anchor = i === 0 ? "start" : i === m - 1 ? "end" : "middle";
    const x = columns[i], shift = i === 0 ? -36 : i === m - 1 ? 36 : 0;
    add(frame, "line", { class: "axis", x1: x, x2: x, y1: top, y2: bottom });
    const name = add(frame, "text", { x: x + shift, y: i % 2 && gap < 120 ? 26 : 12, "text-anchor": anchor }, cut(label(o), Math.max(9, Math.floor((gap < 120 ? 2 : 1) * gap / 7.5))));
    add(name, "title", {}, label(o));
    const [low, high] = ends[i], up = o.direction === "maximize" ? high : low, down = o.direction === "maximize" ? low : high;
    add(frame, "text", { class: "tick", x, y: top - 6, "text-anchor": "middle" }, short(up));
    add(frame, "text", { class: "tick", x, y: bottom + 15, "text-anchor": "middle" }, short(down));
  });
  add(svg, "path", { class: "path picked", id: "picked-path", "aria-hidden": "true" });
  byId("parallel-note").textContent = "Red: the front; grey: the others" + (drawn.length < rest.length ? `, ${rest.length - drawn.length} of many not drawn` : "")
    + ". Better values are up. Left and right go through the front by its first objective, up and down through all trials.";
  markPath();
}

function markPath() {
  const line = byId("picked-path"), svg = byId("parallel-plot");
  if (!line) return;
  const t = picked === null ? null : trials.get(picked);
  svg.querySelectorAll("[aria-selected=true]").forEach((e) => e.setAttribute("aria-selected", "false"));
  svg.removeAttribute("aria-activedescendant");
  line.setAttribute("d", t && t.values ? pathOf(t) : "");
  const own = t && byId(`line-${t.id}`);
  if (own) { own.setAttribute("aria-selected", "true"); svg.setAttribute("aria-activedescendant", own.id); }
}

function hoverParallel(event) {
  const [px, py] = at(byId("parallel-plot"), event);
  let k = columns.findIndex((c) => c >= px);
  k = k < 0 ? columns.length - 2 : Math.max(k - 1, 0);
  const share = clamp((px - columns[k]) / (columns[k + 1] - columns[k]), 0, 1);
  let best = null, least = 12;
  for (const [t, ys] of paths) {
    const d = Math.abs(ys[k] + share * (ys[k + 1] - ys[k]) - py) - (onFront.has(t.id) ? 2 : 0);
    if (d < least) { least = d; best = t; }
  }
  if (best && best.id !== picked) pick(best.id);
}

// --- partition -------------------------------------------------------------------------------

const nodes = data.tree ? data.tree.nodes : [];
const childrenOf = nodes.map(() => []);
nodes.forEach((n, i) => { if (n.parent >= 0) childrenOf[n.parent].push(i); });
const boxText = (n) => `${n.trials.length}` + (n.share === null ? "" : ` · ${Math.round(100 * n.share)} %`) + (n.folded ? " …" : "");
const depthOf = (i) => nodes[i].parent < 0 ? 0 : 1 + depthOf(nodes[i].parent);

function drawTree() {
  const svg = byId("tree-plot");
  if (!nodes.length) {
    begin(svg, 300, 30);
    svg.setAttribute("role", "img");
    add(svg, "text", { x: 4, y: 20 }, "There is no partition to show.");
    byId("tree-hint").hidden = true; byId("region").hidden = true;
    return;
  }
  const W = 104, H = 26, rows = new Map(), depths = nodes.map((_, i) => depthOf(i));
  let tips = 0;
  const place = (i) => {  // children first: a parent stands between them
    const below = childrenOf[i].map(place);
    rows.set(i, below.length ? (below[0] + below[below.length - 1]) / 2 : tips++);
    return rows.get(i);
  };
  place(0);
  const width = (Math.max(...depths) + 1) * (W + 26) + 8, height = tips * 34 + 8;
  begin(svg, width, height);
  svg.style.width = width + "px"; svg.style.minWidth = width + "px";
  svg.setAttribute("aria-label", `Partition of ${data.tree.regions} regions`);
  const x = (i) => 4 + depths[i] * (W + 26), y = (i) => 4 + rows.get(i) * 34;
  nodes.forEach((n, i) => {
    if (n.parent < 0) return;
    const x0 = x(n.parent) + W, y0 = y(n.parent) + H / 2, x1 = x(i), y1 = y(i) + H / 2, c = (x0 + x1) / 2;
    add(svg, "path", { class: n.good ? "good" : "bad", d: `M${x0} ${y0}C${c} ${y0} ${c} ${y1} ${x1} ${y1}`, "stroke-width": n.chosen ? 2.6 : 1.3, "aria-hidden": "true" });
  });
  const least = Math.min(...nodes.map((n) => n.share ?? 1));
  nodes.forEach((n, i) => {
    const box = add(svg, "g", { class: "box" + (n.chosen && nodes.length > 1 ? " way" : ""), id: `node-${i}`, role: "treeitem", "aria-level": depths[i] + 1, "aria-selected": "false",
      "aria-label": `${n.parent < 0 ? "whole space" : n.good ? "good side" : "bad side"}: ${n.trials.length} trials` + (n.share === null ? "" : `, ${Math.round(100 * n.share)} % of the hypervolume`) + (n.chosen ? ", on the way to the next region" : "") });
    const size = { x: x(i), y: y(i), width: W, height: H, rx: 6 };
    add(box, "rect", size);
    if (n.share !== null) add(box, "rect", { ...size, class: "share", "fill-opacity": (.45 * (n.share - least) / Math.max(1 - least, 1e-9)).toFixed(3) });
    add(box, "rect", { ...size, class: "frame" });
    add(box, "text", { x: x(i) + W / 2, y: y(i) + 17, "text-anchor": "middle" }, boxText(n));
    box.addEventListener("click", () => chooseNode(i === node ? null : i));
  });
  markNode();
}

function chooseNode(i) {
  node = i;
  markNode(); showNode();
  const box = i === null ? null : byId(`node-${i}`);
  if (box) box.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function markNode() {
  const svg = byId("tree-plot"), members = new Set(node === null ? [] : nodes[node].trials);
  svg.querySelectorAll(".box").forEach((box, i) => {
    box.classList.toggle("picked", i === node);
    box.setAttribute("aria-selected", String(i === node));
  });
  if (node === null) svg.removeAttribute("aria-activedescendant");
  else svg.setAttribute("aria-activedescendant", `node-${node}`);
  byId("front-plot").classList.toggle("of-region", node !== null);
  for (const [t, , , made] of dots) made.classList.toggle("inside", members.has(t.id));
}

function showNode() {
  const card = byId("region");
  if (node === null) {
    list(card, "No region chosen", []);
    add(card, "p", { class: "note" }, "What its trials have in common is shown here.");
    return;
  }
  const n = nodes[node], inside = n.trials.map((id) => trials.get(id)), good = inside.filter((t) => t.values);
  const rows = [["trials", n.trials.length], ["on the front", inside.filter((t) => onFront.has(t.id)).length], ["hypervolume", n.share === null ? "unknown" : `${(100 * n.share).toFixed(1)} %`]];
  objectives.forEach((o, i) => {
    if (!good.length) return;
    const [low, high] = range(good.map((t) => t.values[i]));
    rows.push([`best ${label(o)}`, o.direction === "maximize" ? high : low]);
  });
  rows.push(null);
  for (const name of data.params) {
    const values = inside.map((t) => t.config[name]);
    if (values.every((v) => typeof v === "number")) {
      const [low, high] = range(values);
      rows.push([name, low === high ? low : `${short(low)} to ${short(high)}`]);
    } else {
      const seen = [...new Set(values.map(String))];
      rows.push([name, seen.length > 4 ? `${seen.length} values` : seen.join(", ")]);
    }
  }
  list(card, nodes[node].parent < 0 ? "The whole space" : nodes[node].good ? "A good side" : "A bad side", rows);
}

function walkTree(event) {
  if (event.key === "Escape") { chooseNode(null); return; }
  if (!event.key.startsWith("Arrow") || !nodes.length) return;
  event.preventDefault();
  if (node === null) { chooseNode(0); return; }
  if (event.key === "ArrowRight") { if (childrenOf[node].length) chooseNode(childrenOf[node][0]); }
  else if (event.key === "ArrowLeft") { if (node > 0) chooseNode(nodes[node].parent); }
  else chooseNode(clamp(node + (event.key === "ArrowDown" ? 1 : -1), 0, nodes.length - 1));
}

// --- the rest --------------------------------------------------------------------------------

function tell() {
  byId("title").textContent = data.problem;
  const pending = data.trials.length - told.length, volume = data.curves.length ? upTo(data.curves[0], longest) : null;
  const facts = [`${told.length} evaluations`, `${failed.length} failed`];
  if (infeasible.size) facts.push(`${infeasible.size} infeasible`);
  if (pending) facts.push(`${pending} pending`);
  facts.push(`${front.length} on the front`);
  if (volume !== null) facts.push(`hypervolume ${say(volume)}`);
  byId("facts").textContent = facts.join(", ") + ". " + objectives.map((o) => `${o.direction} ${label(o)}`).join(", ") + ".";
  byId("volume-note").textContent = data.ref
    ? `Against the reference point (${data.ref.map(say).join(", ")})${data.exact ? "" : ", estimated to 0.2 %"}. Arrow keys move the line.` : "";
  byId("command").textContent = data.command || "This search was not made by a command; its settings are below.";
  byId("made").textContent = `Made with lamoo_fast ${data.made_with}, begun ${data.created}, in ${data.folder}; page written with ${data.written_with}.`;
  byId("settings").textContent = JSON.stringify({ run: data.run, search: data.search }, null, 1);
}

function fillTables() {
  const table = document.querySelector("#table table");
  const heads = ["trial", ...objectives.map(label), ...data.params];
  const head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  for (const text of heads) add(head, "th", { scope: "col" }, text);
  for (const t of front.slice(0, 1000)) {
    const row = add(body, "tr", { "data-id": t.id });
    add(add(row, "td"), "button", { type: "button", "aria-label": `show trial ${t.id}` }, `#${t.id}`).addEventListener("click", () => pick(t.id));
    for (const v of [...t.values, ...data.params.map((p) => t.config[p])]) add(row, "td", {}, say(v));
  }
  if (!front.length) add(add(body, "tr"), "td", { colspan: heads.length }, "No trial is done and feasible.");
  byId("failures").hidden = !failed.length;
  const lost = document.querySelector("#failures table");
  for (const t of failed.slice(0, 200)) {
    const row = add(lost, "tr");
    add(row, "td", {}, `#${t.id}`);
    add(row, "td", {}, t.message);
  }
}

function fillPictures() {
  byId("architectures").hidden = !data.architectures.length;
  for (const a of data.architectures) {
    const t = trials.get(a.id), figure = add(document.querySelector(".gallery"), "figure");
    add(figure, "img", { src: a.image, alt: `Architecture ${a.text}` });
    add(figure, "figcaption", {}, `Trial ${a.id}: ` + t.values.map((v, i) => `${label(objectives[i])} ${say(v)}`).join(", "));
  }
  if (data.regions) {
    byId("regions").hidden = false;
    document.querySelector("#regions img").src = data.regions;
  }
}

function draw() {
  drawFront(); drawVolume();
  if (m > 1 && done.length) drawParallel(); else byId("parallel").hidden = true;
}

tell(); setUpAxes(); fillTables(); fillPictures(); drawTree(); draw(); showTrial(); showNode();
const everyTrial = done;
byId("front-plot").addEventListener("pointermove", hoverFront);
byId("front-plot").addEventListener("pointerdown", hoverFront);
byId("front-plot").addEventListener("keydown", (e) => walk(e, [["ArrowLeft", "ArrowRight", frontWalk], ["ArrowDown", "ArrowUp", everyTrial]]));
byId("parallel-plot").addEventListener("pointermove", hoverParallel);
byId("parallel-plot").addEventListener("pointerdown", hoverParallel);
byId("parallel-plot").addEventListener("keydown", (e) => walk(e, [["ArrowLeft", "ArrowRight", front], ["ArrowDown", "ArrowUp", everyTrial]]));
byId("volume-plot").addEventListener("pointermove", (e) => { if (longest) { moment = momentAt(at(byId("volume-plot"), e)[0]); showMoment(); } });
byId("volume-plot").addEventListener("pointerleave", () => { moment = null; showMoment(); });
byId("volume-plot").addEventListener("keydown", moveMoment);
byId("tree-plot").addEventListener("keydown", walkTree);
let known = document.body.clientWidth;
addEventListener("resize", () => {
  if (document.body.clientWidth !== known) { known = document.body.clientWidth; draw(); }
});
})();
