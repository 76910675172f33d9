// A sentence of the visitor's own: seeded embeddings and weights, and every matrix from X to the output, a step at a time.
//
//   const sentence = new AttentionSentence(root);
//   sentence.show({ sentence })
(() => {
const { h, symbol, wordNode, quoted, shape, short, weight, products, NumberField, Matrix, Thumbnail, Stepper, Saturation, writtenSum } = window.AttentionParts;
const Sum = window.AttentionSum;
const WIDTHS = [2, 16], HEADS = [1, 2, 4], SEED = { low: 0, high: 999999, whole: true };
const MAX_CELL = 48, MIN_CELL = 11, WORD_WIDTH = 74, INDEX_WIDTH = 18, OPERATOR_WIDTH = 36, FALLBACK_WIDTH = 900;
const EDITED = ["x", "w_q", "w_k", "w_v", "w_o"];
const root = (inside) => ["√", h("span", { class: "ab-under" }, ...inside)];

class AttentionSentence {
  constructor(node) {
    this.root = node;
    new ResizeObserver(() => { if (this.sums && this.cellSize() !== this.size) this.draw(); }).observe(node);
  }

  show({ sentence }) {
    Object.assign(this, { text: sentence, width: 8, heads: 2, head: 0, seed: 1, causal: false, scaled: true, query: 1 });
    this.typed = this.nothingTyped();
    this.build();
    this.draw();
  }

  // ---- What the visitor does
  nothingTyped() { return Object.fromEntries(EDITED.map((name) => [name, new Map()])); }

  change(change) {
    const start = performance.now();
    change();
    this.draw();
    this.root.getBoundingClientRect();   // what the edit moves is laid out before the clock stops
    this.took = performance.now() - start;
  }

  setText(text) {
    this.change(() => { this.text = text; this.typed.x = new Map(); });
    this.say(this.words.length === 0 ? "There is no word yet: type a sentence of up to 10 words."
      : this.cut ? `Only the first ${Sum.MAX_WORDS} words are used; the rest is left out.` : "");
  }

  setWidth(width) {
    this.say("");
    this.change(() => {
      const heads = Math.max(...HEADS.filter((count) => count <= this.heads && width % count === 0));
      if (heads !== this.heads) this.say(`${this.heads} heads do not divide ${width} dimensions: ${heads === 1 ? "1 head is" : `${heads} heads are`} used.`);
      Object.assign(this, { width, heads, head: Math.min(this.head, heads - 1), typed: this.nothingTyped() });
    });
  }

  setHeads(heads) { this.change(() => Object.assign(this, { heads, head: Math.min(this.head, heads - 1) })); }
  setSeed(seed) { this.change(() => Object.assign(this, { seed, typed: this.nothingTyped() })); }
  setQuery(query) { this.change(() => { this.query = query; }); }

  remember() {
    const kept = Object.fromEntries(EDITED.map((name) => [name, new Map(this.typed[name])]));
    return () => this.change(() => { this.typed = kept; });
  }

  say(sentence) { this.said.textContent = sentence; }

  // ---- The page's part
  build() {
    this.said = h("p", { class: "ab-said", role: "status" });
    this.stepper = new Stepper({ label: "From X to the output", onStep: () => this.draw() });
    this.explained = h("p", { class: "ab-explained", "aria-live": "polite" });
    this.stage = h("div", { class: "ab-stage" });
    this.working = h("p", { class: "ab-working" });
    this.saturation = new Saturation();
    this.sum = h("div", { class: "ab-sum" });
    this.same = h("p", { class: "ab-note" });
    this.chips = h("div", { class: "ab-chips", role: "group", "aria-label": "Whose z is summed" });
    this.thumbnails = {};
    this.area = h("div", {}, h("div", { class: "ab-walk" }, this.stepper.node, this.explained), this.stage, this.working,
      h("div", { class: "ab-columns ab-below" },
        h("section", {}, h("h4", {}, "Whose ", symbol("z"), "?"), this.chips, this.sum, this.same), h("section", {}, this.saturation.node)));
    this.root.replaceChildren(this.buildSettings(), this.said, this.area);
  }

  buildSettings() {
    this.input = h("input", { type: "text", class: "ab-text", dir: "auto", autocomplete: "off", spellcheck: "false", "aria-label": "Sentence" });
    this.input.value = this.text;
    this.input.addEventListener("input", () => this.setText(this.input.value));
    this.slider = h("input", { type: "range", min: WIDTHS[0], max: WIDTHS[1], step: 1, class: "ab-slider", "aria-label": "Dimensions d_model" });
    this.slider.addEventListener("input", () => this.setWidth(Number(this.slider.value)));
    this.widthText = h("output", {});
    this.headButtons = HEADS.map((count) => this.button(String(count), () => this.setHeads(count)));
    this.headChoice = h("span", { class: "ab-choice", role: "group", "aria-label": "Which head is shown" });
    this.seedField = new NumberField({ label: "Seed", read: () => this.seed, write: (seed) => this.setSeed(seed), bounds: SEED,
      remember: () => { const seed = this.seed, back = this.remember(); return () => { this.setSeed(seed); back(); }; }, say: (text) => this.say(text) });
    this.seedField.node.classList.add("ab-seed");
    this.again = this.button("Undo my numbers", () => { this.say(""); this.change(() => { this.typed = this.nothingTyped(); }); });
    this.causalBox = this.box("causal mask", (on) => { this.causal = on; });
    this.scaledBox = this.box("divide by √d", (on) => { this.scaled = on; });
    return h("div", { class: "ab-settings" },
      h("span", { class: "ab-wide" }, h("label", {}, h("span", {}, "Sentence"), this.input),
        h("label", {}, this.causalBox, " causal mask"), h("label", {}, this.scaledBox, " divide by ", ...root([symbol("d_k")]))),
      h("span", { class: "ab-setting" }, h("span", {}, symbol("d_model")), this.slider, this.widthText),
      h("span", { class: "ab-setting" }, h("span", {}, "Heads"), h("span", { class: "ab-choice", role: "group", "aria-label": "Heads" }, this.headButtons)),
      h("span", { class: "ab-setting ab-which" }, h("span", {}, "Show head"), this.headChoice),
      h("span", { class: "ab-setting" }, h("span", {}, "Seed"), this.seedField.node, this.button("New weights", () => { this.say(""); this.setSeed((this.seed + 1) % (SEED.high + 1)); })), this.again);
  }

  button(text, act) {
    const button = h("button", { type: "button", class: "ab-button" }, text);
    button.addEventListener("click", act);
    return button;
  }

  box(label, set) {
    const box = h("input", { type: "checkbox", "aria-label": label });
    box.addEventListener("change", () => this.change(() => set(box.checked)));
    return box;
  }

  // ---- The sums
  compute() {
    const { words, cut } = Sum.words(this.text);
    Object.assign(this, { words, cut, inputs: null, sums: null });
    if (!words.length) return;
    const drawn = Sum.drawn(words, this.width, this.seed);
    for (const name of EDITED) for (const [at, value] of this.typed[name]) { const [i, j] = at.split(" "); drawn[name][i][j] = value; }
    this.query = Math.min(this.query, words.length - 1);
    this.inputs = { ...drawn, heads: this.heads, causal: this.causal, scaled: this.scaled };
    this.sums = Sum.attention(this.inputs);
  }

  get size_of_head() { return this.width / this.heads; }

  // ---- The steps: what stands on the stage (matrices by name and signs between them), what is said, the shapes.
  steps() {
    const { words, width, heads, head, size_of_head: d } = this, n = words.length, each = heads > 1 ? ` of head ${head + 1}` : "";
    const project = (name, ...says) => ({ id: name, name: [symbol(name)], spoken: name, parts: ["X", "·", `W_${name}`, "=", name], says: [...says, " is its row of ", symbol("X"), " times ", symbol(`W_${name}`), `${each}.`],
      shape: [symbol("X"), ` (${shape(n, width)}) · `, symbol(`W_${name}`), ` (${shape(width, d)}) → `, symbol(name), ` (${shape(n, d)})`] });
    const square = `(${shape(n, n)})`;
    return [
      { id: "X", name: [symbol("X")], spoken: "embeddings X", parts: ["X"], says: ["A row a word, drawn by the seed: the same word, the same row. Click a number to change it."], shape: [`${n} ${n === 1 ? "word" : "words"} → `, symbol("X"), ` (${shape(n, width)})`] },
      project("Q", "Each word asks: its query"),
      project("K", "Each word answers: its key"),
      project("V", "Each word has something to hand on: its value"),
      { id: "S", name: ["scores"], spoken: "scores", parts: ["Q", "·", "Kᵀ", "=", "S"], says: ["Every query meets every key: a row of scores for each asking word."], shape: [symbol("Q"), ` (${shape(n, d)}) · `, symbol("K"), `ᵀ (${shape(d, n)}) → `, symbol("S"), ` ${square}`] },
      { id: "scaled", name: ["÷ ", ...root([symbol("d_k")])], spoken: "divide by the root of d_k", parts: ["S", this.scaled ? `÷ ${short(Math.sqrt(d))} =` : "=", "scaled"], says: [this.scaled ? "Products of longer vectors are larger; dividing takes that away." : "Switched off: the scores go on as they are."], shape: [symbol("S"), ` ${square} ÷ √${d} → ${square}`] },
      { id: "masked", name: ["mask"], spoken: "mask", parts: ["scaled", "+", "mask", "=", "masked"], says: [this.causal ? "No word may see those after it: their scores become −∞." : "The causal mask is off: every word sees every word, and nothing changes."], shape: [`${square} + mask ${square} → ${square}`] },
      { id: "A", name: ["softmax"], spoken: "softmax", parts: ["masked", "softmax of each row", "A"], says: ["Softmax makes weights of each row: none negative, together 1."], shape: [`${square} → `, symbol("A"), ` ${square}`] },
      { id: "Z", name: [symbol("Z")], spoken: "Z", parts: ["A", "·", "V", "=", "Z"], says: [`Each word gathers the values, as much of each as its weights say${heads > 1 ? `: that is head ${head + 1}'s answer` : ""}.`], shape: [symbol("A"), ` ${square} · `, symbol("V"), ` (${shape(n, d)}) → `, symbol("Z"), ` (${shape(n, d)})`] },
      { id: "concatenated", name: ["concat"], spoken: "concatenate the heads", parts: [...this.allHeads().flatMap((name, at) => (at ? ["|", name] : [name])), "=", "C"], says: [heads > 1 ? `The ${heads} heads' answers stand side by side.` : "With one head there is nothing to put side by side."], shape: [`${heads} × `, symbol("Z"), ` (${shape(n, d)}) → `, symbol("C"), ` (${shape(n, width)})`] },
      { id: "out", name: ["output"], spoken: "output", parts: ["C", "·", "W_O", "=", "Y"], says: ["One last matrix mixes the heads. The output has the shape of ", symbol("X"), " again."], shape: [symbol("C"), ` (${shape(n, width)}) · `, symbol("W_O"), ` (${shape(width, width)}) → `, symbol("Y"), ` (${shape(n, width)})`] },
    ];
  }

  allHeads() { return this.heads === 1 ? ["Z"] : Array.from({ length: this.heads }, (_, at) => `Z_${at + 1}`); }

  // Numbers, labels and place among the typed ones of a matrix on the stage.
  matrix(name) {
    const { sums, inputs, words, head, size_of_head: d, width } = this, of = (part) => sums[part][head];
    const asWords = words.map((word, index) => ({ word, index })), numbers = (count) => Array.from({ length: count }, (_, at) => ({ text: at + 1 }));
    const perWord = (values) => ({ values, rows: asWords, columns: numbers(values[0].length) }), square = (values) => ({ values, rows: asWords, columns: asWords });
    const weights = (part) => ({ values: Sum.columns(inputs[part], head * d, head * d + d), rows: numbers(width), columns: numbers(d), part, shift: head * d });
    if (/^Z_\d$/.test(name)) return perWord(sums.z[name[2] - 1]);
    return {
      X: () => ({ ...perWord(inputs.x), part: "x", shift: 0 }), W_Q: () => weights("w_q"), W_K: () => weights("w_k"), W_V: () => weights("w_v"),
      Q: () => perWord(of("queries")), K: () => perWord(of("keys")), V: () => perWord(of("values")),
      "Kᵀ": () => ({ values: Sum.transposed(of("keys")), rows: numbers(d), columns: asWords }), S: () => square(of("scores")), scaled: () => square(of("scaled")),
      mask: () => ({ ...square(this.causal ? Sum.causalMask(words.length) : words.map(() => words.map(() => 0))), full: 1 }), masked: () => square(of("masked")),
      A: () => ({ ...square(of("weights")), full: 1, weights: true }), Z: () => perWord(of("z")), C: () => perWord(sums.concatenated),
      W_O: () => ({ values: inputs.w_o, rows: numbers(width), columns: numbers(width), part: "w_o", shift: 0 }), Y: () => perWord(sums.output),
    }[name]();
  }

  // ---- The stage
  drawStage(step) {
    const shown = step.parts.map((part) => (this.isMatrix(part) ? this.matrix(part) : part));
    const built = JSON.stringify([step.parts, this.words, this.width, this.heads, this.head]);
    if (built !== this.built) { this.built = built; this.buildStage(step, shown); }
    this.size = this.cellSize();
    this.matrices.forEach((matrix, at) => {
      const { values, part, shift, weights, rows } = shown.filter((one) => typeof one !== "string")[at];
      matrix.show(values, { size: this.size, weights, row: rows[0].word ? this.query : -1, typed: (i, j) => Boolean(part) && this.typed[part].has(`${i} ${j + shift}`) });
    });
    this.drawWorking();
  }

  isMatrix(part) { return /^(X|W_[QKVO]|[QKVSACYZ]|Kᵀ|Z_\d|scaled|mask|masked)$/.test(part); }

  buildStage(step, shown) {
    this.looked = null;
    this.matrices = [];
    const parts = shown.map((part, at) => (typeof part === "string" ? h("span", { class: part.length > 8 ? "ab-operator ab-long" : "ab-operator" }, part) : this.buildMatrix(step.parts[at], part)));
    this.stage.replaceChildren(...parts);
  }

  buildMatrix(name, { rows, columns, part, shift, full }) {
    const label = name.replace("W_", "W ").replace("Z_", "Z of head "), at = this.matrices.length;
    const edit = part && { write: (i, j, value) => this.change(() => this.typed[part].set(`${i} ${j + shift}`, value)), remember: () => this.remember(), say: (text) => this.say(text) };
    const matrix = new Matrix({ name: name === "scaled" ? "S′" : name === "masked" ? "M" : name, label, rows, columns, full, edit, onLook: (i, j) => this.look(at, i, j), onRow: (i) => this.setQuery(i) });
    this.matrices.push(matrix);
    return matrix.node;
  }

  cellSize() {
    const step = this.steps()[this.stepper.at - 1], available = this.stage.clientWidth || FALLBACK_WIDTH;
    if (!step) return MIN_CELL;
    let cells = 0, rest = 0;
    for (const part of step.parts) {
      if (!this.isMatrix(part)) { rest += part.length > 8 ? 100 : part.length > 2 ? 66 : OPERATOR_WIDTH; continue; }
      const { rows, columns } = this.matrix(part);
      cells += columns.length;
      rest += columns.length + 2 + (rows[0].word ? WORD_WIDTH : INDEX_WIDTH);   // a pixel between any two cells
    }
    return Math.max(MIN_CELL, Math.min(MAX_CELL, Math.floor((available - rest) / cells)));
  }

  // ---- The sum of one number, written out under the stage
  look(at, i, j) {
    this.looked = i === null ? null : { at, i, j };
    this.drawWorking();
  }

  drawWorking() {
    const step = this.steps()[this.stepper.at - 1], last = this.matrices.length - 1, { at, i, j } = this.looked || {};
    this.matrices.forEach((matrix) => matrix.light());
    if (!this.looked) { this.working.replaceChildren(h("span", { class: "ab-hint" }, "Point at a number to see where it comes from.")); return; }
    const matrix = this.matrices[at], name = ({ word, text }) => (word ? wordNode(word) : String(text)), value = matrix.values[i][j];
    const written = [symbol(matrix.name), "[", name(matrix.rows[i]), ", ", name(matrix.columns[j]), "] = "];
    if (at < last || last === 0) { this.working.replaceChildren(...written, h("b", {}, short(value))); return; }
    this.working.replaceChildren(...written, ...this.terms(step.id, i, j), h("b", {}, matrix.values[i][j] === value && step.id === "A" ? weight(value) : short(value)));
  }

  terms(id, i, j) {
    const [first, second] = this.matrices, of = (matrix, a, b) => short(matrix.values[a][b]);
    if (id === "concatenated") {
      const d = this.size_of_head;
      this.matrices[Math.floor(j / d)].light(i, j % d);
      return [`head ${Math.floor(j / d) + 1}, number ${j % d + 1}: `];
    }
    if (id === "scaled") { first.light(i, j); return this.scaled ? [`${of(first, i, j)} ÷ ${short(Math.sqrt(this.size_of_head))} = `] : []; }
    if (id === "masked") { first.light(i, j); second.light(i, j); return [`${of(first, i, j)} + ${second.values[i][j] === 0 ? "0" : "(−∞)"} = `]; }
    first.light(i, null);
    if (id === "A") {
      const power = (value) => h("span", { class: "ab-term" }, "e", h("sup", {}, short(value)));
      return [power(first.values[i][j]), " / (", ...first.values[i].flatMap((value, at) => (at ? [" + ", power(value)] : [power(value)])), ") = "];
    }
    second.light(null, j);
    return [products(first.values[i], second.values.map((line) => line[j])), " = "];
  }

  // ---- Drawing
  draw() {
    this.compute();
    this.drawSettings();
    this.area.hidden = !this.sums;
    if (this.sums) {
      this.drawSteps();
      this.drawBelow();
    }
    this.root.dataset.drawn = String((Number(this.root.dataset.drawn) || 0) + 1);
  }

  drawSettings() {
    this.slider.value = this.width;
    this.widthText.textContent = this.width;
    this.headButtons.forEach((button, at) => {
      button.setAttribute("aria-pressed", String(HEADS[at] === this.heads));
      button.disabled = this.width % HEADS[at] !== 0;
      if (button.disabled) button.title = `${HEADS[at]} does not divide ${this.width}`; else button.removeAttribute("title");
    });
    if (this.headChoice.childElementCount !== this.heads)
      this.headChoice.replaceChildren(...Array.from({ length: this.heads }, (_, at) => this.button(String(at + 1), () => this.change(() => { this.head = at; }))));
    [...this.headChoice.children].forEach((button, at) => button.setAttribute("aria-pressed", String(at === this.head)));
    this.causalBox.checked = this.causal;
    this.scaledBox.checked = this.scaled;
    this.seedField.draw();
    this.again.hidden = EDITED.every((name) => this.typed[name].size === 0);
  }

  drawSteps() {
    const steps = this.steps(), built = JSON.stringify(steps.map(({ id }) => id));
    if (this.stepped !== built) {
      this.stepped = built;
      for (const { id } of steps) this.thumbnails[id] = new Thumbnail();
      this.stepper.show(steps.map((step) => ({ ...step, name: [this.thumbnails[step.id].node, h("span", { class: "ab-stepname" }, ...step.name)] })));
    }
    for (const { id, parts } of steps) {
      const { values, full } = this.matrix(parts[parts.length - 1]);
      this.thumbnails[id].show(values, full);
    }
    const step = steps[this.stepper.at - 1];
    this.explained.replaceChildren(h("span", { class: "ab-says" }, ...step.says), h("span", { class: "ab-shapes" }, ...step.shape));
    this.drawStage(step);
  }

  drawBelow() {
    const { sums, words, head, query } = this, weights = sums.weights[head][query];
    if (this.chips.childElementCount !== words.length || this.chipped !== words.join(" ")) {
      this.chipped = words.join(" ");
      this.chips.replaceChildren(...words.map((word, at) => {
        const chip = h("button", { type: "button", class: "ab-chip", title: word }, wordNode(word));
        chip.addEventListener("click", () => this.setQuery(at));
        return chip;
      }));
    }
    [...this.chips.children].forEach((chip, at) => chip.setAttribute("aria-pressed", String(at === query)));
    const v = (word) => [h("i", {}, "v"), h("sub", {}, wordNode(word))];
    this.sum.replaceChildren(...writtenSum({ z: [h("i", {}, "z"), h("sub", {}, wordNode(words[query]))], weights, names: words.map(v), vectors: sums.values[head], result: sums.z[head][query], most: 24 }));
    const scores = sums.scores[head][query].map((score, j) => (this.causal && j > query ? -Infinity : score));
    this.saturation.show({ words, scores, divisor: Math.sqrt(this.size_of_head), scaled: this.scaled });
    this.same.replaceChildren(...this.onPositions());
  }

  onPositions() {
    const { words, inputs, sums, head } = this, last = words.length - 1;
    const equal = (a, b) => a.every((value, d) => value === b[d]), places = words.map((_, i) => words.findIndex((_, j) => equal(inputs.x[i], inputs.x[j])));
    const twin = places.findIndex((first, i) => first !== i), none = "Nothing here knows its position: ";
    const drawnOnly = " The weights are drawn, not trained, so the sums are real and their meaning is not.";
    if (twin < 0) return [`${none}without positions the same word gets the same z wherever it stands.${drawnOnly}`];
    const first = places[twin], alike = sums.z[head][first].every((value, d) => Math.abs(value - sums.z[head][twin][d]) < 1e-9);
    const where = [none, ...quoted(words[twin]), ` stands at ${first + 1} and at ${twin + 1}, with the same row of X, `];
    return [...where, alike ? "so it gets the same z both times." : `yet its z differ, since the mask lets the ${twin === last ? "last" : "later"} one see more words.`, drawnOnly];
  }
}
window.AttentionSentence = AttentionSentence;
})();
