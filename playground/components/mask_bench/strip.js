// One picture at several ratios: masked, and with what the model paints in its place.
//
//   const strip = new RatioStrip(root);
//   strip.show({ side, normalised, columns: [{ hidden: "0110…", error }], sheet })   or null: a sentence
(() => {
const P = window.MaskPixels, { h } = P;

class RatioStrip {
  constructor(root) {
    Object.assign(this, { root, given: null, sheet: null, coming: 0, drawn: 0 });
    root.classList.add("mb", "mb-strip");
    this.empty = h("p", { class: "mb-empty" }, "The same picture at several ratios appears here.");
    this.list = h("div", { class: "mb-ratios", role: "group", "aria-label": root.dataset.label || "" });
    this.note = h("p", { class: "mb-note" });
    root.replaceChildren(this.empty, this.list, this.note);
    P.follow(root, () => this.draw());
  }

  show(given) {
    const coming = ++this.coming;
    if (!given) { this.given = null; this.empty.hidden = false; this.list.hidden = this.note.hidden = true; return; }
    P.decode(given.sheet).then((sheet) => { if (coming === this.coming) this.take(given, sheet); });
  }

  take(given, sheet) {
    Object.assign(this, { given, sheet });
    this.empty.hidden = true;
    this.list.hidden = this.note.hidden = false;
    while (this.list.children.length > given.columns.length) this.list.lastChild.remove();
    while (this.list.children.length < given.columns.length) this.list.append(this.column());
    given.columns.forEach((column, k) => this.name(this.list.children[k], column));
    this.note.textContent = given.normalised ? "Left the masked picture, right the reconstruction: visible patches are copied, painted ones are normalised; brightness and contrast of each patch were not asked for."
      : "Left the masked picture, right the reconstruction; visible patches are copied, not predicted. The error is that of the hidden patches.";
    this.draw();
  }

  column() {
    const canvas = () => h("canvas", { class: "mb-canvas", role: "img" });
    return h("figure", { class: "mb-ratio" }, h("figcaption", { class: "mb-title" }), h("div", { class: "mb-pair" }, canvas(), canvas()), h("p", { class: "mb-caption" }));
  }
  name(node, { hidden, error }) {
    const share = P.percent(P.counted(hidden), hidden.length), [masked, painted] = node.querySelectorAll("canvas");
    node.firstChild.textContent = `${share} hidden`;
    masked.setAttribute("aria-label", `Masked, ${share} hidden`);
    painted.setAttribute("aria-label", `Reconstruction, ${share} hidden`);
    node.lastChild.textContent = error === null ? "no error: nothing is hidden" : `error ${P.figure(error)}`;
  }

  draw() {
    const { given, sheet } = this;
    if (!given || !this.list.clientWidth) return;
    const ink = P.inkOf(this.root), { side } = given;
    given.columns.forEach((column, k) => {
      const hidden = Array.from(column.hidden, Number), [masked, painted] = this.list.children[k].querySelectorAll("canvas");
      const left = P.pen(masked), right = P.pen(painted);
      if (!left || !right || !sheet) return;
      P.put(left, sheet, 0, 0, 0, masked.width);
      P.cover(left, hidden, side, 0, 0, masked.width, ink);
      P.put(right, sheet, k + 1, 0, 0, painted.width);
      P.copyVisible(right, sheet, 0, hidden, side, 0, 0, painted.width);
    });
    this.root.dataset.drawn = String(++this.drawn);
  }
}
window.RatioStrip = RatioStrip;
})();
