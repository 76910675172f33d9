// A batch's matrix of cosines: coloured cells, thumbnails on both axes, the row's weights below, and its term written out.
// All sums come from Python.
//
//   const grid = new SimilarityGrid(root);
//   grid.show({ names, similarities, weights, gradient, terms, loss, temperature, positives, sprite })   or null: nothing
(() => {
const { h, label, fixed, loss } = window.NtTerm;
const PAIR_GAP = 2, AXIS_GAP = 4, STRIP = 52, STRIP_GAP = 22, MIN_CELL = 12, MAX_CELL = 34;

class SimilarityGrid {
  constructor(root) {
    Object.assign(this, { root, batch: null, row: 0, focus: 1, hover: null, drawn: 0 });
    root.classList.add("nt");
    this.build();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.stage);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  show(batch) {
    this.batch = batch;
    this.root.hidden = !batch;
    if (!batch) return;
    const count = batch.names.length, guess = Math.log(count - 1);
    this.lossLine.replaceChildren("Loss among these ", `${count} views: `, h("b", {}, loss(batch.loss)),
      `, the mean of ${count} terms; guessing would cost log ${count - 1} = ${fixed(guess, 3)}.`);
    this.sprite = new Image();
    this.sprite.onload = () => this.draw();
    this.sprite.src = batch.sprite;
    this.pick(0, batch.positives[0]);
  }

  // ---- The page's part
  build() {
    this.canvas = h("canvas", { class: "nt-canvas", tabindex: 0, role: "application",
      "aria-label": "Matrix of cosines. The arrow keys go from cell to cell; each cell's term is written out beside it." });
    this.tip = h("div", { class: "nt-tip", hidden: "" });
    this.stage = h("div", { class: "nt-stage" }, this.canvas, this.tip);
    this.pair = h("div", { class: "nt-pair", role: "status" });
    this.said = h("p", { class: "nt-said" });
    this.termArea = h("div", { class: "nt-term" });
    this.lossLine = h("p", { class: "nt-lossline" });
    this.term = new NtTerm(this.termArea, (k, size) => this.thumbnail(k, size));
    const key = h("div", { class: "nt-keys" },
      h("span", { class: "nt-key nt-scale" }, "−1", h("span", { class: "nt-ramp" }), "+1"),
      h("span", { class: "nt-key nt-positive" }, "positive"), h("span", { class: "nt-key nt-self" }, "left out"));
    this.root.replaceChildren(h("div", { class: "nt-columns nt-batch" },
      h("section", {}, h("p", { class: "nt-caption" }, h("b", {}, "Cosine similarities. "), "Click a cell to see its term."), this.stage, key),
      h("section", {}, this.lossLine, this.pair, this.said, this.termArea)));
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("pointermove", (event) => this.setHover(this.cellAt(event.offsetX, event.offsetY)));
    canvas.addEventListener("pointerleave", () => this.setHover(null));
    canvas.addEventListener("click", (event) => {
      const cell = this.cellAt(event.offsetX, event.offsetY);
      if (cell) this.pick(cell.i, cell.i === cell.k ? this.batch.positives[cell.i] : cell.k);
    });
    canvas.addEventListener("keydown", (event) => {
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [0, 0];
      if (!this.batch || (!down && !right)) return;
      event.preventDefault();
      const inside = (x) => Math.min(this.batch.names.length - 1, Math.max(0, x));
      let [i, k] = [inside(this.row + down), inside(this.focus + right)];
      if (i === k) [i, k] = [inside(i + down), inside(k + right)];   // over the diagonal
      if (i !== k) this.pick(i, k);
    });
  }

  pick(i, k) {
    Object.assign(this, { row: i, focus: k });
    const view = this.view(), { names, positives, similarities, terms } = this.batch, positive = positives[i] === k;
    this.pair.replaceChildren(this.thumbnail(i, 56), this.thumbnail(k, 56), h("div", {}, h("b", {}, "cos(", label(names[i]), ", ", label(names[k]), ") = ", fixed(similarities[i][k])),
      h("span", {}, positive ? "positive: two views of one picture" : ["negative, in the term of ", label(names[i]), " and ", label(names[positives[i]])])));
    this.said.replaceChildren(...NtTerm.ofCosine(view));
    this.term.show(view);
    this.root.dataset.term = String(terms[i]);
    this.draw();
  }

  view() {
    const { names, positives, similarities, weights, gradient, terms, temperature } = this.batch, i = this.row;
    return { names, i, positive: positives[i], focus: this.focus, similarities: similarities[i], temperature, weights: weights[i],
      gradient: gradient[i], term: terms[i], exps: similarities[i].map((s) => Math.exp(s / temperature)) };
  }

  thumbnail(k, size) {
    const count = this.batch.names.length;
    const node = h("span", { class: "nt-picture", "aria-hidden": "true" });
    Object.assign(node.style, { width: `${size}px`, height: `${size}px`, backgroundImage: `url("${this.batch.sprite}")`,
      backgroundSize: `${count * size}px ${size}px`, backgroundPosition: `${-k * size}px 0` });
    return node;
  }

  // ---- Places
  measure() {
    const count = this.batch.names.length, gaps = PAIR_GAP * (count / 2 - 1);
    const cell = Math.min(MAX_CELL, Math.max(MIN_CELL, Math.floor((this.stage.clientWidth - AXIS_GAP - gaps) / (count + 1))));
    const start = cell + AXIS_GAP, end = start + count * cell + gaps;
    this.places = { count, cell, start, end, at: (k) => start + k * cell + PAIR_GAP * (k >> 1) };
  }

  cellAt(x, y) {
    if (!this.batch || !this.places) return null;
    const { count, cell, at } = this.places;
    const find = (value) => { for (let k = 0; k < count; k++) if (value >= at(k) && value < at(k) + cell) return k; return -1; };
    const found = { i: find(y), k: find(x) };
    return found.i < 0 || found.k < 0 ? null : found;
  }

  setHover(cell) {
    if (cell?.i === this.hover?.i && cell?.k === this.hover?.k) return;
    this.hover = cell;
    this.tip.hidden = !cell;
    if (cell) {
      const { names, similarities, positives } = this.batch, { i, k } = cell, { at, cell: size, end } = this.places;
      this.tip.replaceChildren(label(names[i]), " · ", label(names[k]), " ", h("b", {}, i === k ? "left out" : fixed(similarities[i][k])), positives[i] === k ? " positive" : "");
      const left = Math.min(at(k) + size + 6, end - this.tip.offsetWidth), below = at(i) + size + 6;
      this.tip.style.transform = `translate(${Math.max(0, left)}px, ${below}px)`;
    }
    this.draw();
  }

  // ---- Drawing
  draw() {
    if (!this.batch || !this.stage.clientWidth) return;
    this.measure();
    const { end, cell } = this.places, ratio = window.devicePixelRatio || 1, height = end + STRIP_GAP + STRIP;
    const { canvas } = this;
    canvas.width = Math.round(end * ratio); canvas.height = Math.round(height * ratio);
    canvas.style.width = `${end}px`; canvas.style.height = `${height}px`;
    const css = getComputedStyle(this.root), c = canvas.getContext("2d");
    this.ink = Object.fromEntries(["accent", "highlight", "paper", "chart-text", "chart-muted", "good", "line", "soft"].map((name) => [name, css.getPropertyValue(`--${name}`).trim()]));
    this.font = css.fontFamily;
    c.scale(ratio, ratio);
    this.drawAxes(c, cell);
    this.drawCells(c);
    this.drawMarks(c);
    this.drawStrip(c);
    this.root.dataset.drawn = String(++this.drawn);
  }

  drawAxes(c, cell) {
    if (!this.sprite.complete || !this.sprite.naturalWidth) return;
    const tile = this.sprite.naturalHeight;
    for (let k = 0; k < this.places.count; k++) {
      c.drawImage(this.sprite, k * tile, 0, tile, tile, this.places.at(k), 0, cell - 1, cell - 1);
      c.drawImage(this.sprite, k * tile, 0, tile, tile, 0, this.places.at(k), cell - 1, cell - 1);
    }
  }

  drawCells(c) {
    const { count, cell, at } = this.places, { similarities } = this.batch, size = cell - 1;
    for (let i = 0; i < count; i++) for (let k = 0; k < count; k++) {
      const [x, y] = [at(k), at(i)], cosine = similarities[i][k];
      if (i === k) { this.hatch(c, x, y, size); continue; }
      c.fillStyle = this.ink.line; c.globalAlpha = 0.35; c.fillRect(x, y, size, size);
      c.fillStyle = cosine < 0 ? this.ink.highlight : this.ink.accent;
      c.globalAlpha = Math.abs(cosine); c.fillRect(x, y, size, size);
      c.globalAlpha = 1;
    }
  }

  hatch(c, x, y, size) {
    c.save();
    c.beginPath(); c.rect(x, y, size, size); c.clip();
    c.strokeStyle = this.ink["chart-muted"]; c.lineWidth = 1; c.globalAlpha = 0.7;
    c.beginPath();
    for (let d = -size; d < size; d += 4) { c.moveTo(x + d, y + size); c.lineTo(x + d + size, y); }
    c.stroke();
    c.restore();
  }

  drawMarks(c) {
    const { count, cell, at, start, end } = this.places, { positives } = this.batch, size = cell - 1;
    c.strokeStyle = this.ink["chart-text"]; c.lineWidth = 2;
    for (let i = 0; i < count; i++) c.strokeRect(at(positives[i]) + 1, at(i) + 1, size - 2, size - 2);
    c.strokeStyle = this.ink.accent;
    c.strokeRect(start - 2, at(this.row) - 2, end - start + 2, size + 4);
    c.strokeRect(1, at(this.row), size - 1, size);
    const ring = (i, k, colour, width) => {
      c.strokeStyle = this.ink.paper; c.lineWidth = width + 2; c.strokeRect(at(k) - 1, at(i) - 1, size + 2, size + 2);
      c.strokeStyle = colour; c.lineWidth = width; c.strokeRect(at(k) - 1, at(i) - 1, size + 2, size + 2);
    };
    ring(this.row, this.focus, this.ink.highlight, 3);
    if (this.hover) ring(this.hover.i, this.hover.k, this.ink["chart-text"], 2);
  }

  // The weights of the chosen row, each under its column.
  drawStrip(c) {
    const { count, cell, at, start, end } = this.places, { weights, positives, names } = this.batch, row = weights[this.row];
    const most = Math.max(...row), bottom = end + STRIP_GAP + STRIP - 1, positive = positives[this.row];
    c.font = `12.5px ${this.font}`; c.fillStyle = this.ink.soft; c.textBaseline = "alphabetic";
    const name = names[this.row];
    c.fillText(`What each view weighs in the row of ${name.base}${String(name.index).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d])}${name.prime ? "′" : ""}; the largest: ${fixed(most, 3)}`, start, end + 16);
    for (let k = 0; k < count; k++) {
      const height = Math.max(k === this.row ? 0 : 1, (row[k] / most) * (STRIP - 4));
      c.fillStyle = k === positive ? this.ink.good : k === this.focus ? this.ink.highlight : this.ink["chart-muted"];
      c.fillRect(at(k) + 1, bottom - height, cell - 3, height);
    }
    c.fillStyle = this.ink.line; c.fillRect(start, bottom, end - start, 1);
  }
}
window.SimilarityGrid = SimilarityGrid;
})();
