// The five panels. Patches are hidden and uncovered by click, drag or key; what is hidden shows at once, what a model
// paints of it comes from the server.
//
//   const bench = new MaskBench(root, { onMask({ id, hidden: [index, ...] }) });
//   bench.show({ id, side, name, normalised, hidden: "0110…", errors, baseline, painted, empty, sheet })   or null
//
// One question is open at a time. An answer is drawn if it is about the patches that are hidden now; a later question
// replaces one that has not been sent. A value with another id is the server's own doing, and counts at once.
(() => {
const P = window.MaskPixels, { h } = P;
const REST = 90;           // milliseconds without another patch, after which a drag asks
const SLOW = 300;          // after which the old reconstruction is dimmed
const PATIENCE = 8000;     // after which a question counts as lost
const PANELS = [["original", "Original"], ["masked", "Masked"], ["painted", "Reconstruction"], ["copied", "Reconstruction + visible"], ["errors", "Error map"]];
const EDITED = ["original", "masked"];
const ANSWERED = ["painted", "copied", "errors"];

class MaskBench {
  constructor(root, { onMask }) {
    Object.assign(this, { root, onMask, given: null, sheet: null, hidden: [], at: 0, over: null, ahead: false, open: null, coming: 0, drawn: 0, drag: null });
    root.classList.add("mb", "mb-bench");
    this.build();
    this.listen();
    P.follow(root, () => this.draw());
  }

  // ---- The page's part
  build() {
    const id = this.id = `mb-${Math.random().toString(36).slice(2)}`;
    this.panels = Object.fromEntries(PANELS.map(([name, title]) => [name, this.buildPanel(name, title, id)]));
    this.key = h("div", { class: "mb-key" }, h("span", { class: "mb-ramp" }), h("span", { class: "mb-low" }, "0"), h("span", { class: "mb-high" }));
    this.panels.errors.caption.before(this.key);
    this.said = h("p", { class: "mb-said", role: "status" });
    this.empty = h("p", { class: "mb-empty" }, "The panels appear when there is a picture.");
    const button = (text, change) => { const node = h("button", { type: "button", class: "mb-button" }, text); node.addEventListener("click", () => this.change(change)); return node; };
    this.row = h("div", { class: "mb-five", role: "group", "aria-label": this.root.dataset.label || "" }, Object.values(this.panels).map(({ node }) => node));
    this.bar = h("div", { class: "mb-bar" }, this.said, h("div", { class: "mb-buttons" },
      button("Show all", () => 0), button("Hide all", () => 1), button("Swap", (one) => 1 - one)));
    this.hint = h("p", { class: "mb-hint", id: `${id}-hint` }, "Arrow keys move from patch to patch; the space bar hides or shows one.");
    this.root.replaceChildren(this.empty, this.row, this.bar, this.hint);
    this.row.hidden = this.bar.hidden = true;
  }

  buildPanel(name, title, id) {
    const canvas = h("canvas", { class: "mb-canvas", role: "img", "aria-label": title }), ring = h("span", { class: "mb-ring", hidden: "", "aria-hidden": "true" });
    const message = h("p", { class: "mb-message", hidden: "" });
    const stage = h("div", { class: "mb-stage" }, canvas, message, ring), caption = h("p", { class: "mb-caption" });
    const panel = { canvas, ring, message, stage, caption };
    if (EDITED.includes(name)) {
      panel.cell = h("span", { class: "mb-cell", tabindex: 0, role: "checkbox", "aria-checked": "false", "aria-describedby": `${id}-hint` });
      stage.append(panel.cell);
    }
    panel.node = h("figure", { class: "mb-panel", "data-panel": name }, h("figcaption", { class: "mb-title" }, title), stage, caption);
    return panel;
  }

  listen() {
    for (const [name, panel] of Object.entries(this.panels)) {
      const at = (event) => this.patchAt(panel.canvas, event);
      panel.canvas.addEventListener("pointermove", (event) => { this.hover(at(event), panel); if (this.drag?.panel === panel) this.dragTo(event); });
      panel.canvas.addEventListener("pointerleave", () => { if (!this.drag) this.hover(null); });
      if (!EDITED.includes(name)) continue;
      panel.canvas.addEventListener("pointerdown", (event) => this.dragFrom(event, panel));
      panel.canvas.addEventListener("pointerup", () => this.dragEnd());
      panel.canvas.addEventListener("pointercancel", () => this.dragEnd(true));
      panel.cell.addEventListener("keydown", (event) => this.press(event));
      panel.cell.addEventListener("click", () => this.toggle(this.at));
      panel.cell.addEventListener("focus", () => this.point());
      panel.cell.addEventListener("blur", () => this.point());
    }
  }

  patchAt(canvas, { clientX, clientY }) {
    const box = canvas.getBoundingClientRect(), { side } = this.given;
    const place = (from, length, value) => Math.floor((value - from) / length * side);
    const [row, column] = [place(box.top, box.height, clientY), place(box.left, box.width, clientX)];
    return Math.min(row, column) < 0 || Math.max(row, column) >= side ? null : row * side + column;
  }

  // ---- What the visitor does
  dragFrom(event, panel) {
    const index = this.patchAt(panel.canvas, event);
    if (index === null || event.button !== 0) return;
    event.preventDefault();
    panel.canvas.setPointerCapture(event.pointerId);
    panel.cell.focus({ preventScroll: true });
    this.drag = { panel, before: this.hidden.slice(), last: index, to: 1 - this.hidden[index] };
    this.at = index;
    this.change((one, i) => (i === index ? this.drag.to : one), REST);
  }
  // Every patch on the straight line from the last one, however fast the pointer is.
  dragTo(event) {
    const index = this.patchAt(this.drag.panel.canvas, event), { side } = this.given, { last, to } = this.drag;
    if (index === null || index === last) return;
    const [fromRow, fromColumn, row, column] = [Math.floor(last / side), last % side, Math.floor(index / side), index % side];
    const steps = Math.max(Math.abs(row - fromRow), Math.abs(column - fromColumn)), crossed = new Set();
    for (let k = 1; k <= steps; k++) crossed.add(Math.round(fromRow + (row - fromRow) * k / steps) * side + Math.round(fromColumn + (column - fromColumn) * k / steps));
    this.drag.last = this.at = index;
    this.change((one, i) => (crossed.has(i) ? to : one), REST);
  }
  dragEnd(cancelled = false) {
    if (!this.drag) return;
    const { before } = this.drag;
    this.drag = null;
    if (cancelled) this.change((_, i) => before[i], 0); else this.ask();   // a finger that scrolls hides nothing
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " || event.key === "Enter") { event.preventDefault(); this.toggle(this.at); return; }
    const { side } = this.given, [row, column] = [Math.floor(this.at / side), this.at % side];
    const to = { ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], Home: [row, 0], End: [row, side - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    const inside = (value) => Math.min(side - 1, Math.max(0, value));
    this.at = inside(to[0]) * side + inside(to[1]);
    this.over = null;
    this.point();
  }
  toggle(index) { this.change((one, i) => (i === index ? 1 - one : one)); }

  // `to(hidden now, index)` → hidden then. It shows at once; the question follows, after `rest` without another change.
  change(to, rest = 0) {
    const then = this.hidden.map(to);
    if (then.every((one, i) => one === this.hidden[i])) { this.point(); return; }
    this.hidden = then;
    this.ahead = true;
    this.drawEdited();
    this.point();
    clearTimeout(this.resting);
    if (rest) this.resting = setTimeout(() => this.ask(), rest); else this.ask();
  }

  ask() {
    clearTimeout(this.resting);
    if (!this.ahead || this.open !== null) return;
    this.open = this.bits();
    clearTimeout(this.slow); clearTimeout(this.lost);
    this.slow = setTimeout(() => this.wait(true), SLOW);
    this.lost = setTimeout(() => this.giveUp(), PATIENCE);
    this.onMask({ id: this.given.id, hidden: this.hidden.flatMap((one, i) => (one ? [i] : [])) });
  }
  bits() { return this.hidden.join(""); }
  giveUp() {
    const asked = this.open;
    this.open = null;
    if (asked !== this.bits()) { this.ask(); return; }
    this.ahead = false;
    this.say("No reconstruction came for these patches; the panels show the one before.");
  }
  wait(waiting) {
    this.root.toggleAttribute("data-waiting", waiting);
    this.row.setAttribute("aria-busy", String(waiting));
  }

  // ---- What the server says
  show(given) {
    const coming = ++this.coming;
    if (!given) { this.forget(); return; }
    if (given.id !== this.given?.id || given.hidden === this.open) { this.open = null; clearTimeout(this.lost); clearTimeout(this.slow); }
    P.decode(given.sheet).then((sheet) => { if (coming === this.coming) this.take(given, sheet); });
  }
  take(given, sheet) {
    const same = given.id === this.given?.id;
    if (same && this.ahead && given.hidden !== this.bits()) { this.ask(); return; }   // about earlier patches
    const places = this.given?.side !== given.side;
    Object.assign(this, { given, sheet, hidden: Array.from(given.hidden, Number), ahead: false });
    if (!same) { clearTimeout(this.resting); this.drag = null; }
    if (places) Object.assign(this, { at: 0, over: null });
    this.answered = this.hidden.slice();
    this.wait(false);
    this.empty.hidden = true;
    this.row.hidden = this.bar.hidden = false;
    this.draw();
    this.point();
  }
  forget() {
    Object.assign(this, { given: null, sheet: null, ahead: false, open: null, drag: null });
    [this.resting, this.slow, this.lost].forEach(clearTimeout);
    this.wait(false);
    this.empty.hidden = false;
    this.row.hidden = this.bar.hidden = true;
  }

  // ---- Drawing
  draw() {
    if (!this.given || !this.panels.original.canvas.clientWidth) return;
    this.drawEdited();
    this.drawAnswered();
    this.root.dataset.drawn = String(++this.drawn);
  }

  pens(names, paint) {
    const ink = P.inkOf(this.root);
    for (const name of names) {
      const { canvas } = this.panels[name], pen = P.pen(canvas);
      if (pen) paint[name](pen, canvas.width, ink);
    }
  }

  drawEdited() {
    const { side } = this.given, picture = (pen, size) => { if (this.sheet) P.put(pen, this.sheet, 0, 0, 0, size); };
    this.pens(EDITED, {
      original: picture,
      masked: (pen, size, ink) => { picture(pen, size); P.cover(pen, this.hidden, side, 0, 0, size, ink); },
    });
    const count = this.hidden.length, hidden = this.hidden.filter(Boolean).length;
    this.caption("original", this.given.name || "Click patches to hide or show them, or drag over them.");
    this.caption("masked", `${hidden} of ${count} patches hidden (${P.percent(hidden, count)}); the encoder sees ${count - hidden}.`);
  }

  drawAnswered() {
    const { given, sheet, answered } = this, { side } = given, painted = given.painted && sheet, none = !answered.some(Boolean);
    const scored = this.scored(), blank = !painted || none;
    this.top = P.roundUp(Math.max(0, ...scored));
    this.pens(ANSWERED, {
      painted: (pen, size, ink) => { if (blank) P.hatch(pen, ink, size, P.ratioNow()); else P.put(pen, sheet, 1, 0, 0, size); },
      copied: (pen, size, ink) => {
        if (!painted && !none) { P.hatch(pen, ink, size, P.ratioNow()); return; }
        if (!none) P.put(pen, sheet, 1, 0, 0, size);
        if (sheet) P.copyVisible(pen, sheet, 0, answered, side, 0, 0, size);
      },
      errors: (pen, size, ink) => {
        P.hatch(pen, ink, size, P.ratioNow());
        if (blank || !given.errors) return;
        P.each(answered, side, 0, 0, size, (one, i) => one && given.errors[i] !== null, (_, x, y, wide, high, i) => {
          pen.fillStyle = P.viridis(given.errors[i] / this.top); pen.fillRect(x, y, wide, high);
        }, pen);
      },
    });
    this.captions(none, painted, scored);
  }
  scored() {   // the errors that count
    const { given, answered } = this;
    return given.errors && given.painted ? given.errors.filter((error, i) => answered[i] && error !== null) : [];
  }

  captions(none, painted, scored) {
    const { given, answered } = this, all = answered.every(Boolean);
    const nothing = "Nothing is hidden, so there is nothing to paint.";
    const message = none ? nothing : painted ? "" : given.empty;
    this.panels.painted.message.textContent = message;
    this.panels.painted.message.hidden = !message;
    const own = given.normalised ? "Normalised patches: brightness and contrast of each patch were not asked for." : "The decoder's output for every patch; it is trained on hidden ones only.";
    this.caption("painted", message ? "" : all ? `The encoder saw nothing: painted from positions alone.${given.normalised ? " Normalised patches." : ""}` : own);
    this.caption("copied", none ? "All patches are visible, and copied." : !painted ? "" : all ? "No patch is visible, so none is copied."
      : given.normalised ? "Visible patches are copied, not predicted; beside them the normalised ones." : "Visible patches are copied, not predicted.");
    const unit = given.normalised ? "squared error in normalised units" : "squared error";
    const guess = given.baseline === null ? "" : `; guessing the visible mean: ${P.figure(given.baseline)}`;
    this.caption("errors", scored.length ? `Mean ${unit}: ${P.figure(P.mean(scored))}${guess}. Hatched: not scored.` : "Hatched: visible or not painted, so not scored.");
    this.key.classList.toggle("mb-unused", !scored.length);
    this.key.lastChild.textContent = String(this.top);
    this.panels.errors.canvas.setAttribute("aria-label", scored.length ? `Error map, from 0 to ${P.figure(Math.max(...scored))}` : "Error map, empty");
  }
  caption(name, text) { this.panels[name].caption.textContent = text; }

  // ---- The patch that the pointer or the keyboard is at, in all panels
  hover(index, panel) {
    if (panel && index !== null) panel.canvas.title = this.words(index);
    if (index === this.over) return;
    this.over = index;
    this.point();
  }
  point() {
    if (!this.given) return;
    const { side } = this.given, focused = EDITED.some((name) => this.panels[name].cell === document.activeElement);
    const index = this.over ?? (focused ? this.at : null), place = (node, i) => Object.assign(node.style, {
      left: `${100 * (i % side) / side}%`, top: `${100 * Math.floor(i / side) / side}%`, width: `${100 / side}%`, height: `${100 / side}%` });
    for (const { ring, cell } of Object.values(this.panels)) {
      ring.hidden = index === null;
      if (index !== null) place(ring, index);
      if (!cell) continue;
      place(cell, this.at);
      cell.setAttribute("aria-checked", String(Boolean(this.hidden[this.at])));
      cell.setAttribute("aria-label", this.words(this.at));
    }
    this.say(index === null ? "" : this.words(index));
  }
  say(text) { if (this.said.textContent !== text) this.said.textContent = text; }
  words(index) {
    const { side, errors, painted } = this.given, place = `Row ${Math.floor(index / side) + 1}, column ${(index % side) + 1}`;
    if (!this.hidden[index]) return `${place}: visible, copied`;
    if (!painted || !errors) return `${place}: hidden`;
    return this.answered[index] ? `${place}: hidden, error ${P.figure(errors[index], 3)}` : `${place}: hidden, not painted yet`;
  }
}
window.MaskBench = MaskBench;
})();
