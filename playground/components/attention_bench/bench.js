// Attention by hand: the lecture's table and a sentence of one's own, one of them shown.
//
//   const bench = new AttentionBench(root);
//   bench.show({ lecture: { words, x, w_q, w_k, w_v, d_k }, sentence })
//   bench.table.sums, bench.sentence.inputs, bench.sentence.sums     every number that is shown
(() => {
const { h } = window.AttentionParts;
const PARTS = [["table", "The lecture's table"], ["sentence", "Your own sentence"]];

class AttentionBench {
  constructor(root) {
    this.root = root;
    root.classList.add("ab");
  }

  show(given) {
    this.areas = Object.fromEntries(PARTS.map(([name]) => [name, h("div", { class: `ab-part ab-${name}-part` })]));
    this.buttons = PARTS.map(([name, label]) => {
      const button = h("button", { type: "button", class: "ab-button" }, label);
      button.addEventListener("click", () => this.open(name));
      return button;
    });
    this.root.replaceChildren(h("div", { class: "ab-choice ab-parts", role: "group", "aria-label": "What is summed" }, this.buttons), ...Object.values(this.areas));
    this.table = new AttentionTable(this.areas.table);
    this.sentence = new AttentionSentence(this.areas.sentence);
    this.table.show(given.lecture);
    this.sentence.show(given);
    this.open("table");
  }

  open(part) {
    PARTS.forEach(([name], at) => {
      this.areas[name].hidden = name !== part;
      this.buttons[at].setAttribute("aria-pressed", String(name === part));
    });
    if (part === "sentence") this.sentence.draw();   // its width is known only now
    this.root.dataset.part = part;
  }
}
window.AttentionBench = AttentionBench;
})();
