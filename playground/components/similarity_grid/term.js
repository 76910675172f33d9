// One term of NT-Xent written out: the formula with its numbers, then what each other view weighs and how it is moved.
//
//   const view = new NtTerm(root, thumbnail);          thumbnail(k, size) makes a picture of view k
//   view.show({ names, i, positive, focus, similarities, temperature, exps, weights, gradient, term })
//       numbers of the row of view i, each (2N,) but for `temperature` and `term`
(() => {
const WRITTEN = 3, LISTED = 7;   // exponentials in a sum, rows in the table: the rest is summed up

function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.flat());
  return node;
}
const plain = (name) => `${name.base} ${name.index}${name.prime ? " prime" : ""}`;
const label = (name) => h("span", { class: "nt-name" }, name.base, h("sub", {}, String(name.index)), name.prime ? "′" : "");

// ---- Numbers. A minus is a minus; nothing is "-0.00"; what is large or small is written in powers of ten.
const signed = (text) => (Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−"));
const fixed = (value, digits = 2) => signed(value.toFixed(digits));
const short = (value) => signed(String(Number(value.toPrecision(2))));
function powers(value) {
  const size = Math.abs(value);
  if (value === 0) return ["0"];
  if (size >= 1000 || size < 0.01) {
    const [mantissa, exponent] = value.toExponential(1).split("e");
    return [`${signed(mantissa)}·10`, h("sup", {}, signed(String(Number(exponent))))];
  }
  return [signed(value.toPrecision(3))];
}
const loss = (value) => fixed(value, value < 9.9995 ? 3 : value < 99.995 ? 2 : 1);
const share = (p) => (p > 0 && p < 0.005 ? "< 1 %" : `${Math.round(100 * p)} %`);

const fraction = (top, bottom) => h("span", { class: "nt-fraction" }, h("span", {}, top), h("span", {}, bottom));
const joined = (parts, sign) => parts.flatMap((part, at) => (at ? [h("span", { class: "nt-sign" }, sign), part] : [part]));

class NtTerm {
  constructor(root, thumbnail) {
    Object.assign(this, { root, thumbnail });
  }

  show(view) {
    this.view = view;
    this.others = view.names.map((_, k) => k).filter((k) => k !== view.i);
    const few = this.others.length <= WRITTEN;
    this.byWeight = this.others.slice().sort((a, b) => view.weights[b] - view.weights[a]);
    const first = [view.positive, ...this.byWeight.filter((k) => k !== view.positive)];
    this.written = few ? this.others : first.slice(0, WRITTEN);
    this.listed = few ? this.others : this.withFocus(first.slice(0, LISTED));
    this.root.replaceChildren(this.formula(), this.table());
  }

  withFocus(listed) {
    const { focus, i } = this.view;
    return focus === i || listed.includes(focus) ? listed : [...listed.slice(0, -1), focus];
  }

  kind(k) { return `${k === this.view.positive ? "nt-positive" : "nt-negative"}${k === this.view.focus ? " nt-focus" : ""}`; }

  formula() {
    const { names, i, positive, temperature, similarities, exps, weights, term } = this.view;
    const rest = this.others.filter((k) => !this.written.includes(k));
    const power = (k) => h("span", { class: `nt-number ${this.kind(k)}` }, "e", h("sup", {}, `${fixed(similarities[k])}/${short(temperature)}`));
    const number = (k) => h("span", { class: `nt-number ${this.kind(k)}` }, powers(exps[k]));
    const restSum = rest.reduce((sum, k) => sum + exps[k], 0);
    const restPart = rest.length ? [h("span", { class: "nt-number nt-negative" }, powers(restSum), h("small", {}, ` (${rest.length} more)`))] : [];
    const s = (j) => h("span", {}, "e", h("sup", {}, h("i", {}, "s"), h("sub", {}, j), "/τ"));
    const said = `The term of ${plain(names[i])} and ${plain(names[positive])}: minus the logarithm of `
      + `${fixed(weights[positive], 3)} is ${loss(term)}.`;
    return h("div", { class: "nt-formula", role: "group", "aria-label": said },
      h("div", { class: "nt-line" }, h("span", {}, "ℓ(", label(names[i]), ", ", label(names[positive]), ") = −log"),
        fraction([s("ij")], [h("span", { class: "nt-sum" }, "Σ", h("sub", {}, "k≠i")), s("ik")])),
      h("div", { class: "nt-line" }, h("span", {}, "= −log"),
        fraction([power(positive)], joined([...this.written.map(power), ...(rest.length ? ["…"] : [])], "+"))),
      h("div", { class: "nt-line" }, h("span", {}, "= −log"),
        fraction([number(positive)], joined([...this.written.map(number), ...restPart], "+"))),
      h("div", { class: "nt-line" }, h("span", {}, "= −log ", powers(weights[positive])), h("span", {}, "= ", h("b", { class: "nt-result" }, loss(term)))));
  }

  table() {
    const { names, weights, gradient, similarities, temperature, positive } = this.view;
    const rest = this.others.filter((k) => !this.listed.includes(k));
    const head = h("tr", {}, h("th", { scope: "col" }, h("i", {}, "k")), h("th", { scope: "col" }, "cosine"),
      h("th", { scope: "col", colspan: 2 }, "weight ", h("i", {}, "p")),
      h("th", { scope: "col", colspan: 2 }, "gradient ∂ℓ/∂", h("i", {}, "s")));
    const line = (kind, head, cosine, weight, slope) => h("tr", { class: kind }, h("th", { scope: "row" }, ...head),
      h("td", {}, cosine),
      h("td", { class: "nt-bar" }, h("span", { class: "nt-weight", style: `width:${100 * weight}%` })),
      h("td", { class: "nt-figure" }, fixed(weight, 3)),
      h("td", { class: "nt-bar" }, this.slope(slope, temperature)),
      h("td", { class: "nt-figure" }, fixed(slope, Math.abs(slope) < 10 ? 2 : 1)));
    const total = (values) => rest.reduce((sum, k) => sum + values[k], 0);
    const rows = this.listed.map((k) => line(this.kind(k), [this.thumbnail(k, 24), label(names[k]), h("small", {}, k === positive ? "positive" : "")],
      fixed(similarities[k]), weights[k], gradient[k]));
    if (rest.length) rows.push(line("nt-negative nt-rest", [h("small", {}, `${rest.length} more`)], "", total(weights), total(gradient)));
    const columns = h("colgroup", {}, ["view", "cosine", "bar", "weight", "bar", "slope"].map((name) => h("col", { class: `nt-col-${name}` })));
    return h("table", { class: "nt-table" }, columns, h("thead", {}, head), h("tbody", {}, rows),
      h("tfoot", {}, h("tr", {}, h("td", { colspan: 2 }), h("td", { colspan: 2 }, "sum to 1"),
        h("td", { colspan: 2 }, h("span", { class: "nt-pulls" }, "◀ closer"), h("span", { class: "nt-pushes" }, "apart ▶")))));
  }

  // From the middle to the left: a step brings the two closer; to the right: it drives them apart. Full: 1/tau.
  slope(value, temperature) {
    const size = 50 * Math.min(1, Math.abs(value) * temperature);
    const style = value < 0 ? `right:50%;width:${size}%` : `left:50%;width:${size}%`;
    return h("span", { class: "nt-slope" }, h("span", { class: value < 0 ? "nt-pull" : "nt-push", style }));
  }
}

// ---- What a number means, in one sentence: an array of texts and names.
const negatives = (view) => view.names.map((_, k) => k).filter((k) => k !== view.i && k !== view.positive);

// Each negative's part of what all negatives weigh; summed anew, because at tau = 0.01 their weights may vanish.
function negativeShares(view) {
  const ks = negatives(view), scaled = ks.map((k) => view.similarities[k] / view.temperature), top = Math.max(...scaled);
  const exps = scaled.map((x) => Math.exp(x - top)), sum = exps.reduce((a, b) => a + b, 0);
  return new Map(ks.map((k, at) => [k, exps[at] / sum]));
}
const heaviest = (view) => negatives(view).reduce((best, k) => (view.similarities[k] > view.similarities[best] ? k : best), negatives(view)[0]);

function ofCosine(view) {
  const { names, i, positive, focus, similarities, gradient } = view;
  const ks = negatives(view), count = ks.length + 1, equal = ks.every((k) => Math.abs(similarities[k] - similarities[positive]) < 1e-9);
  if (equal) return [`All others are equally similar: each weighs 1/${count}, and the term is log ${count} = ${fixed(Math.log(count), 3)} at any temperature.`];
  const pair = [label(names[i]), " and ", label(names[focus])];
  if (focus === positive)
    return ["The more similar ", ...pair, ` are, the smaller this term: 0.01 more cosine takes `, ...powers(Math.abs(gradient[focus]) / 100), " off it."];
  const shares = negativeShares(view), top = heaviest(view), rival = ks.find((k) => k !== focus && similarities[k] === similarities[focus]);
  const weighs = ["The more similar ", ...pair, " are, the larger this term: ", label(names[focus]), ` carries ${share(shares.get(focus))} of what the negatives weigh`];
  const most = `${shares.get(top) > 0.5 ? "most of it" : "the largest part"}: ${share(shares.get(top))}.`;
  if (similarities[focus] < similarities[top]) return [...weighs, ", ", label(names[top]), ` ${most}`];
  return rival === undefined ? [...weighs, ", more than any other."] : [...weighs, ", as much as ", label(names[rival]), "."];
}

function ofTemperature(view) {
  const top = heaviest(view), shares = negativeShares(view);
  return [`At τ = ${short(view.temperature)} `, label(view.names[top]), `, the most similar negative, carries ${share(shares.get(top))} of what the negatives weigh; `
    + "the larger τ, the more alike they count."];
}

Object.assign(NtTerm, { h, label, plain, fixed, short, loss, ofCosine, ofTemperature, heaviest });
window.NtTerm = NtTerm;
})();
