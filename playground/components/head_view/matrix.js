// The weights as a matrix: rows look, columns are looked at. Only what is in sight is drawn, so its size does not matter.
//
//   const matrix = new WeightMatrix(element, { onHover(place), onPin(place) });
//   matrix.show(shown); matrix.focus(place);
(() => {
const W = window.HeadWeights, { h } = W;
const NUMBERED = 24, LEAST = [12, 12], LEAST_NUMBERED = [15, 15], MOST = [64, 42];   // cells in CSS pixels, [width, height]
const LONGEST = 92, TALLEST = 78, SHORTEST = 26, GAP = 6, FONT = 12, SMALL_FONT = 11;

// Texts that are no wider than this; what is too long ends in an ellipsis.
function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  const letters = [...text];
  let low = 0, high = letters.length;
  while (low < high) { const middle = (low + high + 1) >> 1; if (pen.measureText(`${letters.slice(0, middle).join("")}…`).width <= width) low = middle; else high = middle - 1; }
  return `${letters.slice(0, low).join("")}…`;
}

class WeightMatrix {
  constructor(root, options) {
    Object.assign(this, { root, options, shown: null, place: null, cell: null, drawn: 0 });
    root.classList.add("hv-matrix");
    this.canvas = h("canvas", { class: "hv-cells", tabindex: 0, role: "application",
      "aria-label": "Matrix of attention weights. Rows look, columns are looked at. Arrow keys go from cell to cell; each is said below." });
    this.over = h("canvas", { class: "hv-over", "aria-hidden": "true" });
    this.tip = h("div", { class: "hv-tip", hidden: "" });
    this.window = h("div", { class: "hv-window" }, this.canvas, this.over, this.tip);
    this.inner = h("div", { class: "hv-inner" }, this.window);
    root.replaceChildren(this.inner);
    this.listen();
  }

  listen() {
    const { canvas, root } = this;
    root.addEventListener("scroll", () => { if (this.byKey) this.showTip(this.cell); else this.setCell(null); this.redraw(); }, { passive: true });
    canvas.addEventListener("pointermove", (event) => { this.byKey = false; this.setCell(this.cellAt(event.offsetX, event.offsetY)); });
    canvas.addEventListener("pointerleave", () => this.setCell(null));
    canvas.addEventListener("blur", () => { this.byKey = false; this.setCell(null); });
    canvas.addEventListener("click", (event) => {
      const cell = this.cellAt(event.offsetX, event.offsetY);
      if (cell) this.options.onPin(cell.i >= 0 ? { side: "row", at: cell.i } : { side: "column", at: cell.k });
    });
    canvas.addEventListener("keydown", (event) => {
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [0, 0];
      if (event.key === "Escape") { event.preventDefault(); this.options.onPin(null); }
      if (!this.shown || (!down && !right)) return;
      event.preventDefault();
      const inside = (x, count) => Math.min(count - 1, Math.max(0, x)), last = this.lastCell || { i: -down, k: -right };
      const cell = { i: inside(last.i + down, this.shown.rows.length), k: inside(last.k + right, this.shown.columns.length) };
      this.byKey = true;
      this.reveal(cell);
      this.setCell(cell);
    });
  }

  // ---- Places
  show(shown) {
    this.shown = shown;
    this.cell = null;
    this.tip.hidden = true;
    if (this.lastCell && (this.lastCell.i >= shown.rows.length || this.lastCell.k >= shown.columns.length)) this.lastCell = null;
    this.measure();
  }
  // What the labels take: [left, top].
  margins() {
    const { rows, columns } = this.shown, pen = this.canvas.getContext("2d"), family = getComputedStyle(this.root).fontFamily;
    this.numbered = Math.max(rows.length, columns.length) <= NUMBERED;
    this.font = `${this.numbered ? FONT : SMALL_FONT}px ${family}`;
    pen.font = `600 ${this.font}`;
    const longest = (tokens) => Math.min(LONGEST, Math.max(SHORTEST, GAP + Math.ceil(tokens.reduce((most, { text }) => Math.max(most, pen.measureText(text).width), 0))));
    return [longest(rows), Math.min(longest(columns), TALLEST)];
  }
  // How wide it would be with numbers that are easy to read.
  need() { return this.margins()[0] + this.shown.columns.length * W.NARROW + 2; }
  measure() {
    const { rows, columns } = this.shown, width = this.root.clientWidth, height = this.root.clientHeight;
    if (!width || !rows.length || !columns.length) return;
    const [left, top] = this.margins(), { numbered } = this, family = getComputedStyle(this.root).fontFamily, least = numbered ? LEAST_NUMBERED : LEAST;
    const share = (room, count, k) => Math.min(MOST[k], Math.max(least[k], Math.floor(room / count)));
    const wide = share(width - left - 1, columns.length, 0), high = Math.min(share(height - top - 1, rows.length, 1), Math.max(least[1], wide));
    this.places = { left, top, wide, high, numbered, numberFont: `${Math.min(12, Math.max(10, Math.floor(wide / 2.2)))}px ${family}` };
    this.inner.style.width = `${left + columns.length * wide + 1}px`;
    this.inner.style.height = `${top + rows.length * high + 1}px`;
  }
  cellAt(x, y) {
    if (!this.shown || !this.places) return null;
    const { left, top, wide, high } = this.places, { rows, columns } = this.shown;
    const k = x < left ? -1 : Math.floor((x - left + this.root.scrollLeft) / wide), i = y < top ? -1 : Math.floor((y - top + this.root.scrollTop) / high);
    return (i < 0 && k < 0) || i >= rows.length || k >= columns.length ? null : { i, k };
  }
  reveal({ i, k }) {
    const { left, top, wide, high } = this.places, { root } = this, x = k * wide, y = i * high;
    root.scrollLeft = Math.min(x, Math.max(root.scrollLeft, x + wide + left - root.clientWidth));
    root.scrollTop = Math.min(y, Math.max(root.scrollTop, y + high + top - root.clientHeight));
  }

  // Brings a pinned row or column into sight.
  seek(place) {
    if (!place || !this.places) return;
    const { left, top, wide, high } = this.places, { root } = this, isRow = place.side === "row";
    const at = place.at * (isRow ? high : wide), room = (isRow ? root.clientHeight - top - high : root.clientWidth - left - wide), now = isRow ? root.scrollTop : root.scrollLeft;
    if (at < now || at > now + room) root[isRow ? "scrollTop" : "scrollLeft"] = at - room / 2;
  }

  setCell(cell) {
    if (cell?.i === this.cell?.i && cell?.k === this.cell?.k) return;
    this.cell = cell;
    if (cell && cell.i >= 0 && cell.k >= 0) this.lastCell = cell;
    this.options.onHover(cell ? (cell.i >= 0 ? { side: "row", at: cell.i, cell } : { side: "column", at: cell.k, cell }) : null);
    this.showTip(cell);
  }
  showTip(cell) {
    const both = cell && cell.i >= 0 && cell.k >= 0;
    this.tip.hidden = !both;
    if (!both) return;
    const { rows, columns, weights } = this.shown, { left, top, wide, high } = this.places;
    this.tip.replaceChildren(W.bdi(rows[cell.i].text), " → ", W.bdi(columns[cell.k].text), " ", h("b", {}, W.figure(weights[cell.i * columns.length + cell.k], 3)));
    const x = left + (cell.k + 1) * wide - this.root.scrollLeft + 6, y = top + (cell.i + 1) * high - this.root.scrollTop + 4;
    const width = this.root.clientWidth, height = this.root.clientHeight, { offsetWidth, offsetHeight } = this.tip;
    const above = y + offsetHeight > height ? top + cell.i * high - this.root.scrollTop - offsetHeight - 4 : y;
    this.tip.style.transform = `translate(${Math.round(Math.max(0, Math.min(x, width - offsetWidth)))}px, ${Math.round(Math.max(0, above))}px)`;
  }

  // ---- Drawing
  focus(place) { this.place = place; this.drawOver(); }
  redraw() { if (!this.waiting) { this.waiting = true; requestAnimationFrame(() => { this.waiting = false; this.draw(); this.drawOver(); }); } }
  size() { return [Math.min(this.root.clientWidth, this.inner.offsetWidth), Math.min(this.root.clientHeight, this.inner.offsetHeight)]; }
  sight() {
    const { left, top, wide, high } = this.places, { scrollLeft, scrollTop } = this.root, [width, height] = this.size();
    const range = (from, room, cell, count) => [Math.floor(from / cell), Math.min(count, Math.ceil((from + room) / cell))];
    return { x: (k) => left + k * wide - scrollLeft, y: (i) => top + i * high - scrollTop, width, height,
      columns: range(scrollLeft, width - left, wide, this.shown.columns.length), rows: range(scrollTop, height - top, high, this.shown.rows.length) };
  }
  draw() {
    if (!this.shown || !this.places || !this.root.clientWidth || this.root.hidden) return;
    const see = this.sight(), pen = W.sized(this.canvas, see.width, see.height);
    this.drawCells(pen, see);
    this.drawLabels(pen, see);
    this.drawn += 1;
  }
  drawCells(pen, see) {
    const { left, top, wide, high, numbered, numberFont } = this.places, { weights, columns, ramp } = this.shown, across = columns.length;
    const gap = wide >= 16 ? 1 : 0.5;
    pen.save();
    pen.beginPath(); pen.rect(left, top, see.width - left, see.height - top); pen.clip();
    pen.font = numberFont; pen.textAlign = "center"; pen.textBaseline = "middle"; pen.direction = "ltr";
    for (let i = see.rows[0]; i < see.rows[1]; i++) for (let k = see.columns[0]; k < see.columns[1]; k++) {
      const weight = weights[i * across + k], tone = W.level(weight), x = see.x(k), y = see.y(i);
      pen.fillStyle = ramp.tones[tone]; pen.fillRect(x, y, wide - gap, high - gap);
      if (!numbered) continue;
      pen.fillStyle = ramp.inks[tone]; pen.fillText(W.brief(weight, wide), x + (wide - gap) / 2, y + high / 2, wide - gap - 1);
    }
    pen.restore();
  }
  drawLabels(pen, see) {
    for (let i = see.rows[0]; i < see.rows[1]; i++) this.rowLabel(pen, see, i, false);
    for (let k = see.columns[0]; k < see.columns[1]; k++) this.columnLabel(pen, see, k, false);
    pen.fillStyle = this.shown.ink.paper; pen.fillRect(0, 0, this.places.left, this.places.top);
  }
  rowLabel(pen, see, i, strong) {
    const { left, high } = this.places, token = this.shown.rows[i];
    this.write(pen, token, left - GAP, see.y(i) + high / 2, left - GAP, strong);
  }
  columnLabel(pen, see, k, strong) {
    const { top, wide } = this.places;
    pen.save();
    pen.translate(see.x(k) + wide / 2, top - GAP); pen.rotate(-Math.PI / 2);
    this.write(pen, this.shown.columns[k], 0, 0, top - GAP, strong, "left");
    pen.restore();
  }
  write(pen, token, x, y, room, strong, align = "right") {
    pen.font = strong ? `600 ${this.font}` : this.font; pen.textAlign = align; pen.textBaseline = "middle"; pen.direction = "ltr";
    pen.fillStyle = strong ? this.shown.ink.accent : token.special ? this.shown.ink.soft : this.shown.ink.text;
    pen.fillText(fitted(pen, token.text, room), x, y);
  }
  // Marks on a sheet of its own, so that moving the pointer draws no cell anew.
  drawOver() {
    if (!this.shown || !this.places || !this.root.clientWidth || this.root.hidden) return;
    const see = this.sight(), { left, top, wide, high } = this.places, { accent, text, paper } = this.shown.ink, pen = W.sized(this.over, see.width, see.height);
    const { place } = this, cell = place?.cell && place.cell.i >= 0 && place.cell.k >= 0 ? place.cell : null;
    if (!place) return;
    const bold = (i, k) => {
      if (i >= see.rows[0] && i < see.rows[1] && see.y(i) + high > top) { pen.fillStyle = paper; pen.fillRect(0, Math.max(top, see.y(i)), left - 1, high); this.rowLabel(pen, see, i, true); }
      if (k >= see.columns[0] && k < see.columns[1] && see.x(k) + wide > left) { pen.fillStyle = paper; pen.fillRect(see.x(k), 0, wide, top - 1); this.columnLabel(pen, see, k, true); }
    };
    bold(place.side === "row" ? place.at : -1, cell ? cell.k : place.side === "column" ? place.at : -1);
    pen.save();
    pen.beginPath(); pen.rect(left - 1, top - 1, see.width, see.height); pen.clip();
    pen.strokeStyle = accent; pen.lineWidth = 1.5;
    if (place.side === "row") pen.strokeRect(see.x(0) - 0.5, see.y(place.at) - 0.5, this.shown.columns.length * wide, high);
    else pen.strokeRect(see.x(place.at) - 0.5, see.y(0) - 0.5, wide, this.shown.rows.length * high);
    if (cell) { pen.strokeStyle = text; pen.lineWidth = 2; pen.strokeRect(see.x(cell.k) - 0.5, see.y(cell.i) - 0.5, wide, high); }
    pen.restore();
  }
}
WeightMatrix.NUMBERED = NUMBERED;
window.WeightMatrix = WeightMatrix;
})();
