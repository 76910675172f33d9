// The lecture's example to play with: cat and elephant, two views each. Every cosine can be dragged, and the temperature;
// the term, its weights and the loss follow at once.
//
//   const bench = new SimilarityBench(root);
//   bench.show({ names, positives, temperatures: [lowest, highest], examples: [{ name, label, says, similarities, temperature }] })
(() => {
const { h, label, plain, fixed, short, loss } = window.NtTerm;
const PIXELS_PER_UNIT = 110, STEP = 0.05, FINE_STEP = 0.01, BIG_STEP = 0.25;
const clamp = (x) => Math.min(1, Math.max(-1, x));
const hundredths = (x) => clamp(Math.round(100 * x) / 100);

// ---- Pictures of our own: a face on a coloured ground; the second view is mirrored, cropped, turned and recoloured.
const FACES = {
  cat: [
    ["path", { d: "M7 19 8 5 18 12Z M33 19 32 5 22 12Z", fill: "coat" }],
    ["path", { d: "M9.6 13 10 8.4 13.6 11Z M30.4 13 30 8.4 26.4 11Z", fill: "shade" }],
    ["ellipse", { cx: 20, cy: 22, rx: 14, ry: 11.5, fill: "coat" }],
    ["path", { d: "M20 10.5v6 M15.5 11.5l.9 4 M24.5 11.5l-.9 4", stroke: "shade", "stroke-width": 2 }],
    ["ellipse", { cx: 14.4, cy: 20.5, rx: 2, ry: 2.7, fill: "#16202e" }],
    ["ellipse", { cx: 25.6, cy: 20.5, rx: 2, ry: 2.7, fill: "#16202e" }],
    ["path", { d: "M18 25h4l-2 2.4Z", fill: "#16202e" }],
    ["path", { d: "M20 27.4q-1.2 2.6-4 1.8 M20 27.4q1.2 2.6 4 1.8 M11 25.5 3.5 24 M11 27.5 4 29 M29 25.5 36.5 24 M29 27.5 36 29", stroke: "#16202e", "stroke-width": 1 }],
  ],
  elephant: [
    ["path", { d: "M13 8C4 4 1 12 2.5 19 4 26 9 28 13 24Z M27 8C36 4 39 12 37.5 19 36 26 31 28 27 24Z", fill: "shade" }],
    ["path", { d: "M20 5C12.5 5 11 11 11.5 17 12 22 14.5 24 15.5 28L24.5 28C25.5 24 28 22 28.5 17 29 11 27.5 5 20 5Z", fill: "coat" }],
    ["path", { d: "M20 22C20 30 19 35.5 24 35.5 27 35.5 28 33 27.5 31", stroke: "coat", "stroke-width": 6.5 }],
    ["path", { d: "M18 27.500h4 M18.5 31h4", stroke: "shade", "stroke-width": 1.2 }],
    ["path", { d: "M14.5 24.500q-.5 4-3 5.5 M25.5 24.500q.5 4 2.5 4.5", stroke: "#fffaf0", "stroke-width": 2.2 }],
    ["circle", { cx: 15.8, cy: 16, r: 1.7, fill: "#16202e" }],
    ["circle", { cx: 24.2, cy: 16, r: 1.7, fill: "#16202e" }],
  ],
};
const COLOURS = {
  cat: [{ ground: "#fbe7c6", coat: "#e08a1e", shade: "#b3610c" }, { ground: "#c5d6e8", coat: "#8693a5", shade: "#58677c" }],
  elephant: [{ ground: "#cfe8d5", coat: "#8d9bb0", shade: "#6d7c93" }, { ground: "#f3d9e4", coat: "#a58b7d", shade: "#806a5f" }],
};
const SECOND_VIEW = "translate(21 19) scale(-1.28 1.28) rotate(-14) translate(-20 -20)";

function picture(name, size) {
  const make = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const colours = COLOURS[name.base][name.index - 1], ink = (colour) => colours[colour] || colour;
  const svg = make("svg", { viewBox: "0 0 40 40", width: size, height: size, class: "nt-picture", "aria-hidden": "true" });
  const face = make("g", { fill: "none", "stroke-linecap": "round", ...(name.index === 2 ? { transform: SECOND_VIEW } : {}) });
  for (const [tag, { fill, stroke, ...rest }] of FACES[name.base])
    face.append(make(tag, { ...rest, ...(fill ? { fill: ink(fill) } : {}), ...(stroke ? { stroke: ink(stroke) } : {}) }));
  svg.append(make("rect", { width: 40, height: 40, fill: colours.ground }), face);
  return svg;
}

class SimilarityBench {
  constructor(root) {
    Object.assign(this, { root, given: null, drawn: 0, waiting: false });
    root.classList.add("nt");
  }

  show(given) {
    if (!given) return;
    this.given = given;
    this.build();
    this.useExample(given.examples[0]);
  }

  // ---- What the visitor does
  useExample(example) {
    Object.assign(this, { similarities: example.similarities.map((values) => values.slice()), temperature: example.temperature,
      row: 0, focus: this.given.positives[0], saying: () => [example.says] });
    this.redraw();
  }

  setCosine(i, k, cosine) {
    this.similarities = NtXent.withCosine(this.similarities, i, k, hundredths(cosine));
    this.select(i, k);
  }

  setTemperature(temperature) {
    const [low, high] = this.given.temperatures;
    this.temperature = Math.min(high, Math.max(low, Number(temperature.toPrecision(2))));
    this.saying = NtTerm.ofTemperature;
    this.redraw();
  }

  select(i, k) {
    Object.assign(this, { row: i, focus: k, saying: NtTerm.ofCosine });
    this.redraw();
  }

  // ---- The page's part
  build() {
    const { examples } = this.given;
    this.buttons = examples.map((example) => {
      const button = h("button", { type: "button", class: "nt-button", "aria-pressed": "false" }, example.label);
      button.addEventListener("click", () => this.useExample(example));
      return button;
    });
    this.said = h("p", { class: "nt-said", role: "status" });
    this.note = h("p", { class: "nt-note" });
    this.termArea = h("div", { class: "nt-term" });
    this.term = new NtTerm(this.termArea, (k, size) => picture(this.given.names[k], size));
    this.root.replaceChildren(h("div", { class: "nt-buttons", role: "group", "aria-label": "Examples" }, this.buttons),
      h("div", { class: "nt-columns nt-bench" },
        h("section", {}, this.buildMatrix(), this.buildTemperature(), this.note),
        h("section", {}, this.said, this.termArea)));
  }

  buildMatrix() {
    const { names, positives } = this.given;
    this.cells = names.map((_, i) => names.map((_, k) => (i === k ? null : this.buildCell(i, k))));
    this.rowButtons = names.map((name, i) => {
      const button = h("button", { type: "button", class: "nt-row", title: "Write out this row's term" }, picture(name, 36), label(name));
      button.addEventListener("click", () => this.select(i, NtTerm.heaviest(this.viewOf(i))));
      return button;
    });
    this.termCells = names.map(() => h("td", { class: "nt-termcell" }));
    this.rows = names.map((_, i) => h("tr", {}, h("th", { scope: "row" }, this.rowButtons[i]),
      this.cells[i].map((cell) => (cell ? h("td", {}, cell) : h("td", { class: "nt-self" }, h("span", {}, "left out")))), this.termCells[i]));
    this.lossCell = h("td", { class: "nt-termcell nt-loss" });
    const pictures = names.map((name) => h("th", { scope: "col" }, picture(name, 36), label(name)));
    return h("table", { class: "nt-matrix" },
      h("caption", {}, h("b", {}, "Cosine similarities. "), "Drag a number, or use the arrow keys."),
      h("thead", {}, h("tr", {}, h("td"), pictures, h("th", { scope: "col", class: "nt-termhead" }, "term ℓ"))),
      h("tbody", {}, this.rows),
      h("tfoot", {}, h("tr", {}, h("td", { colspan: positives.length + 1 },
        h("span", { class: "nt-key nt-positive" }, "positive: two views of one picture"), h("span", { class: "nt-mean" }, "loss = mean")), this.lossCell)));
  }

  buildCell(i, k) {
    const { names, positives } = this.given;
    const kind = positives[i] === k ? "positive" : "negative";
    const cell = h("div", { class: `nt-cell nt-${kind}`, role: "slider", tabindex: i < k ? 0 : -1, "aria-valuemin": -1, "aria-valuemax": 1,
      "aria-label": `Cosine of ${plain(names[i])} and ${plain(names[k])}, ${kind}` });
    const now = () => this.similarities[i][k];
    cell.addEventListener("focus", () => { if (this.row !== i || this.focus !== k) this.select(i, k); });
    cell.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? FINE_STEP : STEP;
      const to = { ArrowRight: now() + step, ArrowUp: now() + step, ArrowLeft: now() - step, ArrowDown: now() - step,
        PageUp: now() + BIG_STEP, PageDown: now() - BIG_STEP, Home: -1, End: 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.setCosine(i, k, to);
    });
    cell.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.drag = { from: now(), x: event.clientX, y: event.clientY };
      cell.setPointerCapture(event.pointerId);
      cell.classList.add("nt-dragged");
      this.select(i, k);
    });
    cell.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      const way = event.clientX - this.drag.x - (event.clientY - this.drag.y);
      if (way || now() !== this.drag.from) this.setCosine(i, k, this.drag.from + way / PIXELS_PER_UNIT);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
      cell.addEventListener(end, () => { this.drag = null; cell.classList.remove("nt-dragged"); });
    return cell;
  }

  buildTemperature() {
    const [low, high] = this.given.temperatures.map(Math.log10);
    this.slider = h("input", { type: "range", min: low, max: high, step: (high - low) / 150, class: "nt-slider", "aria-label": "Temperature" });
    this.slider.addEventListener("input", () => this.setTemperature(10 ** Number(this.slider.value)));
    this.temperatureText = h("output", { class: "nt-temperature" });
    const marks = [0.01, 0.1, 1, 10].map((value) => h("span", {}, String(value)));
    return h("div", { class: "nt-setting" }, h("span", {}, "temperature ", h("i", {}, "τ")),
      h("div", { class: "nt-track" }, this.slider, h("div", { class: "nt-marks", "aria-hidden": "true" }, marks)), this.temperatureText);
  }

  // ---- Drawing
  viewOf(i) {
    const { names, positives } = this.given, temperature = this.temperature;
    const { exps, weights, logSum, scaled } = NtXent.row(this.similarities, i, temperature);
    return { names, i, positive: positives[i], focus: i === this.row ? this.focus : -1, similarities: this.similarities[i], temperature, exps,
      weights, gradient: NtXent.gradient(weights, i, positives[i], temperature), term: logSum - scaled[positives[i]] };
  }

  redraw() {   // however fast the pointer is: once a frame
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  draw() {
    const { positives, examples } = this.given, temperature = this.temperature;
    const terms = NtXent.terms(this.similarities, positives, temperature), view = this.viewOf(this.row);
    this.cells.forEach((cells, i) => cells.forEach((cell, k) => cell && this.drawCell(cell, i, k)));
    terms.forEach((term, i) => {
      this.termCells[i].textContent = loss(term);
      this.rows[i].classList.toggle("nt-chosen", i === this.row);
      this.rowButtons[i].setAttribute("aria-pressed", String(i === this.row));
    });
    this.lossCell.textContent = loss(NtXent.mean(terms));
    this.slider.value = Math.log10(temperature);
    this.slider.setAttribute("aria-valuetext", short(temperature));
    this.temperatureText.textContent = short(temperature);
    this.term.show(view);
    this.said.replaceChildren(...this.saying(view));
    this.note.textContent = NtXent.realisable(this.similarities) ? "" : "No four vectors have these cosines at once; the sums hold all the same.";
    const same = (e) => e.temperature === temperature && e.similarities.every((values, i) => values.every((s, k) => s === this.similarities[i][k]));
    examples.forEach((example, at) => this.buttons[at].setAttribute("aria-pressed", String(same(example))));
    this.sums = { terms, loss: NtXent.mean(terms), weights: view.weights, gradient: view.gradient, exps: view.exps };
    this.root.dataset.drawn = String(++this.drawn);
  }

  drawCell(cell, i, k) {
    const cosine = this.similarities[i][k];
    cell.textContent = fixed(cosine);
    cell.classList.toggle("nt-minus", cosine < 0);
    cell.classList.toggle("nt-focus", i === this.row && k === this.focus);
    cell.style.setProperty("--size", Math.abs(cosine));
    cell.setAttribute("aria-valuenow", cosine);
    cell.setAttribute("aria-valuetext", fixed(cosine));
  }
}
window.SimilarityBench = SimilarityBench;
})();
