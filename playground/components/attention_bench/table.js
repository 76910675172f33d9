// The lecture's table: two words, from x to z. What is typed has a frame; what is derived follows what stands above it and can
// be typed over, which is marked and has a way back.
//
//   const table = new AttentionTable(root);
//   table.show({ words, x, w_q, w_k, w_v, d_k })
(() => {
const { h, symbol, wordNode, quoted, shape, short, weight, products, signed, NumberField, Matrix, Stepper, Saturation, writtenSum } = window.AttentionParts;
const { table, key } = window.AttentionSum;
const D_K = { low: 4, high: 4096, whole: true };
const WEIGHTS = ["w_q", "w_k", "w_v"];
const v = (index) => [h("i", {}, "v"), h("sub", {}, index)];
const sub = (name, index) => h("span", { class: "ab-symbol" }, h("i", {}, name), h("sub", {}, index));
const root = (inside) => ["√", h("span", { class: "ab-under" }, ...inside)];

class AttentionTable {
  constructor(node) {
    this.root = node;
  }

  show(given) {
    this.given = given;
    Object.assign(this, { scaled: true, causal: false, query: 0 });
    this.reset();
    this.build();
    this.draw();
  }

  // ---- What the visitor does
  reset() {
    const { x, w_q, w_k, w_v, d_k } = JSON.parse(JSON.stringify(this.given));
    Object.assign(this, { x, w_q, w_k, w_v, d_k, typed: new Map() });
  }

  change(change) {
    const start = performance.now();
    change();
    this.draw();
    this.root.getBoundingClientRect();   // what the edit moves is laid out before the clock stops
    this.took = performance.now() - start;
  }

  remember() {
    const kept = JSON.stringify([this.x, this.w_q, this.w_k, this.w_v, this.d_k]), typed = new Map(this.typed);
    return () => this.change(() => { [this.x, this.w_q, this.w_k, this.w_v, this.d_k] = JSON.parse(kept); this.typed = typed; });
  }

  say(sentence) { this.said.textContent = sentence; }

  // ---- The page's part
  build() {
    const { words } = this.given;
    this.fields = [];
    this.said = h("p", { class: "ab-said", role: "status" });
    this.stepper = new Stepper({ label: "From x to z", whole: true, onStep: () => this.draw() });
    this.explained = h("p", { class: "ab-explained", "aria-live": "polite" });
    this.saturation = new Saturation();
    this.sum = h("div", { class: "ab-sum" });
    this.notSoftmax = h("p", { class: "ab-note" });
    this.root.replaceChildren(h("div", { class: "ab-walk" }, this.stepper.node, this.explained),
      h("div", { class: "ab-columns" },
        h("section", {}, this.buildTable(words), this.buildKey(), this.said),
        h("section", {}, this.saturation.node, this.buildSum(words), this.buildWeights())));
  }

  buildTable(words) {
    const pair = [0, 1], now = () => this.sums;
    this.queryButtons = words.map((word, i) => {
      const button = h("button", { type: "button", class: "ab-query", title: "Sum this word's z" }, wordNode(word), h("span", { class: "ab-tag" }));
      button.addEventListener("click", () => this.change(() => { this.query = i; }));
      return button;
    });
    const vectorCells = (name, at) => pair.map((j) => this.vectorCell(name, () => at(j), words[j]));
    const numberCells = (name) => pair.map((j) => this.vectorCell(name, () => [this.query, j], words[j]));
    this.divisorText = h("span", {});
    this.lines = {
      x: this.line([h("b", {}, "Embedding"), symbol("x")], pair.map((i) => this.typedCell("x", i, words[i]))),
      q: this.line([h("b", {}, "Query"), symbol("q"), h("small", {}, " = ", symbol("x"), " ", symbol("W_Q"))], vectorCells("q", (j) => [j])),
      k: this.line([h("b", {}, "Key"), symbol("k"), h("small", {}, " = ", symbol("x"), " ", symbol("W_K"))], vectorCells("k", (j) => [j])),
      v: this.line([h("b", {}, "Value"), symbol("v"), h("small", {}, " = ", symbol("x"), " ", symbol("W_V"))], vectorCells("v", (j) => [j])),
      scores: this.line([h("b", {}, "Score"), this.live(() => [sub("q", this.query + 1), " · ", symbol("k")])], numberCells("scores")),
      scaled: this.line([h("b", {}, "Divide by "), this.divisorText, this.buildDivision()], numberCells("scaled")),
      masked: this.line([h("b", {}, "Mask"), h("small", {}, " of later words")], pair.map((j) => ({ node: h("td", { class: "ab-number" }, this.live(() => [h("b", { class: "ab-alone" }, short(now().masked[this.query][j]))])) }))),
      weights: this.line([h("b", {}, "Softmax")], numberCells("weights")),
      weighted: this.line([h("b", {}, "Softmax × value")], vectorCells("weighted", (j) => [this.query, j])),
      z: this.line([h("b", {}, "Sum"), this.live(() => [sub("z", this.query + 1)])], [{ node: h("td", { colspan: 2, class: "ab-z" }, this.live(() => [h("span", { class: "ab-four" }, now().z[this.query].map((value) => h("b", {}, short(value))))])) }]),
    };
    return h("table", { class: "ab-table" }, h("colgroup", {}, h("col", { class: "ab-col-name" }), h("col"), h("col")),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Whose ", symbol("z"), "?"), this.queryButtons.map((button) => h("th", { scope: "col" }, button)))),
      h("tbody", {}, Object.values(this.lines).map(({ node }) => node)));
  }

  line(name, cells) {
    return { node: h("tr", {}, h("th", { scope: "row" }, ...name), cells.map(({ node }) => node)) };
  }

  // A part of the text that follows the numbers.
  live(write) {
    const node = h("span", {});
    this.fields.push({ draw: () => node.replaceChildren(...write()) });
    return node;
  }

  field(label, read, write, extra = {}) {
    const field = new NumberField({ label, read, write: (value) => this.change(() => write(value)), remember: () => this.remember(), say: (text) => this.say(text), ...extra });
    this.fields.push(field);
    return field;
  }

  typedCell(name, i, word) {
    const fields = this.x[i].map((_, d) => this.field(`${name} of ${word}, number ${d + 1}`, () => this.x[i][d], (value) => { this.x[i][d] = value; }));
    return { node: h("td", {}, h("span", { class: "ab-four" }, fields.map(({ node }) => node))) };
  }

  // A cell of derived numbers: those of `at()`, one or four. Typed over, it is marked, and its button brings the derived ones back.
  vectorCell(name, at, word) {
    const single = ["scores", "scaled", "weights"].includes(name);
    const keys = () => (single ? [key(name, ...at())] : [0, 1, 2, 3].map((d) => key(name, ...at(), d)));
    const value = (d, of = this.sums) => { const found = at().reduce((part, index) => part[index], of[name]); return single ? found : found[d]; };
    const fields = (single ? [0] : [0, 1, 2, 3]).map((d) => this.field(`${AttentionTable.SPOKEN[name]} of ${word}${single ? "" : `, number ${d + 1}`}`,
      () => value(d), (number) => this.typed.set(keys()[d], number), { class: "ab-field ab-derived", ...(name === "weights" ? { text: weight } : {}) }));
    const back = h("button", { type: "button", class: "ab-back", title: "Back to the derived numbers", "aria-label": `Back to the derived ${AttentionTable.SPOKEN[name]} of ${word}` }, "↺");
    back.addEventListener("click", () => { this.say(""); this.change(() => keys().forEach((one) => this.typed.delete(one))); });
    const beside = { scores: () => this.product(at()[1]), weights: () => [h("span", { class: "ab-track" }, h("span", { class: "ab-weight", style: `width:${100 * Math.min(1, Math.max(0, value(0)))}%` }))] }[name];
    const cell = h("td", { class: single ? "ab-number" : "" }, h("span", { class: single ? "ab-one" : "ab-four" }, fields.map(({ node }) => node), beside ? this.live(beside) : ""), back);
    this.fields.push({ draw: () => {
      const masked = name === "weights" && this.causal && at()[1] > at()[0];
      keys().forEach((one, d) => {
        const own = this.typed.has(one), { node } = fields[d];
        node.classList.toggle("ab-own", own);
        if (own) node.title = `Typed; derived it would be ${short(value(d, this.sums.derived))}`; else node.removeAttribute("title");
        node.readOnly = masked;
      });
      back.hidden = !keys().some((one) => this.typed.has(one));
    } });
    return { node: cell };
  }

  product(j) {
    const { q, k, derived } = this.sums;
    if (this.typed.has(key("scores", this.query, j))) return [h("small", { class: "ab-product" }, `instead of ${short(derived.scores[this.query][j])}`)];
    const terms = products(q[this.query], k[j]);
    return [h("small", { class: "ab-product", title: terms }, terms)];
  }

  buildDivision() {
    this.scaling = h("input", { type: "checkbox", "aria-label": "Divide the scores by the root of d_k" });
    this.scaling.addEventListener("change", () => this.change(() => { this.scaled = this.scaling.checked; }));
    const dk = this.field("d_k, how many numbers q and k have", () => this.d_k, (value) => { this.d_k = value; }, { bounds: D_K });
    dk.node.classList.add("ab-dk");
    return h("span", { class: "ab-division" }, h("label", {}, this.scaling, " on"), h("span", {}, symbol("d_k"), " = ", dk.node));
  }

  buildKey() {
    this.causalBox = h("input", { type: "checkbox" });
    this.causalBox.addEventListener("change", () => this.change(() => { this.causal = this.causalBox.checked; }));
    this.again = h("button", { type: "button", class: "ab-button" }, "Back to the lecture's numbers");
    this.again.addEventListener("click", () => { this.say(""); this.change(() => { this.reset(); Object.assign(this, { scaled: true, causal: false, query: 0 }); }); });
    return h("div", { class: "ab-key" }, this.again, h("label", {}, this.causalBox, " causal mask"),
      h("span", {}, h("span", { class: "ab-swatch" }), "typed"), h("span", {}, h("span", { class: "ab-swatch ab-derived" }), "derived, follows"), h("span", {}, h("span", { class: "ab-swatch ab-own" }), "typed over, ↺ undoes"));
  }

  buildSum(words) {
    return h("section", { class: "ab-written" }, h("h4", {}, this.live(() => ["The sum for ", ...quoted(words[this.query])])), this.sum, this.notSoftmax);
  }

  buildWeights() {
    const side = [1, 2, 3, 4].map((text) => ({ text }));
    this.matrices = Object.fromEntries(WEIGHTS.map((name) => {
      const title = `W_${name[2].toUpperCase()}`, edit = { write: (i, j, value) => this.change(() => { this[name][i][j] = value; }), remember: () => this.remember(), say: (text) => this.say(text) };
      return [name, new Matrix({ name: title, label: title.replace("_", " "), rows: side, columns: side, edit })];
    }));
    this.zeros = h("p", { class: "ab-note" });
    return h("section", { class: "ab-weights" }, h("h4", {}, "The weights; click a number to change it"),
      h("div", { class: "ab-three" }, WEIGHTS.map((name) => this.matrices[name].node)), this.zeros);
  }

  // ---- Drawing
  get divisor() { return Math.sqrt(this.d_k); }

  draw() {
    const { words } = this.given, i = this.query;
    this.sums = table(this, this.typed);
    this.fields.forEach((field) => field.draw());
    this.lines.q.node.querySelectorAll("td").forEach((cell, at) => cell.classList.toggle("ab-quiet", at !== i));
    this.queryButtons.forEach((button, at) => {
      button.setAttribute("aria-pressed", String(at === i));
      button.lastChild.textContent = at === i ? "asks" : "";
    });
    Object.assign(this.scaling, { checked: this.scaled });
    this.causalBox.checked = this.causal;
    this.lines.masked.node.hidden = !this.causal;
    this.lines.scaled.node.classList.toggle("ab-off", !this.scaled);
    this.divisorText.replaceChildren(...root([symbol("d_k")]), ` = ${short(this.divisor)}`);
    const scores = this.sums.scores[i].map((score, j) => (this.causal && j > i ? -Infinity : score));
    this.saturation.show({ words, scores, divisor: this.divisor, scaled: this.scaled });
    this.drawSum(i);
    for (const name of WEIGHTS) this.matrices[name].show(this[name], { size: 24, numbers: true, typed: (a, b) => this[name][a][b] !== this.given[name][a][b] });
    this.zeros.replaceChildren("Shown are 4 of ", symbol("d_k"), ` = ${signed(String(this.d_k))} columns; ${this.d_k === 4 ? "there are no others." : "the others are zeros, and add nothing to a product."}`);
    this.drawStep();
    this.root.dataset.drawn = String((Number(this.root.dataset.drawn) || 0) + 1);
  }

  drawSum(i) {
    const { weights, v: values, z, weighted, derived } = this.sums, total = weights[i].reduce((a, b) => a + b, 0);
    const retyped = weighted[i].flat().some((value, at) => value !== derived.weighted[i].flat()[at]);
    this.sum.replaceChildren(...writtenSum({ z: [sub("z", i + 1)], weights: weights[i], names: [v(1), v(2)], vectors: values, result: z[i], most: 8 }));
    const notes = [Math.abs(total - 1) > 1e-9 ? `The typed weights sum to ${short(total)}, not to 1 as a softmax does. ` : "", retyped ? "Softmax × value was typed over, so the sum is of those numbers." : ""];
    this.notSoftmax.textContent = notes.join("");
  }

  steps() {
    const { d_k, query } = this, n = this.given.words.length, asks = [sub("q", query + 1)];
    const all = [
      { id: "x", lines: ["x"], name: [symbol("x")], spoken: "embedding x", says: ["Each word is looked up: its embedding ", symbol("x"), " is a row of numbers."], shape: [symbol("X"), ` (${shape(n, 4)})`] },
      { id: "qkv", lines: ["q", "k", "v"], weights: true, name: [symbol("q"), " ", symbol("k"), " ", symbol("v")], spoken: "query, key and value", says: ["Three matrices make three vectors of it: a query that asks, a key that answers, a value to hand on."],
        shape: [symbol("X"), ` (${shape(n, 4)}) · `, symbol("W_Q"), ` (${shape(4, d_k)}) → `, symbol("Q"), ` (${shape(n, d_k)}); `, symbol("K"), " and ", symbol("V"), " alike"] },
      { id: "scores", lines: ["scores"], name: ["score"], spoken: "scores", says: ["The query meets every key: the larger the product, the better they fit."], shape: [...asks, ` (${shape(1, d_k)}) · `, symbol("K"), `ᵀ (${shape(d_k, n)}) → scores (${shape(1, n)})`] },
      { id: "scaled", lines: ["scaled"], name: ["÷ ", ...root([symbol("d_k")])], spoken: "divide by the root of d_k", says: [this.scaled ? "Long vectors make large products; dividing takes that away." : "Switched off: the scores go on as they are."], shape: [`(${shape(1, n)}) ÷ √${d_k} → (${shape(1, n)})`] },
      { id: "masked", lines: ["masked"], name: ["mask"], spoken: "causal mask", says: ["No word may see those after it: their scores become −∞, their weights 0."], shape: [`(${shape(1, n)}) + mask (${shape(1, n)}) → (${shape(1, n)})`] },
      { id: "weights", lines: ["weights"], saturation: true, name: ["softmax"], spoken: "softmax", says: ["Softmax makes weights of the scores: none negative, together 1."], shape: [`(${shape(1, n)}) → weights (${shape(1, n)})`] },
      { id: "weighted", lines: ["weighted"], name: ["× ", symbol("v")], spoken: "softmax times value", says: ["Each word hands on its value, as much of it as its weight says."], shape: [`weights (${shape(1, n)}), `, symbol("V"), ` (${shape(n, d_k)}) → ${n} vectors (${shape(1, d_k)})`] },
      { id: "z", lines: ["z"], sum: true, name: [symbol("z")], spoken: "sum z", says: ["Added up, they are ", sub("z", query + 1), ": what ", ...quoted(this.given.words[query]), " has gathered from the sentence."], shape: [`weights (${shape(1, n)}) · `, symbol("V"), ` (${shape(n, d_k)}) → `, symbol("z"), ` (${shape(1, d_k)})`] },
    ];
    return all.filter(({ id }) => this.causal || id !== "masked");
  }

  drawStep() {
    const steps = this.steps(), names = steps.map(({ id }) => id).join(" ");
    if (this.stepped !== names) { this.stepped = names; this.stepper.show(steps); }
    const step = steps[this.stepper.at - 1], walking = Boolean(step);
    this.explained.replaceChildren(...(step ? [h("span", { class: "ab-says" }, ...step.says), h("span", { class: "ab-shapes" }, ...step.shape)]
      : [h("span", { class: "ab-says" }, "Change any number, and everything after it follows. Next walks through it, a row at a time."),
        h("span", { class: "ab-shapes" }, symbol("x"), " → ", symbol("q"), ", ", symbol("k"), ", ", symbol("v"), " → score → softmax → ", symbol("z"))]));
    for (const [name, { node }] of Object.entries(this.lines)) {
      node.classList.toggle("ab-now", walking && step.lines.includes(name));
      node.classList.toggle("ab-dim", walking && !step.lines.includes(name));
    }
    for (const [part, node] of [["saturation", this.saturation.node], ["sum", this.sum.parentNode], ["weights", this.zeros.parentNode]])
      node.classList.toggle("ab-dim", walking && !step[part]);
  }
}
AttentionTable.SPOKEN = { q: "query", k: "key", v: "value", scores: "score", scaled: "divided score", weights: "softmax", weighted: "softmax times value" };
window.AttentionTable = AttentionTable;
})();
