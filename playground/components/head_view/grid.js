// All heads of all layers as small heat maps: one row a layer, one column a head. One stop of the Tab key, arrow keys inside.
//
//   const grid = new HeadGrid(element, { onHead(head, adds), onLayer(layer) });
//   grid.show(view, data, kept, rescale, ramp, side)      paints the heat maps
//   grid.mark(chosen, silenced, dimmed)             marks some of them; paints nothing
(() => {
const W = window.HeadWeights, { h } = W;
// CSS pixels: of a heat map (below WORDY there is only room for the mark), and what stands around it.
const WORDY = 42, LARGEST = 92, SMALLEST = 16, GAP = 4, AXIS = 22, WORDS = 31, MARK = 13;

// As large as there is room for so many heads and layers.
function sideOf({ layers, heads }, width, height) {
  const across = Math.floor((width - AXIS) / heads) - GAP, down = (words) => Math.floor((height - AXIS) / layers) - GAP - words;
  const wordy = Math.min(LARGEST, across, down(WORDS));
  return wordy >= WORDY ? wordy : Math.max(SMALLEST, Math.min(WORDY - 1, across, down(MARK)));
}
const widthOf = ({ heads }, side) => AXIS + heads * (side + GAP);


class HeadGrid {
  constructor(root, options) {
    Object.assign(this, { root, options, cells: new Map(), shape: "", at: [0, 0], drawn: 0, combining: false });
    root.classList.add("hv-grid");
    root.setAttribute("role", "grid");
    root.setAttribute("aria-multiselectable", "true");
    root.setAttribute("aria-label", "Heads: one row a layer, one column a head. Arrow keys choose a head; left of the first one is its whole layer.");
    root.addEventListener("click", (event) => this.press(event.target.closest("[data-at]"), event));
    root.addEventListener("keydown", (event) => this.key(event));
  }

  show(view, data, kept, rescale, ramp, width) {
    this.build(view, width);
    const size = view.rows.length * view.columns.length, across = view.columns.length, side = this.side;
    const pixels = new ImageData(side, side), words = new Uint32Array(pixels.data.buffer);
    for (let layer = 0; layer < view.layers; layer++) for (let head = 0; head < view.heads; head++) {
      const canvas = this.cells.get(`${layer},${head}`).canvas;
      W.thumbnail(data, (layer * view.heads + head) * size, across, kept, rescale, side, ramp, words);
      if (canvas.width !== side) canvas.width = canvas.height = side;
      canvas.getContext("2d").putImageData(pixels, 0, 0);
    }
    this.drawn += 1;
  }

  // The cells stay as long as there are as many.
  build(view, width) {
    const wordy = width >= WORDY, shape = [view.layers, view.heads, width].join();
    this.side = Math.round(width * Math.min(2, window.devicePixelRatio || 1));
    if (shape !== this.shape) {
      this.shape = shape;
      this.layers = view.layers; this.heads = view.heads;
      this.root.classList.toggle("hv-small", !wordy);
      this.root.style.gridTemplateColumns = `18px repeat(${view.heads}, ${width}px)`;
      this.cells.clear();
      const numbers = Array.from({ length: view.heads }, (_, k) => h("span", { role: "columnheader", "aria-label": `head ${k + 1}` }, String(k + 1)));
      const first = h("div", { role: "row" }, h("span", { role: "columnheader", "aria-label": "whole layer" }), numbers);
      this.root.replaceChildren(first, ...Array.from({ length: view.layers }, (_, layer) => this.row(layer, view.heads)));
      this.at = [Math.min(this.at[0], view.layers - 1), Math.min(this.at[1], view.heads - 1)];
    }
    for (const cell of this.cells.values()) this.label(cell, view, wordy);
  }

  row(layer, heads) {
    const whole = h("span", { role: "rowheader", class: "hv-layer", tabindex: -1, "data-at": `${layer},-1`, title: `All heads of layer ${layer + 1}`, "aria-label": `Layer ${layer + 1}: all of its heads` }, String(layer + 1));
    return h("div", { role: "row" }, whole, Array.from({ length: heads }, (_, head) => {
      const canvas = h("canvas", { "aria-hidden": "true" }), number = h("span", { class: "hv-number" }), word = h("span", { class: "hv-role" });
      const node = h("span", { role: "gridcell", class: "hv-head", tabindex: -1, "data-at": `${layer},${head}` }, h("span", { class: "hv-map" }, canvas), h("span", { class: "hv-words" }, number, word));
      this.cells.set(`${layer},${head}`, { layer, head, node, canvas, number, word });
      return node;
    }));
  }

  label(cell, view, wordy) {
    const role = view.roles?.[cell.layer]?.[cell.head], [sign, word] = W.mark(role), called = W.name([cell.layer, cell.head]);
    const [said] = W.does(role);
    cell.said = `Head ${called}${said ? `: ${said}` : ""}`;
    cell.number.textContent = wordy ? called : "";
    cell.word.textContent = wordy ? `${sign} ${word}`.trim() : sign;
    cell.node.title = cell.said;
  }

  mark(chosen, silenced, dimmed) {
    const picked = new Set(chosen.map(String));
    for (const [key, cell] of this.cells) {
      const quiet = silenced.has(key);
      cell.node.setAttribute("aria-selected", String(!dimmed && picked.has(key)));
      cell.node.classList.toggle("hv-quiet", quiet);
      cell.node.setAttribute("aria-label", `${cell.said}${quiet ? ", silenced" : ""}`);
    }
    this.root.classList.toggle("hv-dimmed", dimmed);
    if (chosen.length === 1 && this.at[1] >= 0) this.at = [...chosen[0]];
    this.rove(false);
  }

  rove(focuses) {
    for (const node of this.root.querySelectorAll("[data-at]")) {
      const here = node.dataset.at === this.at.join();
      node.tabIndex = here ? 0 : -1;
      if (here && focuses) node.focus();
    }
  }

  press(node, event) {
    if (!node) return;
    this.at = node.dataset.at.split(",").map(Number);
    this.choose(event.shiftKey || event.ctrlKey || event.metaKey);
    this.rove(true);
  }
  choose(adds) {
    if (this.at[1] < 0) this.options.onLayer(this.at[0]); else this.options.onHead([...this.at], adds);
  }

  // Arrow keys choose where they go; while heads are combined they only go there, and the space bar chooses.
  key(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const adds = event.shiftKey || event.ctrlKey || event.metaKey;
    if (event.key === "Enter" || event.key === " ") this.choose(adds);
    else if (event.key === "Home") this.at = [0, 0];
    else if (event.key === "End") this.at = [this.layers - 1, this.heads - 1];
    else if (step) this.at = [Math.min(this.layers - 1, Math.max(0, this.at[0] + step[0])), Math.min(this.heads - 1, Math.max(-1, this.at[1] + step[1]))];
    else return;
    event.preventDefault();
    if (event.key !== "Enter" && event.key !== " " && !adds && !this.combining && this.at[1] >= 0) this.choose(false);
    this.rove(true);
  }
}
Object.assign(HeadGrid, { sideOf, widthOf });
window.HeadGrid = HeadGrid;
})();
