// Lines between two columns of tokens: who looks (left) at whom (right). A weight is a line's width and opacity.
//
//   const lines = new TokenLines(element, { onHover(place), onPin(place) });      place: { side: "row" | "column", at } or null
//   lines.show(shown)                what `HeadView.shown` holds
//   lines.focus(place, threshold)    only one token's lines, or all of them for null
(() => {
const W = window.HeadWeights, { h } = W;
const BUCKETS = 24, TALL = 26, LOW = 16, FONT = "600 12.5px", TOP = 5, POINTED = 0.22;
const PADDING = 13, NARROWEST = 44;   // CSS pixels: beside a token's text, and of a column of tokens

const alpha = (w) => Math.min(1, 0.05 + 0.95 * w ** 0.75), thick = (w) => 0.6 + 3.6 * w;

// What is to be drawn: [row, column, weight], the faint ones first.
function strokes({ rows, columns, weights }, threshold, place) {
  const wide = columns.length, out = [];
  const add = (i, k) => { const w = weights[i * wide + k]; if (w > 0 && w >= threshold) out.push([i, k, w]); };
  if (place?.side === "row") columns.forEach((_, k) => add(place.at, k));
  else if (place?.side === "column") rows.forEach((_, i) => add(i, place.at));
  else rows.forEach((_, i) => columns.forEach((__, k) => add(i, k)));
  return out.sort((a, b) => a[2] - b[2]);
}

class TokenLines {
  constructor(root, options) {
    Object.assign(this, { root, options, shown: null, place: null, threshold: 0, at: { row: 0, column: 0 }, lit: [], drawn: 0, labelled: 0 });
    root.classList.add("hv-lines");
    this.left = h("div", { class: "hv-tokens hv-left", role: "listbox", "aria-label": "Tokens that look" });
    this.right = h("div", { class: "hv-tokens hv-right", role: "listbox", "aria-label": "Tokens that are looked at" });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.middle = h("div", { class: "hv-between" }, this.canvas);
    this.inner = h("div", { class: "hv-inner" }, this.left, this.middle, this.right);
    root.replaceChildren(this.inner);
    root.addEventListener("scroll", () => this.redraw(), { passive: true });
    for (const [list, side] of [[this.left, "row"], [this.right, "column"]]) this.listen(list, side);
  }

  listen(list, side) {
    const placeOf = (event) => { const node = event.target.closest("[role=option]"); return node && { side, at: Number(node.dataset.k) }; };
    list.addEventListener("pointerover", (event) => this.options.onHover(placeOf(event)));
    list.addEventListener("pointerleave", () => this.options.onHover(null));
    list.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) this.options.onHover(placeOf(event)); });
    list.addEventListener("focusout", () => this.options.onHover(null));
    list.addEventListener("click", (event) => { const place = placeOf(event); if (place) { this.at[side] = place.at; this.rove(); this.options.onPin(place); } });
    list.addEventListener("keydown", (event) => {
      const last = list.children.length - 1, step = { ArrowUp: -1, ArrowDown: 1, Home: -last, End: last, PageUp: -10, PageDown: 10 }[event.key];
      if (event.key === "Enter" || event.key === " ") this.options.onPin({ side, at: this.at[side] });
      else if (event.key === "Escape") this.options.onPin(null);
      else if (step !== undefined) { this.at[side] = Math.min(last, Math.max(0, this.at[side] + step)); this.rove(); list.children[this.at[side]].focus(); }
      else return;
      event.preventDefault();
    });
  }

  rove() {
    for (const [list, side] of [[this.left, "row"], [this.right, "column"]]) {
      this.at[side] = Math.min(this.at[side], Math.max(0, list.children.length - 1));
      [...list.children].forEach((node, k) => { node.tabIndex = k === this.at[side] ? 0 : -1; });
    }
  }

  // ---- Tokens: only made anew when they are others
  show(shown) {
    const before = this.shown;
    this.shown = shown;
    this.light(this.place, this.threshold, true);
    if (before?.tokens !== shown.tokens) {
      this.lit = [];
      this.fill(this.left, shown.rows);
      this.fill(this.right, shown.columns);
      this.rove();
      this.labelled += 1;
    }
  }
  fill(list, tokens) {
    list.replaceChildren(...tokens.map(({ text, raw, index }, k) =>
      h("div", { role: "option", class: "hv-token", "data-k": k, "aria-selected": "false", title: `${raw} · token ${index + 1}` }, h("bdi", {}, text), h("span", { class: "hv-value" }))));
  }
  // `like`: { line, top } of a matrix beside it, so that a token has the same height in both.
  measure(like = null) {
    const { rows, columns } = this.shown, width = this.root.clientWidth, high = Math.max(1, rows.length, columns.length);
    if (!width) return;
    const pen = this.canvas.getContext("2d");
    pen.font = `${FONT} ${getComputedStyle(this.root).fontFamily}`;
    const label = (tokens) => Math.min(Math.round(0.36 * width), Math.max(NARROWEST, PADDING + Math.ceil(tokens.reduce((most, { text }) => Math.max(most, pen.measureText(text).width), 0))));
    this.top = like?.top ?? 0;
    this.line = like?.line ?? Math.min(TALL, Math.max(LOW, Math.floor(this.root.clientHeight / high)));
    this.inner.style.gridTemplateColumns = `${label(rows)}px minmax(0, 1fr) ${label(columns)}px`;
    this.inner.style.setProperty("--line-height", `${this.line}px`);
    this.inner.style.paddingTop = `${this.top}px`;
    this.inner.style.height = `${high * this.line}px`;
  }

  // ---- Lines
  focus(place, threshold) {
    this.light(place, threshold);
    Object.assign(this, { place, threshold });
  }
  redraw() { if (!this.waiting) { this.waiting = true; requestAnimationFrame(() => { this.waiting = false; this.draw(); }); } }
  draw() {
    const width = this.middle.clientWidth, height = Math.min(this.root.clientHeight - this.top, this.inner.clientHeight - this.top);
    if (!this.shown || !width || !height || this.root.hidden) return;
    const pen = W.sized(this.canvas, width, height), from = this.root.scrollTop, y = (k) => (k + 0.5) * this.line - from;
    const buckets = Array.from({ length: BUCKETS }, () => []), bend = width / 2;
    const drawn = strokes(this.shown, this.threshold, this.place);
    this.count = drawn.length;
    for (const stroke of drawn) {
      const a = y(stroke[0]), b = y(stroke[1]);
      if ((a < 0 && b < 0) || (a > height && b > height)) continue;
      buckets[Math.min(BUCKETS - 1, Math.floor(stroke[2] * BUCKETS))].push([a, b]);
    }
    pen.strokeStyle = this.shown.ink.accent;
    buckets.forEach((group, k) => {
      if (!group.length) return;
      pen.globalAlpha = Math.max(this.place ? POINTED : 0, alpha((k + 0.5) / BUCKETS)); pen.lineWidth = thick((k + 0.5) / BUCKETS);
      pen.beginPath();
      for (const [a, b] of group) { pen.moveTo(0, a); pen.bezierCurveTo(bend, a, bend, b, width, b); }
      pen.stroke();
    });
    pen.globalAlpha = 1;
    this.drawn += 1;
  }

  // The token itself and, with their numbers, those at the other ends of its lines.
  light(place, threshold, silently) {
    for (const node of this.lit) { node.classList.remove("hv-lit", "hv-at"); node.style.removeProperty("--w"); node.lastChild.textContent = ""; node.setAttribute("aria-selected", "false"); }
    this.lit = [];
    if (!place || silently) return;
    const own = place.side === "row" ? this.left : this.right, others = place.side === "row" ? this.right : this.left;
    const node = own.children[place.at];
    if (!node) return;
    node.classList.add("hv-at"); node.setAttribute("aria-selected", "true");
    this.lit.push(node);
    for (const [k, w] of this.partners(place, threshold)) {
      const other = others.children[k];
      other.classList.add("hv-lit"); other.style.setProperty("--w", w.toFixed(3)); other.lastChild.textContent = W.figure(w);
      this.lit.push(other);
    }
  }
  // At the other ends: those whose lines are drawn, and at least the `TOP` largest.
  partners(place, threshold) {
    const { rows, columns, weights } = this.shown, wide = columns.length, isRow = place.side === "row";
    const all = W.top(isRow ? wide : rows.length, (k) => (isRow ? weights[place.at * wide + k] : weights[k * wide + place.at]), Infinity);
    return all.filter(([, w], k) => w >= threshold || k < TOP);
  }
  seek(place) {
    if (!place || !this.line) return;
    const y = this.top + place.at * this.line, view = this.root.clientHeight;
    if (y < this.root.scrollTop || y + this.line > this.root.scrollTop + view) this.root.scrollTop = y - view / 2;
  }
}
Object.assign(TokenLines, { strokes, alpha, thick });
window.TokenLines = TokenLines;
})();
