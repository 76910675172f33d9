// Attention on a picture: the patch that is chosen, and how bright the others stay is how much it looks at them.
//
//   const patches = new PatchPicture(element, { onPin(place) });
//   patches.show(shown, picture); patches.focus(place);
(() => {
const W = window.HeadWeights, { h } = W;
const DARKEST = 0.75;   // of the black over a patch with no weight

class PatchPicture {
  constructor(root, options) {
    Object.assign(this, { root, options, shown: null, picture: null, place: null, drawn: 0, hover: null });
    root.classList.add("hv-picture");
    this.specials = h("div", { class: "hv-specials" });
    const way = (side, text) => h("button", { type: "button", class: "hv-button", "data-side": side, click: () => this.pick(this.chosen(), side) }, text);
    this.ways = h("div", { class: "hv-group", role: "group", "aria-label": "Direction" }, way("row", "looks at"), way("column", "is looked at by"));
    this.canvas = h("canvas", { tabindex: 0, role: "application", "aria-label": "The picture in patches. Arrow keys choose a patch; the brighter another one is, the more attention it gets." });
    this.tip = h("div", { class: "hv-tip", hidden: "" });
    this.stage = h("div", { class: "hv-stage" }, this.canvas, this.tip);
    root.replaceChildren(h("div", { class: "hv-line" }, this.specials, this.ways), this.stage);
    this.listen();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("click", (event) => { const patch = this.patchAt(event.offsetX, event.offsetY); if (patch >= 0) this.pick(this.picture.first + patch); });
    canvas.addEventListener("pointermove", (event) => this.setHover(this.patchAt(event.offsetX, event.offsetY), event));
    canvas.addEventListener("pointerleave", () => this.setHover(-1));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step || !this.picture) return;
      event.preventDefault();
      const { grid: [rows, columns], first } = this.picture, now = this.chosen() - first;
      const [y, x] = now < 0 ? [Math.floor(rows / 2), Math.floor(columns / 2)] : [Math.floor(now / columns) + step[0], (now % columns) + step[1]];
      this.pick(first + Math.min(rows - 1, Math.max(0, y)) * columns + Math.min(columns - 1, Math.max(0, x)));
    });
  }

  show(shown, picture) {
    this.shown = shown;
    if (picture.src !== this.picture?.src) {
      this.image = new Image();
      this.image.onload = () => this.draw();
      this.image.src = picture.src;
    }
    this.picture = picture;
    this.buttons();
  }
  // The tokens that are no patch, such as the class token, with the weight that they get.
  buttons() {
    const own = this.shown.rows.filter(({ index }) => index < this.picture.first);
    this.specials.replaceChildren(...own.map(({ index, text }) =>
      h("button", { type: "button", class: "hv-button", "data-token": index, click: () => this.pick(index) }, W.bdi(text), " ", h("span", { class: "hv-value" }))));
  }

  // ---- Which token
  tokens() { return this.place?.side === "column" ? this.shown.columns : this.shown.rows; }
  chosen() { return this.place ? this.tokens()[this.place.at]?.index ?? -1 : -1; }
  pick(index, side = this.place?.side || "row") {
    const at = (side === "row" ? this.shown.rows : this.shown.columns).findIndex((token) => token.index === index);
    if (at >= 0) this.options.onPin({ side, at, stays: true });
  }

  // What every token has to do with the chosen one: index → weight.
  weightsOf() {
    const { weights, rows, columns } = this.shown, { side, at } = this.place, wide = columns.length, out = new Map();
    if (side === "row") columns.forEach(({ index }, k) => out.set(index, weights[at * wide + k]));
    else rows.forEach(({ index }, i) => out.set(index, weights[i * wide + at]));
    return out;
  }

  focus(place) {
    if (place && !this.tokensOf(place)) place = null;
    this.place = place;
    this.draw();
  }
  tokensOf({ side, at }) { return (side === "column" ? this.shown.columns : this.shown.rows)[at]; }

  // ---- Places
  measure() {
    const { grid: [rows, columns] } = this.picture, wide = this.stage.clientWidth, high = this.stage.clientHeight;
    const cell = Math.max(2, Math.floor(Math.min(wide / columns, high / rows)));
    return { cell, width: cell * columns, height: cell * rows };
  }
  patchAt(x, y) {
    if (!this.picture || !this.stage.clientWidth) return -1;
    const { cell } = this.measure(), { grid: [rows, columns] } = this.picture, [i, k] = [Math.floor(y / cell), Math.floor(x / cell)];
    return i < 0 || k < 0 || i >= rows || k >= columns ? -1 : i * columns + k;
  }
  setHover(patch, event) {
    const weight = patch < 0 || !this.place ? undefined : this.weightsOf().get(this.picture.first + patch);
    this.tip.hidden = weight === undefined;
    if (weight === undefined) return;
    this.tip.replaceChildren("patch ", String(patch + 1), " ", h("b", {}, W.figure(weight, 3)));
    this.tip.style.transform = `translate(${Math.min(event.offsetX + 12, this.stage.clientWidth - this.tip.offsetWidth)}px, ${Math.max(0, event.offsetY - 28)}px)`;
  }

  // ---- Drawing
  draw() {
    if (!this.shown || !this.picture || !this.stage.clientWidth || this.root.hidden) return;
    const { width, height } = this.measure(), pen = W.sized(this.canvas, width, height);
    this.paint(pen, width, height);
    this.say();
    this.drawn += 1;
  }
  paint(pen, width, height) {
    const { grid: [rows, columns], first } = this.picture, wide = width / columns, high = height / rows;
    if (this.image.complete && this.image.naturalWidth) { pen.imageSmoothingQuality = "high"; pen.imageSmoothingEnabled = this.image.naturalWidth > 96; pen.drawImage(this.image, 0, 0, width, height); }
    else { pen.fillStyle = this.shown.ink.line; pen.fillRect(0, 0, width, height); }
    if (!this.place) return;
    const weights = this.weightsOf(), most = this.most = Math.max(1e-9, ...Array.from({ length: rows * columns }, (_, p) => weights.get(first + p) ?? 0));
    pen.fillStyle = "#000";
    for (let p = 0; p < rows * columns; p++) {
      pen.globalAlpha = DARKEST * (1 - Math.sqrt((weights.get(first + p) ?? 0) / most));
      pen.fillRect((p % columns) * wide, Math.floor(p / columns) * high, wide, high);
    }
    pen.globalAlpha = 1;
    const patch = this.chosen() - first;
    if (patch < 0) return;
    for (const [colour, line] of [["#000", 4], ["#fff", 2]]) {
      pen.strokeStyle = colour; pen.lineWidth = line;
      pen.strokeRect((patch % columns) * wide + 1, Math.floor(patch / columns) * high + 1, wide - 2, high - 2);
    }
  }
  say() {
    const weights = this.place ? this.weightsOf() : new Map(), chosen = this.chosen();
    for (const button of this.specials.children) {
      const index = Number(button.dataset.token), weight = weights.get(index);
      button.setAttribute("aria-pressed", String(index === chosen));
      button.lastChild.textContent = weight === undefined ? "" : W.figure(weight);
    }
    for (const button of this.ways.children) { button.setAttribute("aria-pressed", String(button.dataset.side === this.place?.side)); button.disabled = !this.place; }
  }
}
window.PatchPicture = PatchPicture;
})();
