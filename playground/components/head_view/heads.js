// The heads of a model on a text or a picture: which there are, what the chosen ones look at, and what each does.
//
//   const view = new HeadView(root, { onSilence({ silenced: [[view name, layer, head], …] }) });
//   view.show({ id, silenced, views })    see pack_heads in Python; null: a sentence says what will appear
(() => {
const W = window.HeadWeights, Save = window.HeadSave, { h } = W;
const MOST_THRESHOLD = 0.5, USUAL_THRESHOLD = 0.05, THRESHOLD_STEP = 0.005, NAMED = 6, TOP = 4, WAIT_MS = 8000;
const PANEL_GAP = 18, FIRST_LEAST = 190, FIRST_MOST = 0.42;   // the left panel: pixels, and its share of the room
const SIDE_LEAST = 196, SIDE_MOST = 0.32, AXIS = 22, MAP = 52, GRID_HEIGHT = 450;   // the heads: pixels, and their share of the width
const INK = { accent: "#4f46e5", paper: "#ffffff", line: "#e2e8f0", soft: "#475569", text: "#1e293b" };
const VARIABLES = ["--accent", "--highlight", "--good", "--chart-text", "--chart-muted", "--line", "--soft", "--paper", "--wash"];
const EMPTY = "The attention of every head appears here as soon as a model has read something.";

class HeadView {
  constructor(root, options) {
    Object.assign(this, { root, options, given: null, view: null, index: 0, chosen: [], combining: false, rollout: null, hides: false, layout: "both",
      asLines: false, threshold: USUAL_THRESHOLD, autoThreshold: true, pin: null, hover: null, silenced: new Map(), data: new Map(), tokens: new Map(),
      parts: new Set(), seen: {}, drawn: 0, paintMs: 0, width: 0 });
    root.classList.add("hv");
    this.build();
    new ResizeObserver(() => this.resize()).observe(root);
    new MutationObserver(() => this.recolour()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.show(null);
  }

  // ---- The page's part
  build() {
    this.empty = h("p", { class: "hv-empty" });
    this.tabs = h("div", { class: "hv-group", role: "group", "aria-label": "Which attention" });
    this.only = h("b", { class: "hv-only" });
    this.hideBox = this.check("Hide special tokens", (on) => { this.hides = on; this.refresh(); });
    this.rollBox = this.check("Rollout to layer", (on) => { this.rollout = on ? Number(this.rollLayer.value) : null; this.refreshShown(); });
    this.rollBox.label.title = "How much of each token has reached a row through all layers up to this one: attention multiplied layer by layer, half of it the token's own";
    this.rollLayer = h("select", { class: "hv-select", "aria-label": "Last layer of the rollout", change: () => { this.rollBox.input.checked = true; this.rollout = Number(this.rollLayer.value); this.refreshShown(); } });
    this.roll = h("span", { class: "hv-line hv-roll" }, this.rollBox.label, this.rollLayer);
    const save = (text, what) => this.button(text, `Save what is shown as ${text}`, () => this.save(what));
    const saving = h("span", { class: "hv-line hv-saving", role: "group", "aria-label": "Save what is shown" }, h("span", { class: "hv-save" }, "Save"), save("SVG", "svg"), save("PNG", "png"), save("HTML", "html"));
    this.bar = h("div", { class: "hv-bar" }, this.tabs, this.only, this.hideBox.label, this.roll, saving);
    this.body = h("div", { class: "hv-body" }, this.buildSide(), this.buildMain());
    this.root.replaceChildren(this.empty, this.bar, this.body);
  }
  buildSide() {
    const grid = h("div");
    this.grid = new window.HeadGrid(grid, { onHead: (head, adds) => this.chooseHead(head, adds), onLayer: (layer) => this.chooseLayer(layer) });
    this.combine = this.button("Combine", "Choose several heads and see their mean; Shift and a click does it too", () => this.setCombining(!this.combining));
    this.whole = this.button("", "The mean of all heads of this layer", () => this.chooseLayer(this.chosen.at(-1)[0]));
    this.key = h("ul", { class: "hv-key", "aria-label": "What the heads do" });
    this.quiet = h("p", { class: "hv-quietlist" });
    return h("section", { class: "hv-side", "aria-label": "All heads" }, h("div", { class: "hv-gridbox" }, grid), h("div", { class: "hv-line" }, this.combine, this.whole), this.key, this.quiet);
  }
  buildMain() {
    const told = { onHover: (place) => this.setHover(place), onPin: (place) => this.setPin(place) };
    const area = () => h("div", { class: "hv-area" });
    this.linesArea = area(); this.matrixArea = area(); this.pictureArea = area();
    this.lines = new window.TokenLines(this.linesArea, told);
    this.matrix = new window.WeightMatrix(this.matrixArea, told);
    this.patches = new window.PatchPicture(this.pictureArea, told);
    this.slider = h("input", { type: "range", class: "hv-slider", min: 0, max: MOST_THRESHOLD, step: THRESHOLD_STEP, "aria-label": "Leave out lines with less weight than", input: () => this.setThreshold(Number(this.slider.value)) });
    this.least = h("output", { class: "num" }); this.count = h("span", { class: "hv-count num" });
    this.widen = {}; this.swap = this.button("", "Show the picture, or lines between its patches", () => { this.asLines = !this.asLines; this.setLayout(this.layout === "matrix" ? "both" : this.layout); });
    const head = (part, text, ...more) => h("div", { class: "hv-head-line" }, h("b", {}, text), ...more, this.widen[part] = this.button("Widen", "Give this panel the whole width", () => this.setLayout(this.layout === "both" ? part : "both")));
    this.firstTitle = h("b");
    const first = head("first", "", this.swap);
    first.firstChild.replaceWith(this.firstTitle);
    this.firstPanel = h("section", { class: "hv-panel" }, first, this.linesArea, this.pictureArea,
      this.linesFoot = h("div", { class: "hv-foot" }, h("span", {}, "Lines from"), this.slider, this.least, this.count), this.pictureFoot = h("div", { class: "hv-foot" }));
    this.matrixPanel = h("section", { class: "hv-panel" }, head("matrix", "Weights: rows look at columns"), this.matrixArea,
      h("div", { class: "hv-foot" }, h("span", { class: "num" }, "0"), h("span", { class: "hv-ramp", "aria-hidden": "true" }), this.full = h("span", { class: "num" }, "1"), this.sum = h("span", { class: "hv-count" })));
    this.title = h("h3", { class: "hv-title" }); this.role = h("span", { class: "hv-does" }); this.sentence = h("span", { class: "hv-sentence" }); this.note = h("span", { class: "hv-note" });
    this.silence = this.button("", "Put zeros in place of what this head says, and see what the model makes of it", () => this.toggleSilence());
    this.said = h("p", { class: "hv-said", role: "status" });
    return h("section", { class: "hv-main", "aria-label": "What the chosen heads look at" }, h("div", { class: "hv-line hv-titleline" }, this.title, this.role, this.sentence, this.silence),
      h("div", { class: "hv-panels" }, this.firstPanel, this.matrixPanel), h("div", { class: "hv-line hv-last" }, this.said, this.note));
  }
  button(text, title, click) { return h("button", { type: "button", class: "hv-button", title, click }, text); }
  check(text, change) {
    const input = h("input", { type: "checkbox", change: () => change(input.checked) });
    return { input, label: h("label", { class: "hv-check" }, input, text) };
  }

  // ---- What arrives
  show(given, state = null) {
    const began = performance.now(), before = this.view?.name, known = this.given;
    this.given = given;
    this.data.clear(); this.tokens.clear();
    const views = given?.views || [];
    this.empty.hidden = views.length > 0; this.bar.hidden = this.body.hidden = !views.length;
    this.empty.textContent = given?.empty || EMPTY;
    this.root.dataset.id = given?.id ?? "";
    clearTimeout(this.waiting);
    if (!views.length) { this.view = null; return; }
    if (known?.id !== given.id) Object.assign(this, { pin: null, hover: null, autoThreshold: true });
    if (given.silenced) this.setSilenced(given.silenced);
    this.dropStrangers();
    if (state) this.restore(state);
    this.select(Math.max(0, views.findIndex(({ name }) => name === (state?.view ?? before))));
    this.began = began;
  }
  // Silenced heads that these views don't have.
  dropStrangers() {
    for (const [name, heads] of this.silenced) {
      const view = this.given.views.find((v) => v.name === name), inside = ([l, k]) => view && l < view.layers && k < view.heads;
      this.silenced.set(name, new Set([...heads].filter((key) => inside(key.split(",").map(Number)))));
    }
  }
  setSilenced(list) {
    this.silenced = new Map();
    for (const [name, layer, head] of list) this.quietIn(name).add(`${layer},${head}`);
  }
  quietIn(name) { if (!this.silenced.has(name)) this.silenced.set(name, new Set()); return this.silenced.get(name); }
  state() {
    return { view: this.view.name, chosen: this.chosen, rollout: this.rollout, hides: this.hides, layout: this.layout, asLines: this.asLines, threshold: this.threshold,
      pin: this.pin, silenced: this.silencedList() };
  }
  restore({ view, silenced, ...state }) {
    Object.assign(this, state, { autoThreshold: false });
    this.setSilenced(silenced);
    this.dropStrangers();
  }

  select(index) {
    const views = this.given.views, changed = this.view?.name !== views[index].name, view = this.view = views[index];
    this.index = index;
    if (changed) this.hover = null;
    if (this.pin && this.pin.index >= (this.pin.side === "row" ? view.rows : view.columns).length) this.pin = null;
    if (view.picture && !this.pin) this.pin = { side: "row", index: 0 };
    this.chosen = this.chosen.filter(([layer, head]) => layer < view.layers && head < view.heads);
    if (!this.chosen.length) this.chosen = [view.begin];
    this.bar.classList.toggle("hv-many", views.length > 2);
    this.tabs.hidden = views.length < 2; this.only.hidden = views.length > 1; this.only.textContent = view.label;
    const labels = JSON.stringify(views.map(({ label }) => label));
    if (labels !== this.labels) { this.labels = labels; this.tabs.replaceChildren(...views.map(({ label }, k) => this.button(label, label, () => this.select(k)))); }
    [...this.tabs.children].forEach((tab, k) => tab.setAttribute("aria-pressed", String(k === index)));
    this.roll.hidden = !view.rollout;
    if (!view.rollout) this.rollout = null;
    else if (this.rollout !== null) this.rollout = Math.min(this.rollout, view.layers - 1);
    if (this.rollLayer.children.length !== view.layers) {
      this.rollLayer.replaceChildren(...Array.from({ length: view.layers }, (_, k) => h("option", { value: k }, String(k + 1))));
      this.rollLayer.value = String(this.rollout ?? view.layers - 1);
    }
    this.hideBox.label.hidden = !view.special_rows.length && !view.special_columns.length;
    this.hideBox.input.checked = this.hides;
    this.rollBox.input.checked = this.rollout !== null;
    if (this.rollout !== null) this.rollLayer.value = String(this.rollout);
    this.fillKey();
    this.setLayout(this.layout);
    this.refresh();
  }
  fillKey() {
    const counts = new Map();
    for (const role of (this.view.roles || []).flat()) if (role) counts.set(role[0], { role, count: (counts.get(role[0])?.count || 0) + 1 });
    const order = [...counts.values()].sort((a, b) => b.count - a.count);
    this.key.hidden = !order.length;
    this.key.replaceChildren(...order.map(({ role, count }) => h("li", {}, h("span", { class: "hv-sign", "aria-hidden": "true" }, W.mark(role)[0]), `${role[0]} `, h("span", { class: "num" }, `× ${count}`))));
  }

  // ---- What is shown
  weights() { if (!this.data.has(this.view)) this.data.set(this.view, W.unpack(this.view.weights)); return this.data.get(this.view); }
  tokensNow() {
    const key = `${this.index} ${this.hides}`;
    if (!this.tokens.has(key)) {
      const view = this.view, kept = W.kept(view, this.hides);
      const told = (all, special) => (index) => ({ text: W.readable(all[index]), raw: all[index], index, special: special.includes(index) });
      this.tokens.set(key, { kept, rows: kept.rows.map(told(view.rows, view.special_rows)), columns: kept.columns.map(told(view.columns, view.special_columns)) });
    }
    return this.tokens.get(key);
  }
  refresh() {
    if (!this.view) return;
    this.ink();
    this.parts.add("thumbs");
    if (this.autoThreshold) this.threshold = Math.max(0.01, Math.min(USUAL_THRESHOLD, Math.round(1 / this.tokensNow().columns.length / THRESHOLD_STEP) * THRESHOLD_STEP || USUAL_THRESHOLD));
    this.refreshShown();
  }
  ink() {
    const css = getComputedStyle(this.root), read = (name, fallback) => css.getPropertyValue(`--${name === "text" ? "chart-text" : name}`).trim() || fallback;
    const ink = Object.fromEntries(Object.entries(INK).map(([name, fallback]) => [name, read(name, fallback)]));
    if (JSON.stringify(ink) === JSON.stringify(this.inks)) return;
    this.inks = ink;
    this.ramp = W.ramp(ink.paper, ink.line, ink.accent);
    this.root.querySelector(".hv-ramp").style.background = `linear-gradient(90deg, ${Array.from({ length: 9 }, (_, k) => this.ramp.tones[W.level(k / 8)]).join()})`;
  }
  refreshShown() {
    const { view } = this, { kept, rows, columns } = this.tokensNow(), size = view.rows.length * view.columns.length;
    if (this.rollout !== null && !this.rolled?.has(view)) this.rolled = new Map([[view, W.unpack(view.rollout)]]);
    let weights = this.rollout === null ? W.mean(this.weights(), { heads: view.heads, rows: view.rows, columns: view.columns }, this.chosen) : W.slice(this.rolled.get(view), this.rollout * size, size);
    if (this.hides) weights = W.restrict(weights, view.columns.length, kept);
    this.shown = { rows, columns, weights, tokens: this.tokensNow(), ink: this.inks, ramp: this.ramp, ...this.heading(rows, columns, weights) };
    this.fillTitle();
    this.lines.show(this.shown); this.matrix.show(this.shown);
    this.measure();
    if (view.picture) this.patches.show(this.shown, view.picture);
    this.grid.combining = this.combining;
    this.parts.add("marks").add("lines").add("matrix").add("picture");
    this.setPlace();
  }
  heading(rows, columns, weights) {
    const { view, chosen, rollout } = this, role = chosen.length === 1 && rollout === null ? view.roles?.[chosen[0][0]]?.[chosen[0][1]] : null;
    const names = chosen.slice(0, NAMED).map(W.name).join(", "), [layer] = chosen[0];
    const isLayer = chosen.length > 1 && chosen.length === view.heads && chosen.every(([l]) => l === layer);
    const title = rollout !== null ? `Attention rollout up to layer ${rollout + 1}` : chosen.length === 1 ? `Head ${names}`
      : isLayer ? `Mean of layer ${layer + 1}, ${view.heads} heads` : `Mean of ${chosen.length} heads: ${names}${chosen.length > NAMED ? ", …" : ""}`;
    const [does, sentence] = W.does(role);
    const bare = this.hides ? rows.filter((_, i) => !columns.some((__, k) => weights[i * columns.length + k] > 0)).length : 0;
    const note = this.hides ? `Special tokens hidden, rows rescaled to sum to 1${bare ? `; ${bare} had nothing left` : ""}` : "";
    return { title: `${this.given.views.length > 1 ? `${view.label}, ${title[0].toLowerCase()}${title.slice(1)}` : title}${does ? `: ${does}` : ""}`, short: title, does, sentence, sign: role ? W.mark(role)[0] : "", note };
  }
  fillTitle() {
    const { short, does, sentence, sign, note } = this.shown, { view, chosen } = this;
    this.title.textContent = short;
    this.role.replaceChildren(...(does ? [h("span", { class: "hv-sign", "aria-hidden": "true" }, sign), does] : []));
    this.sentence.textContent = this.sentence.title = sentence;
    this.note.textContent = note;
    const quiet = chosen.every((head) => this.quietIn(view.name).has(String(head)));
    this.silence.hidden = !this.options.onSilence || this.rollout !== null;
    this.silence.textContent = quiet ? (chosen.length > 1 ? "Hear these heads again" : "Hear this head again") : chosen.length > 1 ? `Silence these ${chosen.length} heads` : "Silence this head";
    this.silence.setAttribute("aria-pressed", String(quiet));
    this.whole.textContent = `All of layer ${chosen.at(-1)[0] + 1}`;
    this.fillQuiet();
  }
  fillQuiet() {
    const list = this.silencedList();
    this.quiet.hidden = !list.length;
    if (!list.length) { this.quiet.replaceChildren(); return; }
    const label = (name) => (this.given.views.length > 1 ? `${this.given.views.find((v) => v.name === name).label} ` : "");
    const restore = this.button("Hear all again", "Silence no head", () => { this.silenced.clear(); this.tellSilenced(); });
    restore.hidden = !this.options.onSilence;
    this.quiet.replaceChildren(h("b", {}, "Silenced: "), `${list.slice(0, NAMED).map(([name, ...head]) => label(name) + W.name(head)).join(", ")}${list.length > NAMED ? ` and ${list.length - NAMED} more` : ""} `, restore);
  }

  // ---- Choosing
  chooseHead(head, adds) {
    this.leaveRollout();
    const at = this.chosen.findIndex((one) => String(one) === String(head));
    if (!adds && !this.combining) this.chosen = [head];
    else if (at < 0) this.chosen = [...this.chosen, head];
    else if (this.chosen.length > 1) this.chosen = this.chosen.filter((_, k) => k !== at);
    this.refreshShown();
  }
  chooseLayer(layer) {
    this.leaveRollout();
    this.chosen = Array.from({ length: this.view.heads }, (_, head) => [layer, head]);
    this.refreshShown();
  }
  leaveRollout() { this.rollout = null; this.rollBox.input.checked = false; }
  setCombining(on) {
    this.combining = this.grid.combining = on;
    this.combine.setAttribute("aria-pressed", String(on));
    if (!on && this.chosen.length > 1) { this.chosen = [this.chosen.at(-1)]; this.refreshShown(); }
  }
  setThreshold(value) {
    Object.assign(this, { threshold: value, autoThreshold: false });
    this.parts.add("lines");
    this.setPlace();
  }

  // ---- Silencing
  silencedList() {
    return [...this.silenced].flatMap(([name, heads]) => [...heads].map((key) => [name, ...key.split(",").map(Number)]));
  }
  toggleSilence() {
    const heads = this.quietIn(this.view.name), keys = this.chosen.map(String), quiet = keys.every((key) => heads.has(key));
    for (const key of keys) if (quiet) heads.delete(key); else heads.add(key);
    this.tellSilenced();
  }
  tellSilenced() {
    this.fillTitle();
    this.schedule("marks");
    this.say("The model reads again…");
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.say(""), WAIT_MS);
    this.options.onSilence?.({ silenced: this.silencedList() });
  }

  // ---- One token
  tokenAt({ side, at }) { return (side === "row" ? this.shown.rows : this.shown.columns)[at]; }
  pinned() {
    if (!this.pin) return null;
    const at = (this.pin.side === "row" ? this.shown.rows : this.shown.columns).findIndex(({ index }) => index === this.pin.index);
    return at < 0 ? null : { side: this.pin.side, at };
  }
  setPin(place) {
    const index = place && this.tokenAt(place).index, same = place && !place.stays && this.pin?.side === place.side && this.pin.index === index;
    this.pin = !place || same ? null : { side: place.side, index };
    if (this.view.picture && !this.pin) this.pin = { side: "row", index: 0 };
    this.patches.place = this.view.picture ? this.pinned() : null;
    if (!same) for (const panel of [this.lines, this.matrix]) panel.seek(this.pinned());
    this.parts.add("lines").add("picture");
    this.setPlace();
  }
  setHover(place) {
    if (JSON.stringify(place) === JSON.stringify(this.hover)) return;
    this.hover = place;
    this.parts.add("lines");
    this.setPlace();
  }
  setPlace() {
    const place = this.hover && this.tokenAt(this.hover) ? this.hover : this.pinned();
    this.lines.focus(place, this.threshold);
    this.schedule("over");
    this.sayPlace(place);
    this.slider.value = String(this.threshold);
    this.slider.setAttribute("aria-valuetext", W.figure(this.threshold, 3));
    this.least.textContent = W.figure(this.threshold, 3);
  }
  sayPlace(place) {
    if (!place) { this.say(this.view.picture ? "" : "Point at a token for its lines and numbers; a click keeps them."); return; }
    const { rows, columns, weights } = this.shown, wide = columns.length, { cell } = place, token = this.tokenAt(place);
    if (cell && cell.i >= 0 && cell.k >= 0) { this.say(W.bdi(rows[cell.i].text), " gives ", W.bdi(columns[cell.k].text), " ", h("b", { class: "num" }, W.figure(weights[cell.i * wide + cell.k], 3))); return; }
    const isRow = place.side === "row", others = isRow ? columns : rows;
    const top = W.top(others.length, (k) => (isRow ? weights[place.at * wide + k] : weights[k * wide + place.at]), TOP);
    const list = top.flatMap(([k, w], n) => [n ? ", " : "", W.bdi(others[k].text), " ", h("b", { class: "num" }, W.figure(w))]);
    this.say(W.bdi(token.text), isRow ? " looks most at " : " is looked at most by ", ...(list.length ? list : ["nothing that is shown"]));
  }
  say(...what) { this.said.replaceChildren(...what); }

  // ---- Panels
  setLayout(layout) {
    const picture = Boolean(this.view.picture), asPicture = picture && !this.asLines;
    this.layout = layout;
    this.seen = { picture: asPicture && layout !== "matrix", lines: !asPicture && layout !== "matrix", matrix: layout !== "first" };
    this.firstPanel.hidden = layout === "matrix"; this.matrixPanel.hidden = layout === "first";
    this.linesArea.hidden = this.linesFoot.hidden = !this.seen.lines; this.pictureArea.hidden = this.pictureFoot.hidden = !this.seen.picture;
    this.matrixArea.hidden = !this.seen.matrix;
    this.swap.hidden = !picture; this.swap.textContent = asPicture ? "Lines" : "Picture";
    this.firstTitle.textContent = asPicture ? "Picture" : "Lines";
    for (const [part, button] of Object.entries(this.widen)) { button.textContent = layout === part ? "Narrow" : "Widen"; button.setAttribute("aria-pressed", String(layout === part)); }
    this.body.dataset.layout = layout; this.body.classList.toggle("hv-pictured", asPicture);
    if (this.shown) this.fit();
  }
  // The matrix gets the width that its numbers need, the lines the rest; both give a token the same height if they can.
  measure() {
    const room = this.body.lastChild.clientWidth - PANEL_GAP, first = Math.min(FIRST_MOST * room, Math.max(FIRST_LEAST, room - this.matrix.need()));
    this.body.style.setProperty("--first", `${Math.round(first)}px`);
    this.matrix.measure();
    const { places, numbered } = this.matrix, most = Math.max(this.shown.rows.length, this.shown.columns.length);
    const both = this.seen.lines && this.seen.matrix && numbered && places, fits = both && places.top + most * places.high <= this.matrixArea.clientHeight;
    this.lines.measure(fits ? { line: places.high, top: places.top } : null);
    const percent = this.matrix.numbered && this.matrix.places?.wide < W.NARROW;
    this.full.textContent = percent ? "100" : "1";
    this.sum.textContent = percent ? "in percent; a row sums to 100" : "a row sums to 1";
  }
  fit() {
    this.measure();
    this.parts.add("lines").add("matrix");
    this.schedule("picture");
  }
  resize() {
    if (!this.view || this.root.clientWidth === this.width) return;
    this.parts.add("thumbs").add("marks");
    this.sizeSide();
    this.fit();
  }
  // The heads get what they need, up to a third.
  sizeSide() {
    const { sideOf, widthOf } = window.HeadGrid, most = Math.max(SIDE_LEAST, SIDE_MOST * this.root.clientWidth);
    this.map = sideOf(this.view, Math.min(most, AXIS + this.view.heads * MAP), GRID_HEIGHT);
    this.body.style.setProperty("--side", `${Math.round(Math.min(most, Math.max(SIDE_LEAST, widthOf(this.view, this.map))))}px`);
    this.width = this.root.clientWidth;
  }
  recolour() { if (this.view) this.refresh(); }

  // ---- Drawing: only the parts that changed, once a frame
  schedule(part) {
    this.parts.add(part);
    if (!this.asked) { this.asked = true; requestAnimationFrame(() => { this.asked = false; this.paint(); }); }
  }
  paint() {
    if (!this.view || !this.root.clientWidth) return;
    const began = performance.now(), parts = this.parts;
    this.parts = new Set();
    if (parts.has("thumbs")) {
      const sized = this.body.style.getPropertyValue("--side");
      this.sizeSide();
      if (sized !== this.body.style.getPropertyValue("--side")) this.measure();
      this.grid.show(this.view, this.weights(), this.tokensNow().kept, this.hides, this.ramp, this.map);
      parts.add("marks");
    }
    if (parts.has("marks")) this.grid.mark(this.chosen, this.quietIn(this.view.name), this.rollout !== null);
    const place = this.hover && this.tokenAt(this.hover) ? this.hover : this.pinned();
    if (parts.has("lines")) { this.lines.draw(); this.countLines(); }
    if (parts.has("matrix")) this.matrix.draw();
    if (parts.has("matrix") || parts.has("over")) this.matrix.focus(place);
    if (parts.has("picture") && this.view.picture) { this.patches.focus(this.pinned()); this.sayPicture(); }
    this.drawn += 1;
    this.paintMs = performance.now() - began;
    if (this.began) { this.shownMs = performance.now() - this.began; this.began = 0; }
    this.root.dataset.drawn = String(this.drawn);
  }
  countLines() {
    const { count } = this.lines;
    this.count.textContent = count ? `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}` : "none is as large";
  }
  sayPicture() {
    this.pictureFoot.replaceChildren(h("span", { class: "hv-dim", "aria-hidden": "true" }), h("span", {}, "brightest patch: weight "), h("b", { class: "num" }, W.figure(this.patches.most ?? 0, 3)));
  }

  // ---- Taking it along
  async save(what) {
    const css = getComputedStyle(this.root), variables = Object.fromEntries(VARIABLES.map((name) => [name, css.getPropertyValue(name).trim()]).filter(([, value]) => value));
    if (what === "svg") Save.download(new Blob([Save.svg(this).markup], { type: "image/svg+xml" }), "attention.svg");
    if (what === "png") Save.download(await Save.png(this), "attention.png");
    if (what === "html") Save.download(new Blob([await Save.page(this, variables)], { type: "text/html" }), "attention.html");
  }
}
window.HeadView = HeadView;
})();
