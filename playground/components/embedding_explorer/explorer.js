// The embedding explorer: one map of points that live in many dimensions, with its tools.
//
//   const explorer = new EmbeddingExplorer(element, { label, height, tools, onPick, onLayout, onItems });
//   explorer.setItems({ id, names, counts, noun, groupings, sprite })     what the points are
//   explorer.setFrame({ id, run, step, dims, n, q, low, high, … })   where they stand now (see pack_frame in Python)
//   explorer.setMarks({ run, asked, near })                      which ones are marked
(() => {
const P = window.EmbeddingPaint, Pictures = window.EmbeddingPictures;
const LABELS = 64, LABEL_POOL = 4000, LINE = 14, HISTORY = 240, HIT = 11;
const cores = navigator.hardwareConcurrency || 2;
const TWEEN_FRAME_MS = cores > 4 ? 16 : 130;   // few cores: they are busy training, so fewer pictures in between
const TWEEN_MS = 260;
const ASKED_SIZE = 1.9, NEAR_SIZE = 1.35;      // of a marked picture, against the others
const TIP_PICTURE = 96, KEY_CLASSES = 12, SVG_PICTURES = 1000, GUEST = "guest";
const COLOURS = [["plain", "one colour"], ["frequency", "frequency"], ["cluster", "cluster"], ["similarity", "similarity"]];
const LAYOUT = [
  ["method", "Layout", [["umap", "UMAP"], ["pca", "PCA"]]],
  ["points", "Points", [["500", "500"], ["1000", "1,000"], ["2000", "2,000"], ["5000", "5,000"], ["10000", "10,000"], ["20000", "20,000"], ["50000", "50,000"]]],
  ["n_neighbors", "Neighbours", [["5", "5: local detail"], ["15", "15"], ["30", "30"], ["50", "50: broad shape"]]],
  ["min_dist", "Minimum distance", [["0", "0: tight clumps"], ["0.1", "0.1"], ["0.5", "0.5"], ["0.9", "0.9: spread out"]]],
  ["metric", "Distance", [["cosine", "cosine"], ["euclidean", "euclidean"], ["correlation", "correlation"]]],
];
const HOW_TO_READ = "On a UMAP map only who stands next to whom means something: sizes of clumps and the gaps between them don't. "
  + "Try other neighbours and distances: what stays is in the data, what changes is in the drawing. Neighbours in the list are measured in the original space.";

const el = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
function button(text, title, onClick) {
  const node = el("button", "ex-button", text);
  node.type = "button"; node.title = title;
  node.addEventListener("click", onClick);
  return node;
}
function select(label, options, onChange) {
  const node = el("select", "ex-select");
  node.setAttribute("aria-label", label); node.title = label;
  for (const [value, text] of options) { const o = el("option", "", text); o.value = value; node.append(o); }
  node.addEventListener("change", () => onChange(node.value));
  return node;
}
const cut = (text, most = 24) => { const name = String(text ?? ""); return name.length > most ? `${name.slice(0, most - 1)}…` : name; };
const css = (c) => `rgb(${c.join()})`;
const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

// Places come as 16-bit shares of the box [low, high], point after point.
function unpack(frame) {
  const packed = new Uint16Array(bytes(frame.q).buffer), flat = new Float32Array(packed.length), dims = frame.dims;
  const step = frame.low.map((low, k) => (frame.high[k] - low) / 65535);
  for (let i = 0; i < packed.length; i++) flat[i] = frame.low[i % dims] + packed[i] * step[i % dims];
  return flat;
}

class EmbeddingExplorer {
  constructor(root, options) {
    Object.assign(this, { root, options, items: null, frame: null, flat: null, history: [], scrub: null, camera: null,
      userCamera: false, places: null, marks: { asked: null, near: [] }, found: null, selected: null, isolated: null,
      labelled: [], colouring: "plain", lassoing: false, widths: new Map(), drawn: 0, paintMs: 0,
      sheet: null, asPictures: true, groupings: [], guests: [], guestFlat: new Float32Array(0), guestPlaces: null, markLabels: [] });
    this.build();
    this.listen();
    new ResizeObserver(() => { if (!this.userCamera) this.camera = null; this.redraw(); }).observe(this.stage);
    new MutationObserver(() => this.redraw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  // ---- The page's part
  build() {
    this.root.classList.add("explorer");
    const bar = el("div", "ex-bar");
    this.search = el("input", "ex-search");
    Object.assign(this.search, { type: "search", placeholder: "Find", maxLength: 80 });
    this.search.setAttribute("aria-label", "Find on the map");
    this.colourBy = select("Colour by", COLOURS.map(([v, t]) => [v, `Colour: ${t}`]), (value) => this.setColouring(value, true));
    this.dimsButton = button("3D", "Show three dimensions; drag to turn, Shift and drag to move", () =>
      this.ask({ dimensions: this.dims() === 3 ? 2 : 3 }));
    this.lassoButton = button("Lasso", "Draw around points to select them", () => this.setLasso(!this.lassoing));
    this.lassoButton.setAttribute("aria-pressed", "false");
    this.isolateButton = button("Isolate", "Show only what is selected or found", () => this.isolate());
    this.pictureButton = button("Dots", "Show the points as dots or as pictures", () => this.setPictures(!this.asPictures));
    this.pictureButton.hidden = true;
    this.fitButton = button("Fit", "Show everything again (key 0)", () => this.reset());
    this.menuButton = button("More", "Layout, export, how to read the map", () => this.setMenu(this.menu.hidden));
    this.menuButton.setAttribute("aria-expanded", "false");
    bar.append(this.search, this.colourBy, this.dimsButton, this.lassoButton, this.isolateButton, this.pictureButton, this.fitButton, this.menuButton);
    this.stage = el("div", "ex-stage");
    this.stage.style.height = `${this.options.height}px`;
    this.canvas = el("canvas", "ex-canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", `${this.options.label}. Arrow keys move, plus and minus zoom, 0 shows everything.`);
    this.title = el("div", "ex-title", `${this.options.label}: appears here`);
    this.ring = el("div", "ex-ring"); this.tip = el("div", "ex-tip"); this.key = el("div", "ex-key");
    this.ring.hidden = this.tip.hidden = this.key.hidden = true;
    this.drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.drawing.setAttribute("class", "ex-lasso"); this.drawing.setAttribute("aria-hidden", "true");
    this.menu = this.buildMenu();
    this.stage.append(this.canvas, this.title, this.key, this.ring, this.tip, this.drawing, this.menu);
    const time = el("div", "ex-time");
    this.playButton = button("Replay", "Play the training again, as this map saw it", () => this.play());
    this.slider = el("input", "ex-slider");
    Object.assign(this.slider, { type: "range", min: 0, max: 0, value: 0 });
    this.slider.setAttribute("aria-label", "Training history of the map");
    this.when = el("span", "ex-when num");
    time.append(this.playButton, this.slider, this.when);
    this.time = time;
    this.said = el("p", "ex-said"); this.said.setAttribute("role", "status");
    this.root.replaceChildren(bar, this.stage, time, this.said);
    bar.hidden = this.options.tools === false;
    this.showTime();
  }

  buildMenu() {
    const menu = el("div", "ex-menu"); menu.hidden = true;
    this.layoutBoxes = {};
    for (const [name, label, choices] of LAYOUT) {
      const row = el("label", "ex-row", label);
      const box = select(label, choices, (value) => this.ask({ [name]: ["method", "metric"].includes(name) ? value : Number(value) }));
      this.layoutBoxes[name] = box;
      row.append(box); menu.append(row);
    }
    const save = el("div", "ex-row", "Save");
    for (const [text, what] of [["PNG", () => this.savePng()], ["SVG", () => this.saveSvg()], ["HTML", () => this.saveHtml()]])
      save.append(button(text, `Save this view as ${text}`, what));
    this.saveNote = el("p", "ex-how", `An SVG holds the pictures in sight, up to ${SVG_PICTURES.toLocaleString("en")}; of more it shows circles.`);
    this.saveNote.hidden = true;
    menu.append(save, this.saveNote, el("p", "ex-how", HOW_TO_READ));
    for (const node of [menu, this.menuButton]) node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || menu.hidden) return;
      event.preventDefault();   // what this closes is all that it closes
      this.setMenu(false);
      this.menuButton.focus();
    });
    return menu;
  }

  setMenu(open) {
    this.menu.hidden = !open;
    this.menuButton.setAttribute("aria-expanded", String(open));
  }

  listen() {
    const canvas = this.canvas;
    this.search.addEventListener("input", () => this.find(this.search.value));
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.found && this.found.length) this.pick(this.bestFound());
      if (event.key === "Escape") { this.search.value = ""; this.find(""); }
    });
    this.slider.addEventListener("input", () => this.scrubTo(Number(this.slider.value)));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("dblclick", () => this.reset());
    let grip = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button > 1) return;
      canvas.setPointerCapture(event.pointerId);
      grip = { x: event.offsetX, y: event.offsetY, moved: 0, turn: this.dims() === 3 && !event.shiftKey,
        line: this.lassoing ? [[event.offsetX, event.offsetY]] : null };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!grip) { this.hover(event.offsetX, event.offsetY); return; }
      const dx = event.offsetX - grip.x, dy = event.offsetY - grip.y;
      grip.x = event.offsetX; grip.y = event.offsetY; grip.moved += Math.abs(dx) + Math.abs(dy);
      if (grip.line) { grip.line.push([event.offsetX, event.offsetY]); this.drawLasso(grip.line); return; }
      if (grip.moved > 3) { this.hideTip(); grip.turn ? this.turn(dx, dy) : this.pan(dx, dy); }
    });
    canvas.addEventListener("pointerup", (event) => {
      const held = grip; grip = null;
      if (!held) return;
      if (held.line) { this.endLasso(held.line); return; }
      if (held.moved <= 3) { const hit = this.hit(event.offsetX, event.offsetY); if (typeof hit === "number") this.pick(hit); }
    });
    canvas.addEventListener("pointercancel", () => { grip = null; this.drawLasso(null); });
    canvas.addEventListener("pointerleave", () => this.hideTip());
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }, move = moves[event.key];
      if (move) this.dims() === 3 && !event.shiftKey ? this.turn(-move[0], -move[1]) : this.pan(...move);
      else if (event.key === "+" || event.key === "=") this.zoom(1.25);
      else if (event.key === "-") this.zoom(0.8);
      else if (event.key === "0" || event.key === "Escape") this.reset();
      else return;
      event.preventDefault();
    });
  }

  // ---- What arrives
  setItems(items) {
    this.items = items;
    this.widths.clear(); this.labelled = [];
    this.root.dataset.items = items.id;
    this.sheet = items.sprite ? Pictures.sheet(items.sprite, () => this.redraw()) : null;
    this.sprite = this.sheet?.image ?? null;
    this.pictureButton.hidden = this.saveNote.hidden = !this.sheet;
    this.groupings = (items.groupings || []).map((g) => ({ ...g, colours: Pictures.colours(g), codes: new Uint16Array(bytes(g.codes).buffer) }));
    this.offerColours();
    if (this.search.value) this.find(this.search.value);
    this.redraw();
  }

  setFrame(frame) {
    if (this.frame && frame.id === this.frame.id) return;
    const before = this.frame, flat = unpack(frame);
    const sameMap = before && before.run === frame.run && before.map === frame.map && before.n === frame.n && before.dims === frame.dims;
    if (!sameMap) {
      Object.assign(this, { history: [], scrub: null, camera: null, labelled: [] });
      if (!before || before.items !== frame.items) { Object.assign(this, { isolated: null, selected: null }); this.isolateButton.textContent = "Isolate"; }
      this.userCamera = false;
    }
    if ((frame.history || []).length > this.history.length) this.history = [];  // a page that has missed the beginning
    for (const old of frame.history || []) this.remember({ step: old.step, label: old.label, flat: unpack(old) });
    this.frame = frame;
    this.remember({ step: frame.step, label: frame.label, flat });
    this.marks = { asked: frame.asked, near: frame.near };
    this.colourData = frame.colour ? { ...frame.colour, codes: bytes(frame.colour.codes) } : null;
    this.colouring = frame.settings.colour;
    this.offerColours();
    this.setGuests(frame, sameMap);
    for (const [name, box] of Object.entries(this.layoutBoxes)) {
      const value = String(frame.settings[name]);
      if (![...box.options].some((o) => o.value === value)) { const o = el("option", "", value); o.value = value; box.append(o); }
      if (document.activeElement !== box) box.value = value;
    }
    this.dimsButton.textContent = frame.dims === 3 ? "2D" : "3D";
    this.showTime();
    if ((!this.items || this.items.id !== frame.items) && this.asked !== frame.items) { this.asked = frame.items; this.options.onItems?.(frame.items); }
    if (this.search.value) this.find(this.search.value, true);
    if (this.scrub === null) this.moveTo(flat, sameMap);
  }

  // What the points can be coloured by: what is known of these items, and what the server works out.
  offerColours() {
    const of = this.items, known = (value) => value !== "frequency" || !of || of.counts;
    const offered = COLOURS.filter(([value]) => known(value)).map(([v, t]) => [v, `Colour: ${t}`]);
    const factors = this.groupings.map((g) => [`factor:${g.name}`, `Colour: ${cut(g.label)}`]);
    offered.splice(1, 0, ...factors);
    const shape = JSON.stringify(offered);
    if (shape !== this.offered) {
      this.offered = shape;
      this.colourBy.replaceChildren(...offered.map(([value, text]) => { const o = el("option", "", text); o.value = value; return o; }));
    }
    const chosen = offered.some(([value]) => value === this.colouring) ? this.colouring : "plain";
    if (this.colourBy.value !== chosen) this.colourBy.value = chosen;
  }

  // Pictures that are none of the points; they move with the map, and are not part of its history.
  setGuests(frame, sameMap) {
    const guests = frame.guests || [], pictures = new Map(this.guests.map((g) => [g.src, g.sheet])), dims = frame.dims;
    this.guests = guests.map((g) => ({ ...g, sheet: pictures.get(g.src) || Pictures.sheet({ src: g.src }, () => this.redraw()) }));
    const to = Float32Array.from(guests.flatMap((g) => [g.x, g.y, g.z ?? 0].slice(0, dims)));
    this.guestMove = { from: sameMap && this.guestFlat.length === to.length ? this.guestFlat : to, to };
    this.guestFlat = to;
  }

  setPictures(on) {
    this.asPictures = on;
    this.pictureButton.textContent = on ? "Dots" : "Pictures";
    this.labelled = [];
    this.redraw();
  }
  // Whether points are drawn as pictures: the sheet is there, and it belongs to the points of this frame.
  pictured() { return this.asPictures && this.frame && this.items?.id === this.frame.items && Pictures.ready(this.sheet); }
  guestsShown() { return this.scrub === null ? this.guests : []; }

  setMarks(marks) {
    if (!this.frame || marks.run !== this.frame.run) return;
    this.marks = { asked: marks.asked, near: marks.near };
    if (marks.said || this.saidBy === "marks") this.say(marks.said || "", "marks");  // late marks leave a search's answer
    if (marks.colour) this.colourData = { ...marks.colour, codes: bytes(marks.colour.codes) };
    this.redraw();
  }

  remember(state) {
    const last = this.history[this.history.length - 1];
    if (last && state.step <= last.step) { if (state.step === last.step) this.history[this.history.length - 1] = state; return; }
    this.history.push(state);
    if (this.history.length > HISTORY) {
      const gap = (i) => this.history[i + 1].step - this.history[i - 1].step;   // drop the state that is missed least
      let least = 1;
      for (let i = 2; i < this.history.length - 1; i++) if (gap(i) < gap(least)) least = i;
      this.history.splice(least, 1);
      if (this.scrub > least) this.scrub -= 1;
    }
  }

  // ---- Motion
  moveTo(flat, smoothly) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden;
    if (!smoothly || still || !this.flat || this.flat.length !== flat.length || flat.length > 30000) {
      this.tween = null; this.flat = flat; this.refit(); this.redraw(); return;
    }
    this.tween = { from: this.flat, to: flat, fromCamera: this.camera, began: performance.now() };
    setTimeout(() => this.redraw(), TWEEN_FRAME_MS);
  }

  advance(now) {
    const tween = this.tween;
    if (!tween) return;
    const t = Math.min(1, (now - tween.began) / TWEEN_MS), flat = new Float32Array(tween.to.length);
    for (let i = 0; i < flat.length; i++) flat[i] = tween.from[i] + (tween.to[i] - tween.from[i]) * t;
    this.flat = flat;
    const { from, to } = this.guestMove;
    this.guestFlat = to.map((v, k) => from[k] + (v - from[k]) * t);
    if (!this.userCamera && tween.fromCamera) {
      tween.toCamera ||= this.fitted(tween.to);
      const mix = (a, b) => a + (b - a) * t, c = tween.fromCamera, d = tween.toCamera;
      this.camera = { ...this.camera, ...d, centre: c.centre.map((v, k) => mix(v, d.centre[k])), scale: mix(c.scale, d.scale) };
      if (d.shift) Object.assign(this.camera, { yaw: c.yaw, pitch: c.pitch, shift: c.shift });
    }
    if (t === 1) { this.flat = tween.to; this.tween = null; }
    else setTimeout(() => this.redraw(), TWEEN_FRAME_MS);
  }

  fitted(flat) {
    const only = this.isolated && this.isolated.size ? [...this.isolated] : null;
    const below = this.key.hidden ? 0 : this.key.offsetHeight;   // the key covers no points
    const camera = P.fit(flat, this.dims(), this.stage.clientWidth, this.stage.clientHeight - below, only);
    if (this.dims() === 3) camera.shift = [0, -below / 2]; else camera.centre[1] -= below / 2 / camera.scale;
    if (this.dims() === 3) Object.assign(camera, { yaw: this.camera?.yaw ?? 0.6, pitch: this.camera?.pitch ?? 0.35 });
    return camera;
  }
  refit() { if (!this.userCamera || !this.camera) this.camera = this.flat && this.stage.clientWidth ? this.fitted(this.flat) : null; }
  dims() { return this.frame ? this.frame.dims : 2; }
  reset() { this.userCamera = false; this.camera = null; this.refit(); this.redraw(); }
  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const c = this.camera; if (!c) return;
    this.userCamera = true;
    const dx = x - this.stage.clientWidth / 2, dy = y - this.stage.clientHeight / 2, next = c.scale * factor;
    if (this.dims() === 2) { c.centre[0] += dx / c.scale - dx / next; c.centre[1] -= dy / c.scale - dy / next; }
    else c.shift = [dx + (c.shift[0] - dx) * factor, dy + (c.shift[1] - dy) * factor];
    c.scale = next; this.redraw();
  }
  pan(dx, dy) {
    const c = this.camera; if (!c) return;
    this.userCamera = true;
    if (this.dims() === 2) { c.centre[0] -= dx / c.scale; c.centre[1] += dy / c.scale; } else c.shift = [c.shift[0] + dx, c.shift[1] + dy];
    this.redraw();
  }
  turn(dx, dy) {
    const c = this.camera; if (!c) return;
    this.userCamera = true;
    c.yaw += dx * 0.008; c.pitch = Math.max(-1.5, Math.min(1.5, c.pitch + dy * 0.008));
    this.redraw();
  }

  // ---- Time
  showTime() {
    const many = this.history.length > 1 && this.options.tools !== false;
    this.time.hidden = !many;
    if (!many) return;
    this.slider.max = this.history.length - 1;
    const at = this.scrub ?? this.history.length - 1;
    this.slider.value = at;
    this.when.textContent = this.history[at].label + (this.scrub === null ? "" : ` (now: ${this.history[this.history.length - 1].label})`);
    this.slider.setAttribute("aria-valuetext", this.history[at].label);
  }
  scrubTo(at) {
    this.stop();
    this.scrub = at >= this.history.length - 1 ? null : at;
    this.showState(at);
  }
  showState(at) {
    const state = this.history[Math.min(at, this.history.length - 1)];
    if (!state) return;
    this.tween = null; this.flat = state.flat;
    if (!this.userCamera) this.camera = null;
    this.showTime(); this.redraw();
  }
  play() {
    if (this.playing) { this.stop(); return; }
    let at = this.scrub ?? 0;
    this.playButton.textContent = "Stop";
    this.playing = setInterval(() => {
      if (at >= this.history.length - 1) { this.stop(); this.scrub = null; this.showState(this.history.length - 1); return; }
      this.scrub = at; this.showState(at); at += 1;
    }, Math.max(50, Math.min(140, 8000 / this.history.length)));
  }
  stop() { clearInterval(this.playing); this.playing = null; this.playButton.textContent = "Replay"; }

  // ---- Choosing points
  visible(i) { return !this.isolated || this.isolated.has(i); }
  // Which point is here, or { guest } for a guest, or null. What lies on top comes first.
  hit(x, y) {
    const places = this.places; if (!places) return null;
    const over = (px, py, size) => Math.max(Math.abs(px - x), Math.abs(py - y)) <= size / 2;
    const guests = this.guestsShown().map((_, k) => k).reverse();
    const guest = this.guestPlaces && guests.find((k) => over(this.guestPlaces.x[k], this.guestPlaces.y[k], this.guestSide()));
    if (guest !== undefined && guest !== null) return { [GUEST]: guest };
    const on = this.pictured() && this.markedPoints().find((i) => over(places.x[i], places.y[i], this.sideOf(i)));
    if (typeof on === "number") return on;
    const reach = this.pictured() ? Math.max(HIT, 0.6 * this.side) : HIT;
    let best = null, nearest = reach * reach;
    for (let i = 0; i < places.x.length; i++) {
      const dx = places.x[i] - x, dy = places.y[i] - y, d = dx * dx + dy * dy;
      if (d < nearest && this.visible(i)) { nearest = d; best = i; }
    }
    return best;
  }
  name(i) { return this.items && this.items.id === this.frame.items ? this.items.names[i] ?? "" : ""; }
  hover(x, y) {
    const hit = this.hit(x, y);
    if (hit === null) { this.hideTip(); return; }
    const isGuest = typeof hit !== "number", i = isGuest ? hit[GUEST] : hit, places = isGuest ? this.guestPlaces : this.places;
    const left = places.x[i], top = places.y[i], side = isGuest ? this.guestSide() : this.pictured() ? this.sideOf(i) : 0;
    this.fillTip(i, isGuest);
    this.tip.hidden = false;
    this.ring.hidden = side > 0;
    this.ring.style.transform = `translate(${left}px, ${top}px)`;
    const right = left > this.stage.clientWidth / 2, gap = side / 2 + 10, half = this.tip.offsetHeight / 2 + 2;
    const middle = Math.max(half, Math.min(this.stage.clientHeight - half, top));
    this.tip.style.transform = `translate(${left + (right ? -gap : gap)}px, ${middle}px) translate(${right ? "-100%" : "0"}, -50%)`;
    this.canvas.style.cursor = isGuest ? "default" : "pointer";
  }
  // Name, how often, picture, and the class of each factor; all of it text.
  fillTip(i, isGuest) {
    const count = isGuest ? undefined : this.items?.counts?.[i], words = el("span", "ex-tip-words"), parts = [words];
    const name = isGuest ? this.guests[i].name : this.name(i) + (count === undefined ? "" : ` · ${count.toLocaleString("en")}×`);
    words.append(el("span", "", name));
    const own = this.items && this.items.id === this.frame.items, sheet = isGuest ? this.guests[i].sheet : own ? this.sheet : null;
    if (isGuest) words.append(el("span", "ex-fact", "stands among its nearest"));
    else if (own) for (const g of this.groupings) {
      const called = g.classes[g.codes[i]];
      if (called !== undefined) words.append(el("span", "ex-fact", `${g.label}: ${called}`));
    }
    const picture = Pictures.crop(sheet, isGuest ? 0 : i, TIP_PICTURE, this.ink("--paper", "#fff"));
    if (picture) parts.unshift(picture);
    this.tip.classList.toggle("ex-tip-picture", parts.length > 1);
    this.tip.replaceChildren(...parts);
  }
  hideTip() { this.ring.hidden = this.tip.hidden = true; this.canvas.style.cursor = this.lassoing ? "crosshair" : "grab"; }
  pick(i) { this.options.onPick?.({ index: i, name: this.name(i), items: this.frame.items }); }

  find(text, quietly) {
    const wanted = text.trim().toLowerCase();
    this.found = null;
    if (wanted && this.items && this.frame && this.items.id === this.frame.items) {
      this.found = [];
      for (let i = 0; i < this.frame.n; i++) if (String(this.items.names[i]).toLowerCase().includes(wanted)) this.found.push(i);
      const noun = this.items.noun || "point";
      if (!quietly) this.say(this.found.length ? `${this.found.length.toLocaleString("en")} ${noun}${this.found.length > 1 ? "s" : ""} found. Enter chooses “${this.name(this.bestFound())}”.`
        : `No ${noun} on this map contains “${wanted.slice(0, 40)}”.`);
    } else if (!quietly) this.say("");
    this.redraw();
  }
  bestFound() {
    const wanted = this.search.value.trim().toLowerCase();
    const rank = (i) => { const name = String(this.items.names[i]).toLowerCase(); return name === wanted ? 0 : name.startsWith(wanted) ? 1 : 2; };
    return this.found.reduce((best, i) => (rank(i) < rank(best) ? i : best), this.found[0]);
  }

  setLasso(on) {
    this.lassoing = on;
    this.lassoButton.setAttribute("aria-pressed", String(on));
    this.hideTip();
    this.say(on ? "Draw around some points." : "");
    if (!on) { this.selected = null; this.redraw(); }
  }
  drawLasso(line) {
    this.drawing.innerHTML = "";
    if (!line) return;
    const polygon = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    polygon.setAttribute("points", line.map((p) => p.join()).join(" "));
    this.drawing.append(polygon);
  }
  endLasso(line) {
    this.drawLasso(null);
    const inside = [];
    for (let i = 0; i < this.places.x.length; i++)
      if (this.visible(i) && P.insidePolygon(this.places.x[i], this.places.y[i], line)) inside.push(i);
    this.selected = inside.length ? inside : null;
    const shown = inside.slice(0, 24).map((i) => this.name(i)).join(", ");
    this.say(inside.length ? `${inside.length.toLocaleString("en")} selected: ${shown}${inside.length > 24 ? ", …" : ""}. Isolate shows only these.`
      : "Nothing is inside the lasso: draw around some points.");
    this.redraw();
  }
  isolate() {
    if (this.isolated) { this.isolated = null; this.isolateButton.textContent = "Isolate"; this.say(""); this.reset(); return; }
    const { asked, near } = this.marks;
    const chosen = this.selected || (this.found && this.found.length ? this.found : null) || (asked !== null && asked !== undefined ? [asked, ...near] : null);
    if (!chosen) { this.say("Select something first: search, use the lasso, or click a point."); return; }
    this.isolated = new Set(chosen);
    this.isolateButton.textContent = "Show all";
    this.say(`${chosen.length.toLocaleString("en")} shown; the others are hidden.`);
    this.reset();
  }
  setColouring(value, asks) {
    this.colouring = value;
    if (value !== "cluster" && value !== "similarity") this.colourData = null;
    if (asks && (this.options.onLayout || value === "cluster" || value === "similarity")) this.ask({ colour: value });
    this.redraw();
  }
  ask(changes) {
    if (!this.options.onLayout) { this.say("This saved map can't be laid out anew."); return; }
    if (!("colour" in changes)) this.say("Laying the map out anew…");
    this.layoutAsked = true;
    this.options.onLayout(changes);
  }
  say(text, by = "tools") { this.said.textContent = text; this.said.hidden = !text; this.saidBy = by; }

  // ---- Drawing
  redraw() { if (!this.waiting) { this.waiting = true; requestAnimationFrame((now) => { this.waiting = false; this.paint(now); }); } }

  ink(name, fallback) { return getComputedStyle(this.root).getPropertyValue(name).trim() || fallback; }

  tones() {
    const n = this.frame.n, accent = P.rgb(this.ink("--accent", "#4f46e5")), kind = this.colouring, data = this.colourData;
    if (kind === "frequency" && this.items?.counts?.length >= n) {
      const logs = this.items.counts.slice(0, n).map((c) => Math.log(Math.max(1, c)));
      const low = Math.min(...logs.slice(-1), logs[n - 1]), high = Math.max(logs[0], low + 1e-9), table = P.ramp(P.VIRIDIS);
      this.keyData = { ramp: P.VIRIDIS, low: this.items.counts[n - 1].toLocaleString("en"), high: this.items.counts[0].toLocaleString("en"), label: "times in the text" };
      return (i) => table[Math.max(0, Math.min(255, Math.round((255 * (logs[i] - low)) / (high - low))))];
    }
    if (data && data.kind === kind && data.codes.length === n) {
      if (kind === "similarity") {
        const table = P.ramp(P.VIRIDIS);
        this.keyData = { ramp: P.VIRIDIS, low: data.low.toFixed(2), high: data.high.toFixed(2), label: data.label };
        return (i) => table[data.codes[i]];
      }
      const table = P.OKABE_ITO.map(P.rgb);
      this.keyData = { names: data.names, label: data.label };
      return (i) => table[data.codes[i] % table.length];
    }
    const factor = this.items?.id === this.frame.items && this.groupings.find((g) => `factor:${g.name}` === kind);
    if (factor) {
      const table = factor.colours.map(P.rgb);
      this.keyData = { names: factor.classes, label: factor.label, colours: factor.colours, said: true };
      return (i) => table[factor.codes[i]] || accent;
    }
    this.keyData = null;
    return () => accent;
  }

  paint(now = performance.now()) {
    const width = this.stage.clientWidth, height = this.stage.clientHeight;
    if (!this.frame || !width) return;
    const began = performance.now();
    this.advance(now);
    if (!this.flat) return;
    if (!this.camera) this.refit();
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.render(this.canvas, width, height, ratio);
    this.showKey();
    this.title.textContent = this.frame.title + (this.frame.note ? ` · ${this.frame.note}` : "");
    if (this.layoutAsked && !this.frame.busy) { this.layoutAsked = false; if (this.said.textContent.startsWith("Laying")) this.say(""); }
    this.drawn += 1;
    this.paintMs = performance.now() - began;
    this.root.dataset.drawn = String(this.drawn);
    this.root.dataset.frame = this.frame.id;
  }

  render(canvas, width, height, ratio) {
    const w = Math.round(width * ratio), h = Math.round(height * ratio);
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    const pen = canvas.getContext("2d", { alpha: false });
    const n = this.frame.n, many = n > 12000 ? 1.6 : n > 3000 ? 2 : this.sheet && n < 1000 ? 3.5 : 2.5;
    this.places = P.project(this.flat, this.dims(), this.camera, width, height, this.places);
    if (!this.pixels || this.pixels.width !== w || this.pixels.height !== h) this.pixels = pen.createImageData(w, h);
    const paper = P.rgb(this.ink("--paper", "#ffffff")), words = new Uint32Array(this.pixels.data.buffer);
    words.fill((255 << 24) | (paper[2] << 16) | (paper[1] << 8) | paper[0]);
    const tone = this.tones(), found = this.found && this.found.length ? new Set(this.found) : null;
    const chosen = found || (this.selected ? new Set(this.selected) : null), coloured = this.keyData !== null;
    const base = coloured ? 0.75 : n > 12000 ? 0.25 : 0.36;
    const strength = (i) => (!this.visible(i) ? 0 : chosen && !chosen.has(i) ? 0.1 : this.isolated ? 0.8 : base);
    const order = this.order();
    const guests = this.guestsShown(), guestDims = this.dims();
    this.guestPlaces = guests.length ? P.project(this.guestFlat.subarray(0, guests.length * guestDims), guestDims, this.camera, width, height) : null;
    this.side = this.pictured() ? this.pictureSide(width, height) : 0;
    if (this.side) {
      pen.putImageData(this.pixels, 0, 0);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.thumbnails(pen, order, tone, chosen, width, height);
    } else {
      P.dots(this.pixels, w, h, this.places, order, many, ratio, tone, strength);
      pen.putImageData(this.pixels, 0, 0);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.annotate(pen, width, height, chosen, tone);
    pen.setTransform(1, 0, 0, 1, 0, 0);
  }

  // Which point is painted after which: in 3D the near ones last.
  order() {
    const n = this.frame.n;
    if (!this.sequence || this.sequence.length !== n) this.sequence = Uint32Array.from({ length: n }, (_, i) => n - 1 - i);
    if (this.places.depth && n <= 12000) { const depth = this.places.depth; this.sequence.sort((a, b) => depth[a] - depth[b]); this.turned = true; }
    else if (this.turned) { this.sequence.sort((a, b) => b - a); this.turned = false; }
    return this.sequence;
  }

  // ---- Pictures
  pictureSide(width, height) {
    const shown = this.isolated ? this.isolated.size : this.frame.n, zoomed = this.camera.scale / this.fitted(this.flat).scale;
    return Pictures.side(shown, this.sheet.tile, zoomed, width, height);
  }
  markedPoints() {
    const { asked, near } = this.marks, n = this.frame.n;
    return [...new Set([asked, ...near])].filter((i) => i !== null && i !== undefined && i < n && this.visible(i));
  }
  sideOf(i) {
    const depth = this.places.depth ? 1 + 0.3 * this.places.depth[i] : 1;
    return this.side * depth * (i === this.marks.asked ? ASKED_SIZE : this.marks.near.includes(i) ? NEAR_SIZE : 1);
  }
  guestSide() { return Math.max(34, 1.5 * (this.side || 0)); }
  // The frames of point i: its group's colour where there is one, and the highlight around what is marked.
  framesOf(i, tone, chosen, marked) {
    const highlight = this.ink("--highlight", "#c2410c"), coloured = this.keyData !== null;
    if (marked) return coloured ? [[css(tone(i)), 2.5], [highlight, 2.5]] : [[highlight, 2.5]];
    if (coloured) return [[css(tone(i)), 2]];
    return [[chosen?.has(i) ? highlight : this.ink("--paper", "#fff"), chosen?.has(i) ? 1.5 : 1]];
  }
  thumbnails(pen, order, tone, chosen, width, height) {
    const marked = new Set(this.markedPoints()), { x, y } = this.places;
    const plain = this.framesOf(-1, () => [0, 0, 0], null, false), coloured = this.keyData !== null;
    // What was not found or selected lies pale below the rest.
    for (const below of chosen ? [true, false] : [false]) for (const i of order) {
      if (marked.has(i) || !this.visible(i) || (chosen && chosen.has(i) === below)) continue;
      const size = this.sideOf(i);
      if (x[i] < -size || y[i] < -size || x[i] > width + size || y[i] > height + size) continue;
      pen.globalAlpha = below ? 0.15 : 1;
      const frames = coloured || chosen ? this.framesOf(i, tone, chosen, false) : plain;
      if (!Pictures.draw(pen, this.sheet, i, x[i], y[i], size, frames)) this.disc(pen, x[i], y[i], 3, css(tone(i)));
    }
    pen.globalAlpha = 1;
  }
  disc(pen, x, y, radius, colour) { pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fillStyle = colour; pen.fill(); }
  drawMarks(pen, marked, tone) {
    const { x, y } = this.places, { asked } = this.marks, paper = this.ink("--paper", "#fff"), highlight = this.ink("--highlight", "#c2410c");
    for (const i of [...marked].reverse()) {   // the asked one last, on top
      if (this.side && Pictures.draw(pen, this.sheet, i, x[i], y[i], this.sideOf(i), this.framesOf(i, tone, null, true))) continue;
      this.disc(pen, x[i], y[i], i === asked ? 5 : 4, highlight);
      pen.strokeStyle = paper; pen.lineWidth = 1.5; pen.stroke();
    }
  }
  drawGuests(pen) {
    const guests = this.guestsShown(), at = this.guestPlaces, { x, y } = this.places;
    const highlight = this.ink("--highlight", "#c2410c"), paper = this.ink("--paper", "#fff");
    if (!guests.length) return;
    pen.strokeStyle = highlight; pen.lineWidth = 1.5; pen.setLineDash([4, 3]);
    guests.forEach((g, k) => g.near.filter((i) => i < this.frame.n && this.visible(i)).forEach((i) => {
      pen.beginPath(); pen.moveTo(at.x[k], at.y[k]); pen.lineTo(x[i], y[i]); pen.stroke();
    }));
    pen.setLineDash([]);
    const frames = [[paper, 1.5], [highlight, 3], [paper, 1.5]];
    guests.forEach((g, k) => {
      if (Pictures.ready(g.sheet) && Pictures.draw(pen, g.sheet, 0, at.x[k], at.y[k], this.guestSide(), frames)) return;
      this.disc(pen, at.x[k], at.y[k], 7, highlight);
      pen.strokeStyle = paper; pen.lineWidth = 2; pen.stroke();
    });
  }

  annotate(pen, width, height, chosen, tone) {
    const { asked, near } = this.marks, { x, y } = this.places, n = this.frame.n;
    const text = this.ink("--chart-text", "#1e293b"), highlight = this.ink("--highlight", "#c2410c"), paper = this.ink("--paper", "#fff");
    const family = this.ink("font-family", "") || getComputedStyle(this.root).fontFamily;
    const has = (i) => i !== null && i !== undefined && i < n && this.visible(i);
    const marked = this.markedPoints(), lines = has(asked) ? near.filter(has) : [];
    pen.strokeStyle = highlight; pen.lineWidth = this.side ? 1.5 : 1; pen.globalAlpha = this.side ? 0.85 : 0.55;
    for (const i of lines) { pen.beginPath(); pen.moveTo(x[asked], y[asked]); pen.lineTo(x[i], y[i]); pen.stroke(); }
    pen.globalAlpha = 1;
    this.drawMarks(pen, marked, tone);
    this.drawGuests(pen);
    const guestLabels = this.guestsShown().map((g, k) => ({ text: cut(g.name), x: this.guestPlaces.x[k], y: this.guestPlaces.y[k], reach: this.guestSide() / 2 + 5 }));
    pen.textAlign = "center"; pen.textBaseline = "alphabetic"; pen.lineJoin = "round";
    const plainFont = `12px ${family}`, boldFont = `600 13px ${family}`, named = this.items && this.items.id === this.frame.items;
    if (named) this.labelPoints(pen, width, height, chosen, marked, plainFont, { text, highlight, paper });
    pen.font = boldFont; pen.fillStyle = highlight; pen.lineWidth = 3; pen.strokeStyle = paper;
    // Pictures say themselves what the neighbours are.
    const points = (named ? marked : []).filter((i) => !this.side || i === asked)
      .map((i) => ({ text: this.short(i), x: x[i], y: y[i], reach: this.side ? this.sideOf(i) / 2 + 4 : 4 }));
    this.markLabels = this.markedLabels(pen, [...guestLabels, ...points], guestLabels.length + 1, width, height);
    for (const [label, left, base] of this.markLabels) { pen.strokeText(label, left, base); pen.fillText(label, left, base); }
  }
  labelPoints(pen, width, height, chosen, marked, font, { text, highlight, paper }) {
    const { x, y } = this.places, n = this.frame.n;
    if (!this.side && chosen && chosen.size <= 400) for (const i of chosen) if (this.visible(i)) {
      pen.beginPath(); pen.arc(x[i], y[i], 4, 0, 7); pen.strokeStyle = highlight; pen.lineWidth = 1.5; pen.stroke();
    }
    pen.font = font;
    const measured = (i) => {
      if (!this.widths.has(i)) this.widths.set(i, pen.measureText(this.short(i)).width);
      return this.widths.get(i);
    };
    const pool = this.isolated ? [...this.isolated] : chosen ? [...chosen] : null, candidates = pool || this.pool(n);
    const marks = new Set(marked), keep = this.labelled.filter((i) => i < n && !marks.has(i) && this.visible(i) && (!chosen || chosen.has(i)));
    const room = Math.max(12, Math.min(LABELS, Math.round((width * height) / 3400)));
    this.labelled = this.side ? [] : P.chooseLabels(this.places, measured, candidates.filter((i) => !marks.has(i)), marked, keep, room, width, height, LINE);
    pen.lineWidth = 3; pen.strokeStyle = paper; pen.fillStyle = text;
    for (const i of this.labelled) { const name = this.short(i); pen.strokeText(name, x[i], y[i] - 5); pen.fillText(name, x[i], y[i] - 5); }
  }
  // A marked point's label stands above it, else below or beside it. Where there is no room it is left out, but for
  // the first ones, which are set whatever they cover.
  markedLabels(pen, labels, first, width, height) {
    const boxes = [], placed = [];
    labels.forEach(({ text, x, y, reach }, k) => {
      const half = pen.measureText(text).width / 2;
      const spots = [[0, -reach - 4], [0, reach + 13], [half + reach + 5, 4], [-half - reach - 5, 4]].map(([dx, dy]) =>
        [Math.max(half + 2, Math.min(width - half - 2, x + dx)), Math.max(12, Math.min(height - 3, y + dy))]);
      const free = ([cx, base]) => boxes.every(([ox, oy, ow]) => Math.abs(cx - ox) > half + ow + 3 || Math.abs(base - oy) > 14);
      const spot = spots.find(free) || (k < first ? spots[0] : null);
      if (!spot) return;
      boxes.push([...spot, half]); placed.push([text, ...spot]);
    });
    return placed;
  }
  pool(n) { const size = Math.min(n, LABEL_POOL); if (!this.poolOf || this.poolOf.length !== size) this.poolOf = Array.from({ length: size }, (_, i) => i); return this.poolOf; }
  short(i) { return cut(this.items?.names[i]); }

  showKey() {
    const key = this.keyData, shape = JSON.stringify(key);
    if (shape === this.keyShape) return;
    const before = this.key.offsetHeight;
    this.fillKey(key);
    this.keyShape = shape;
    if (this.key.offsetHeight !== before && !this.userCamera) { this.camera = null; this.redraw(); }
  }
  fillKey(key) {
    this.key.replaceChildren(); this.key.hidden = !key;
    if (!key) return;
    if (key.ramp) {
      const bar = el("span", "ex-ramp"); bar.style.background = `linear-gradient(90deg, ${key.ramp.join()})`;
      this.key.append(el("span", "num", key.low), bar, el("span", "num", key.high), el("span", "", key.label));
      return;
    }
    const swatch = (k) => (key.colours ? key.colours[k] : P.OKABE_ITO[k % P.OKABE_ITO.length]);
    if (key.said) this.key.append(el("span", "ex-key-label", cut(key.label)));
    key.names.slice(0, KEY_CLASSES).forEach((name, k) => {
      const row = el("span", "ex-swatch", name); row.style.setProperty("--swatch", swatch(k));
      this.key.append(row);
    });
    if (key.names.length > KEY_CLASSES) this.key.append(el("span", "", `… ${key.names.length - KEY_CLASSES} more`));
  }

  // ---- Taking it along
  save(blob, name) {
    const link = el("a"); link.href = URL.createObjectURL(blob); link.download = name;
    document.body.append(link); link.click(); link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  savePng() {
    const canvas = el("canvas");
    this.pixels = null;
    this.render(canvas, this.stage.clientWidth, this.stage.clientHeight, 3);
    this.pixels = null;
    canvas.toBlob((blob) => this.save(blob, "map.png"), "image/png");
  }
  svg() {
    const width = this.stage.clientWidth, height = this.stage.clientHeight, { x, y } = this.places, tone = this.tones();
    const hex = (c) => `#${c.map((v) => v.toString(16).padStart(2, "0")).join("")}`, out = [];
    const on = (i) => this.visible(i) && x[i] > -9 && y[i] > -9 && x[i] < width + 9 && y[i] < height + 9;
    const highlight = this.ink("--highlight", "#c2410c"), text = this.ink("--chart-text", "#1e293b");
    const inSight = [...this.order()].filter(on), marked = this.markedPoints().filter(on).reverse(), top = new Set(marked);
    const asPictures = this.side > 0 && inSight.length <= SVG_PICTURES;
    this.svgPictures = asPictures ? inSight.length : 0;
    const circle = (px, py, r, fill, opacity = 1) =>
      out.push(`<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="${r}" fill="${fill}" fill-opacity="${opacity}"/>`);
    const paper = this.ink("--paper", "#fff"), halo = ` stroke="${paper}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"`;
    const label = (px, py, fill, name) => out.push(`<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" fill="${fill}"${halo}>${P.escapeXml(name)}</text>`);
    const line = (px, py, i) => this.visible(i) && out.push(`<line x1="${px.toFixed(1)}" y1="${py.toFixed(1)}" x2="${x[i].toFixed(1)}" y2="${y[i].toFixed(1)}" stroke="${highlight}" stroke-width="1.5"/>`);
    const point = (i, isMarked) => asPictures && this.svgPicture(out, this.sheet, i, x[i], y[i], this.sideOf(i), this.framesOf(i, tone, null, isMarked));
    for (const i of inSight) if (!(asPictures && top.has(i)) && !point(i, false)) circle(x[i], y[i], 2.5, hex(tone(i)), this.keyData ? 0.75 : 0.36);
    if (asPictures && top.has(this.marks.asked)) for (const i of marked) line(x[this.marks.asked], y[this.marks.asked], i);
    for (const i of marked) if (!point(i, true)) circle(x[i], y[i], 4, highlight);
    this.guestsShown().forEach((g, k) => {
      const px = this.guestPlaces.x[k], py = this.guestPlaces.y[k], size = this.guestSide();
      for (const i of g.near) line(px, py, i);
      if (!this.svgPicture(out, g.sheet, 0, px, py, size, [[highlight, 3]])) circle(px, py, 7, highlight);
    });
    for (const i of this.labelled) label(x[i], y[i] - 6, text, this.short(i));
    for (const [name, left, base] of this.markLabels) label(left, base, highlight, name);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" text-anchor="middle">`
      + `<title>${P.escapeXml(this.frame.title)}</title><rect width="100%" height="100%" fill="${paper}"/>${out.join("")}</svg>`;
  }
  // A picture of its own within its frames; false where it can't be cut out.
  svgPicture(out, sheet, i, x, y, size, frames) {
    const url = Pictures.cropUrl(sheet, i, Math.min(128, Math.ceil(2 * size)), this.ink("--paper", "#fff"));
    if (!url) return false;
    const box = (reach) => `x="${(x - reach).toFixed(1)}" y="${(y - reach).toFixed(1)}" width="${(2 * reach).toFixed(1)}" height="${(2 * reach).toFixed(1)}"`;
    let reach = size / 2 + frames.reduce((sum, [, width]) => sum + width, 0);
    for (const [fill, width] of [...frames].reverse()) { out.push(`<rect ${box(reach)} fill="${P.escapeXml(fill)}"/>`); reach -= width; }
    out.push(`<image ${box(size / 2)} href="${P.escapeXml(url)}"/>`);
    return true;
  }
  saveSvg() {
    this.save(new Blob([this.svg()], { type: "image/svg+xml" }), "map.svg");
    if (this.side) this.say(this.svgPictures ? `Saved with the ${this.svgPictures.toLocaleString("en")} pictures in sight.`
      : `More than ${SVG_PICTURES.toLocaleString("en")} pictures are in sight, so the SVG shows circles. Zoom in, or isolate some.`);
  }
  async saveHtml() {
    const source = async (name) => {
      const node = document.querySelector(`[data-explorer="${name}"]`), from = node.src || node.href;
      return from ? (await fetch(from)).text() : node.textContent;   // a saved page holds its own sources
    };
    const [paint, pictures, explorer, style] = await Promise.all(["paint", "pictures", "explorer", "style"].map(source));
    const { history, ...frame } = this.frame;
    const sprite = Pictures.ready(this.sheet) ? { ...this.items.sprite, src: Pictures.embedded(this.sheet) } : null;
    const inert = (value) => JSON.stringify(value).replace(/</g, "\\u003c");
    const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${P.escapeXml(frame.title)}</title><style>body{margin:16px;font-family:system-ui,sans-serif}</style><style data-explorer="style">${style}</style></head><body><div id="map"></div>`
      + `<script data-explorer="paint">${paint}<\/script><script data-explorer="pictures">${pictures}<\/script><script data-explorer="explorer">${explorer}<\/script><script>const map = new EmbeddingExplorer(document.getElementById("map"), {label: "Map", height: Math.max(420, innerHeight - 120)});`
      + `map.setItems(${inert({ ...this.items, sprite })}); map.setFrame(${inert({ ...frame, asked: this.marks.asked ?? null, near: this.marks.near })});<\/script></body></html>`;
    this.save(new Blob([page], { type: "text/html" }), "map.html");
  }
}
window.EmbeddingExplorer = EmbeddingExplorer;
})();
