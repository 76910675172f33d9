// What both halves of the bench are made of: written numbers, number fields, matrices as heatmaps, the stepper, and the
// softmax with and without the division.
(() => {
const { readNumber } = window.AttentionSum;

function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.flat());
  return node;
}
const svg = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
// "W_Q" is written with an index; a visitor's word stands alone, whichever way it is read.
function symbol(name) {
  const [base, index] = name.split("_");
  return h("span", { class: "ab-symbol" }, h("i", {}, base), index === undefined ? "" : h("sub", {}, index));
}
const wordNode = (word) => h("bdi", { class: "ab-word" }, word);
const quoted = (word) => ["“", wordNode(word), "”"];
const shape = (rows, columns) => `${rows} × ${columns}`;

// ---- Numbers. A minus is a minus; nothing is "-0.00"; what is very large or small is written in powers of ten.
const signed = (text) => (Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−"));
const scientific = (value, digits = 1) => signed(value.toExponential(digits).replace("e+", "e").replace(/\.0+e/, "e"));
function short(value) {   // up to six characters
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  if (value !== 0 && (size < 0.005 || size >= 99999.5)) return scientific(value, size < 1 ? 0 : 1);
  if (Number.isInteger(value)) return signed(String(value));
  return signed(value.toFixed(size < 99.995 ? 2 : size < 999.95 ? 1 : 0));
}
const weight = (p) => (p > 0.995 && p < 1 ? p.toFixed(4) : short(p));
function powers(value, digits = 4) {   // for text: 1.1·10^-7, or with so many digits after the point
  if (value !== 0 && Math.abs(value) < 0.5 * 10 ** (1 - digits)) {
    const [mantissa, exponent] = value.toExponential(1).split("e");
    return [`${signed(mantissa)}·10`, h("sup", {}, signed(String(Number(exponent))))];
  }
  return [Math.abs(value) >= 99999.5 ? scientific(value) : signed(Number.isInteger(value) ? String(value) : value.toFixed(digits))];
}
const product = (a, b) => `${short(a)}·${b < 0 ? `(${short(b)})` : short(b)}`;
const products = (a, b) => a.map((value, k) => product(value, b[k])).join(" + ").replace(/\+ −/g, "− ");
const vector = (values, most = 8) => `(${values.slice(0, most).map(short).join(", ")}${values.length > most ? ", …" : ""})`;

// ---- A number field: what can be read counts at once, what can't leaves the last good number, and says what to do.
//   read() -> the number that counts; write(number); remember() -> a function that brings back what counts now; say(sentence)
class NumberField {
  constructor({ label, read, write, remember, say, bounds = {}, text = short, ...rest }) {
    Object.assign(this, { read, write, remember, say, bounds, text, dirty: false });
    this.node = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", class: "ab-field", "aria-label": label, ...rest });
    this.node.addEventListener("focus", () => { this.back = this.remember(); this.node.select(); });
    this.node.addEventListener("input", () => this.type());
    this.node.addEventListener("blur", () => this.leave());
    this.node.addEventListener("keydown", (event) => this.press(event));
  }

  type() {
    this.dirty = true;
    const { value, said, unfinished } = readNumber(this.node.value, this.bounds);
    if (value === undefined && !unfinished) this.node.setAttribute("aria-invalid", "true"); else this.node.removeAttribute("aria-invalid");
    this.say(unfinished ? "" : said);
    if (value !== undefined) this.write(value);
  }

  leave() {
    if (this.dirty) {
      const { value, said } = readNumber(this.node.value, this.bounds);
      if (value === undefined) this.say(said);
    }
    this.dirty = false;
    this.node.removeAttribute("aria-invalid");
    this.draw();
  }

  press(event) {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") { this.leave(); this.node.select(); }
    if (event.key === "Escape" && this.dirty) { this.dirty = false; this.back(); this.leave(); }
    if (!step) return;
    event.preventDefault();
    const next = this.read() + step * (event.shiftKey && !this.bounds.whole ? 0.1 : 1);
    this.node.value = String(Number(next.toFixed(6)));
    this.type();
  }

  draw() {
    if (this.dirty) return;
    const written = this.text(this.read());
    if (this.node.value !== written) this.node.value = written;
  }
}

// ---- A matrix as a heatmap: the colour says sign and size, zero has none. Values stand in the cells where there is room;
// the cell under the pointer or the arrow keys is told to `onLook(row, column)` (null: none). Cells of `edit` can be typed over.
//   edit: { write(row, column, number), remember(), say(sentence) }
class Matrix {
  constructor({ name, label, rows, columns, full, edit, onLook, onRow }) {
    Object.assign(this, { name, label, rows, columns, full, edit, onLook: onLook || (() => {}), onRow, at: [0, 0] });
    this.build();
  }

  build() {
    const corner = h("td", {}), rowNames = this.rows.map((row) => h("th", { scope: "row" }, ...this.rowName(row)));
    this.cells = this.rows.map((_, i) => this.columns.map((_, j) => h("td", { role: "gridcell", tabindex: i || j ? -1 : 0, "data-at": `${i} ${j}` })));
    this.lines = this.cells.map((cells, i) => h("tr", {}, rowNames[i], cells));
    this.table = h("table", { class: `ab-matrix${this.edit ? " ab-editable" : ""}`, role: "grid", "aria-label": this.label },
      h("thead", {}, h("tr", {}, corner, this.columns.map((column) => h("th", { scope: "col" }, ...this.columnName(column))))),
      h("tbody", {}, this.lines));
    this.node = h("figure", { class: "ab-figure" },
      h("figcaption", {}, symbol(this.name), h("span", { class: "ab-shape" }, shape(this.rows.length, this.columns.length))), this.table);
    const cellOf = (event) => { const cell = event.target.closest("[data-at]"); return cell && cell.dataset.at.split(" ").map(Number); };
    this.table.addEventListener("pointerover", (event) => { const at = cellOf(event); if (at) this.onLook(...at); });
    this.table.addEventListener("focusin", (event) => { const at = cellOf(event); if (at) this.onLook(...at); });
    this.table.addEventListener("pointerleave", () => this.onLook(null));
    this.table.addEventListener("keydown", (event) => this.press(event, cellOf(event)));
    this.table.addEventListener("click", (event) => {
      const at = cellOf(event);
      if (!at) return;
      this.move(...at);
      if (this.edit) this.open(...at); else if (this.onRow) this.onRow(at[0]);
    });
  }

  rowName(row) {
    if (!row.word) return [h("span", { class: "ab-index" }, row.text)];
    if (!this.onRow) return [wordNode(row.word)];
    const button = h("button", { type: "button", class: "ab-rowname", tabindex: -1, title: row.word }, wordNode(row.word));
    button.addEventListener("click", () => this.onRow(row.index));
    return [button];
  }

  columnName(column) { return [column.word ? h("span", { class: "ab-columnword", title: column.word }, wordNode(column.word)) : h("span", { class: "ab-index" }, column.text)]; }

  press(event, at) {
    if (!at || this.editor) return;
    const [i, j] = at, way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -j], End: [0, this.columns.length] }[event.key];
    if (way) {
      event.preventDefault();
      this.move(Math.min(this.rows.length - 1, Math.max(0, i + way[0])), Math.min(this.columns.length - 1, Math.max(0, j + way[1])));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (this.edit) this.open(i, j); else if (this.onRow) this.onRow(i);
    }
  }

  move(i, j) {
    this.cell(...this.at).tabIndex = -1;
    this.at = [i, j];
    this.cell(i, j).tabIndex = 0;
    this.cell(i, j).focus({ preventScroll: true });
  }

  cell(i, j) { return this.cells[i][j]; }

  open(i, j) {
    if (this.editor) return;
    const cell = this.cell(i, j);
    const field = new NumberField({ label: `${this.label}, row ${i + 1}, column ${j + 1}`, read: () => this.values[i][j],
      write: (value) => this.edit.write(i, j, value), remember: this.edit.remember, say: this.edit.say, bounds: {}, text: (value) => String(value) });
    const close = (focus) => {
      if (!this.editor) return;
      this.editor = null;
      field.node.remove();
      if (focus) cell.focus({ preventScroll: true });
    };
    field.node.classList.add("ab-over");
    field.node.style.left = `${cell.offsetLeft + cell.offsetWidth / 2}px`;
    field.node.style.top = `${this.table.offsetTop + cell.offsetTop + cell.offsetHeight / 2}px`;
    field.node.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" || event.key === "Escape") close(true);
    });
    field.node.addEventListener("blur", () => close(false));
    this.editor = field;
    this.node.append(field.node);
    field.draw();
    field.node.focus({ preventScroll: true });
  }

  // values (rows, columns); size: a cell's width in pixels; numbers: write them even so; typed(i, j): a visitor typed it; row: the one
  // to mark, or -1; weights: written as such
  show(values, { size, typed = () => false, row = -1, weights = false, numbers = false }) {
    const finite = values.flat().filter(Number.isFinite), full = this.full || Math.max(1e-12, ...finite.map(Math.abs)), roomy = numbers || size >= Matrix.ROOMY;
    this.values = values;
    this.node.style.setProperty("--cell", `${size}px`);
    this.table.classList.toggle("ab-roomy", roomy);
    this.table.classList.toggle("ab-tight", size < 16);
    this.lines.forEach((line, i) => line.classList.toggle("ab-row", i === row));
    values.forEach((line, i) => line.forEach((value, j) => {
      const cell = this.cells[i][j], written = weights ? weight(value) : short(value), own = typed(i, j);
      const share = Number.isFinite(value) ? Math.min(1, Math.abs(value) / full).toFixed(3) : "0", now = `${written} ${share} ${own} ${roomy}`;
      if (cell.drawn === now) return;   // most edits leave most cells as they are
      cell.drawn = now;
      cell.className = value === -Infinity ? "ab-masked" : value < 0 ? "ab-minus" : "ab-plus";
      if (own) cell.classList.add("ab-typed");
      cell.style.setProperty("--size", share);
      cell.textContent = roomy ? written : "";
      cell.setAttribute("aria-label", own ? `${written}, typed` : written);
    }));
  }

  // Mark what a sum takes: one row, one column, or a cell of both.
  light(i, j) {
    this.cells.forEach((cells, a) => cells.forEach((cell, b) => {
      cell.classList.toggle("ab-lit", i !== undefined && (i === null || i === a) && (j === null || j === b));
    }));
  }
}
Matrix.ROOMY = 36;

// A matrix no larger than a thumbnail.
class Thumbnail {
  constructor() { this.node = svg("svg", { class: "ab-thumb", "aria-hidden": "true", preserveAspectRatio: "none" }); }

  show(values, full) {
    const rows = values.length, columns = values[0].length, finite = values.flat().filter(Number.isFinite);
    const most = full || Math.max(1e-12, ...finite.map(Math.abs));
    if (this.shape !== shape(rows, columns)) {
      this.shape = shape(rows, columns);
      this.node.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
      this.node.style.setProperty("--columns", columns);
      this.node.style.setProperty("--rows", rows);
      this.rects = values.map((row, i) => row.map((_, j) => svg("rect", { x: j, y: i, width: 1.02, height: 1.02 })));
      this.node.replaceChildren(...this.rects.flat());
    }
    values.forEach((row, i) => row.forEach((value, j) => {
      const rect = this.rects[i][j], kind = value === -Infinity ? "ab-masked" : value < 0 ? "ab-minus" : "ab-plus";
      const share = Number.isFinite(value) ? Math.min(1, Math.abs(value) / most).toFixed(2) : "0.5";
      if (rect.drawn === kind + share) return;
      rect.drawn = kind + share;
      rect.setAttribute("class", kind);
      rect.setAttribute("fill-opacity", share);
    }));
  }
}

// ---- The stepper: Back, a button a step, Next; arrow keys walk. `whole`: step 0 shows everything at once.
class Stepper {
  constructor({ label, whole = false, onStep }) {
    Object.assign(this, { whole, onStep, steps: [], at: whole ? 0 : 1 });
    this.back = h("button", { type: "button", class: "ab-button" }, "◀ Back");
    this.next = h("button", { type: "button", class: "ab-button" }, "Next ▶");
    this.back.addEventListener("click", () => this.go(this.at - 1));
    this.next.addEventListener("click", () => this.go(this.at + 1));
    this.list = h("ol", { class: "ab-steps" });
    this.count = h("span", { class: "ab-count" });
    this.node = h("div", { class: "ab-stepper", role: "group", "aria-label": label }, this.back, this.list, this.next, this.count);
    this.node.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 1, End: this.steps.length }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const onList = this.list.contains(document.activeElement);
      this.go(to);
      if (onList && this.at) this.buttons[this.at - 1].focus({ preventScroll: true });
    });
  }

  // steps: [{ id, name: nodes, spoken }]. The step that is shown stays the same one where it is still among them.
  show(steps) {
    const now = this.steps[this.at - 1];
    this.steps = steps;
    this.buttons = steps.map(({ name, spoken }, i) => {
      const button = h("button", { type: "button", class: "ab-step", "aria-label": `Step ${i + 1}: ${spoken}` }, ...name);
      button.addEventListener("click", () => this.go(i + 1));
      return button;
    });
    this.list.replaceChildren(...this.buttons.map((button) => h("li", {}, button)));
    const same = now ? steps.findIndex(({ id }) => id === now.id) + 1 : this.at;
    this.at = Math.min(steps.length, Math.max(this.whole ? 0 : 1, same || this.at));
    this.draw();
  }

  go(to) {
    const at = Math.min(this.steps.length, Math.max(this.whole ? 0 : 1, to));
    if (at === this.at) return;
    this.at = at;
    this.draw();
    this.onStep(at);
  }

  draw() {
    this.buttons.forEach((button, i) => {
      if (i + 1 === this.at) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    });
    this.list.classList.toggle("ab-walking", this.at > 0);
    for (const [button, off] of [[this.back, this.at === (this.whole ? 0 : 1)], [this.next, this.at === this.steps.length]])
      button.setAttribute("aria-disabled", String(off));
    this.count.textContent = this.at ? `${this.at} / ${this.steps.length}` : `${this.steps.length} steps`;
  }
}

// ---- The softmax of one query with and without the division, side by side, and its slope p (1 - p).
class Saturation {
  constructor() { this.node = h("section", { class: "ab-saturation" }); }

  // words; scores of the chosen query, -Infinity where masked; divisor sqrt(d_k); scaled: which of both is in use
  show({ words, scores, divisor, scaled }) {
    const both = window.AttentionSum.saturation(scores, divisor), seen = scores.map(Number.isFinite);
    const group = (text, used) => h("th", { scope: "colgroup", colspan: 3, class: used ? "ab-used" : "" }, ...text, h("span", { class: "ab-tag" }, used ? " in use" : ""));
    const heads = () => [h("th", { scope: "col" }, "input"), h("th", { scope: "col" }, "weight ", h("i", {}, "p")), h("th", { scope: "col" }, h("i", {}, "p"), "(1−", h("i", {}, "p"), ")")];
    const bar = (share, kind) => h("span", { class: "ab-track" }, h("span", { class: kind, style: `width:${(100 * share).toFixed(2)}%` }));
    const side = ({ inputs, weights, slopes }, j) => [h("td", { class: "ab-input" }, short(inputs[j])),
      h("td", {}, ...powers(weights[j]), seen[j] ? bar(weights[j], "ab-weight") : ""), h("td", {}, ...powers(slopes[j]), seen[j] ? bar(4 * slopes[j], "ab-slope") : "")];
    const rows = words.map((word, j) => h("tr", { class: seen[j] ? "" : "ab-unseen" }, h("th", { scope: "row", title: word }, wordNode(word)), side(both.divided, j), side(both.undivided, j)));
    const columns = h("colgroup", {}, h("col", { class: "ab-col-word" }), [1, 2].flatMap(() => [h("col", { class: "ab-col-input" }), h("col"), h("col")]));
    const table = h("table", { class: "ab-compare" }, columns,
      h("thead", {}, h("tr", {}, h("td"), group(["÷ √", h("i", {}, "d"), h("sub", {}, "k"), ` = ${short(divisor)}`], scaled), group(["not divided"], !scaled)), h("tr", {}, h("th", { scope: "col" }, "word"), heads(), heads())),
      h("tbody", {}, rows));
    this.node.replaceChildren(h("h4", {}, "Why divide? The softmax, and its slope"), table, h("p", { class: "ab-sentence" }, ...this.sentence(words, both, seen, divisor)));
  }

  sentence(words, { divided, undivided }, seen, divisor) {
    const top = divided.weights.indexOf(Math.max(...divided.weights)), gain = divided.slopes[top] / divisor, bare = undivided.slopes[top];
    if (seen.filter(Boolean).length === 1) return [...quoted(words[top]), " sees only itself: its weight is 1 whatever its score, and the slope is 0."];
    const moved = ["Per point of its score, the weight of ", ...quoted(words[top]), " moves by ", ...powers(gain), " when divided, by ", ...powers(bare), " when not"];
    if (bare < 1e-3 && bare < gain / 10) return [...moved, ": undivided, the softmax is saturated and its gradient has vanished, so q and k would learn next to nothing."];
    if (gain < 1e-3 && bare < 1e-3) return [...moved, ": the scores lie so far apart that the softmax is saturated either way."];
    return [...moved, ". Neither is saturated: with larger scores the undivided one would be."];
  }
}

// "z = 0.88 v1 + 0.12 v2 = ..." as nodes; names[j] are nodes of v_j.
function writtenSum({ z, weights, names, vectors, result, most }) {
  const seen = weights.map((p, j) => j).filter((j) => weights[j] !== 0), plus = (parts) => parts.flatMap((part, at) => (at ? [h("span", { class: "ab-plus-sign" }, " + "), part] : [part]));
  const term = (j, of) => h("span", { class: "ab-term" }, h("b", {}, weight(weights[j])), " ", ...of);
  const line = (...parts) => h("div", { class: "ab-line" }, ...parts);
  if (!seen.length) return [line(...z, " = ", h("b", { class: "ab-result" }, vector(result, 16)))];
  const full = seen.length * vectors[0].length <= most ? [line("= ", ...plus(seen.map((j) => term(j, [vector(vectors[j])]))))] : [];
  return [line(...z, " = ", ...plus(seen.map((j) => term(j, names[j])))), ...full, line("= ", h("b", { class: "ab-result" }, vector(result, 16)))];
}

window.AttentionParts = { h, symbol, wordNode, quoted, shape, short, weight, signed, powers, products, vector, NumberField, Matrix, Thumbnail, Stepper, Saturation, writtenSum };
})();
