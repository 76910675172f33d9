// Attention by hand (Vaswani et al., 2017, equation 1 and section 3.2.2): the sums of backends/attention/by_hand.py, for
// numbers that are being edited. Pure functions on arrays of rows; no page, no state.
(() => {
const LIMIT = 1e6;              // a typed number lies within +-LIMIT, so that every sum stays finite
const MAX_WORDS = 10, MAX_WORD_CHARACTERS = 40, MAX_CHARACTERS = 100000;

// ---- Matrices
const multiply = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
const transposed = (a) => a[0].map((_, j) => a.map((row) => row[j]));
const columns = (a, from, to) => a.map((row) => row.slice(from, to));
const mapped = (a, change) => a.map((row, i) => row.map((value, j) => change(value, i, j)));

// ---- Softmax of a row; the largest is taken off first, so that no power overflows. -Infinity gets exactly 0.
function softmax(row) {
  const top = Math.max(...row), powers = row.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
// The derivative of each weight by its own input, p (1 - p); 1 - p is summed from the others, exact however small it is.
const slopes = (weights) => weights.map((p, j) => p * weights.reduce((sum, other, i) => (i === j ? sum : sum + other), 0));
const causalMask = (size) => Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => (j > i ? -Infinity : 0)));

// What one head makes of its queries, keys (T, d_head) and values.
function head(queries, keys, values, { causal, scaled }) {
  const divisor = scaled ? Math.sqrt(queries[0].length) : 1;
  const scores = multiply(queries, transposed(keys)), divided = mapped(scores, (score) => score / divisor);
  const masked = mapped(divided, (score, i, j) => (causal && j > i ? -Infinity : score));
  const weights = masked.map(softmax);
  return { queries, keys, values, scores, scaled: divided, masked, weights, gradient: mapped(weights.map(slopes), (slope) => slope / divisor),
    z: multiply(weights, values) };
}

// Multi-head attention of x (T, d) with weights (d, d): head h takes the columns h d/heads to (h + 1) d/heads.
// Every intermediate by its name in `by_hand.Attended`; those of the heads are (heads, T, ...).
function attention({ x, w_q, w_k, w_v, w_o, heads, causal, scaled }) {
  const width = w_q[0].length / heads, all = [w_q, w_k, w_v].map((weights) => multiply(x, weights));
  const each = Array.from({ length: heads }, (_, h) => head(...all.map((rows) => columns(rows, h * width, (h + 1) * width)), { causal, scaled }));
  const concatenated = x.map((_, i) => each.flatMap((one) => one.z[i]));
  const named = Object.fromEntries(Object.keys(each[0]).map((name) => [name, each.map((one) => one[name])]));
  return { ...named, concatenated, output: multiply(concatenated, w_o) };
}

// The lecture's table. Every number after x may be typed over: `typed` holds it under its `key`, and what follows is summed from it.
// q, k and v have d_k numbers; those that are not in the arrays are zeros.
const key = (name, ...at) => [name, ...at].join(" ");
function table({ x, w_q, w_k, w_v, d_k, scaled, causal }, typed) {
  const or = (derived, name, ...at) => (typed.has(key(name, ...at)) ? typed.get(key(name, ...at)) : derived);
  const derived = { q: multiply(x, w_q), k: multiply(x, w_k), v: multiply(x, w_v) };
  const [q, k, v] = ["q", "k", "v"].map((name) => mapped(derived[name], (value, i, d) => or(value, name, i, d)));
  const divisor = scaled ? Math.sqrt(d_k) : 1;
  derived.scores = multiply(q, transposed(k));
  const scores = mapped(derived.scores, (score, i, j) => or(score, "scores", i, j));
  derived.scaled = mapped(scores, (score) => score / divisor);
  const divided = mapped(derived.scaled, (score, i, j) => or(score, "scaled", i, j));
  const masked = mapped(divided, (score, i, j) => (causal && j > i ? -Infinity : score));
  derived.weights = masked.map(softmax);
  const weights = mapped(derived.weights, (p, i, j) => (masked[i][j] === -Infinity ? 0 : or(p, "weights", i, j)));
  derived.weighted = weights.map((row) => row.map((p, j) => v[j].map((value) => p * value)));
  const weighted = derived.weighted.map((row, i) => row.map((vector, j) => vector.map((value, d) => or(value, "weighted", i, j, d))));
  const z = weighted.map((vectors) => vectors[0].map((_, d) => vectors.reduce((sum, vector) => sum + vector[d], 0)));
  return { x, q, k, v, scores, scaled: divided, masked, weights, weighted, z, derived };
}

// One row of scores, softmax with and without the division.
function saturation(scores, divisor) {
  const of = (inputs) => { const weights = softmax(inputs); return { inputs, weights, slopes: slopes(weights) }; };
  return { divided: of(scores.map((score) => score / divisor)), undivided: of(scores) };
}

// ---- Numbers drawn by a seed: FNV-1a makes a state of a name, mulberry32 uniform numbers of it, Box and Muller normal ones.
function hash(name) {
  let state = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
function uniform(name) {
  let state = hash(name);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
function normals(name, count) {
  const next = uniform(name);
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}
const hundredths = (value) => Math.round(100 * value) / 100 || 0;   // what is shown is what is summed

// x of each word, the same for the same word, and the four weight matrices with spread 1/sqrt(width).
function drawn(words, width, seed) {
  const spread = 1 / Math.sqrt(width);
  const matrix = (name) => Array.from({ length: width }, (_, i) => normals(`${seed} ${name} ${i}`, width).map((value) => hundredths(value * spread)));
  return { x: words.map((word) => normals(`${seed} x ${sameWord(word)}`, width).map(hundredths)),
    w_q: matrix("w_q"), w_k: matrix("w_k"), w_v: matrix("w_v"), w_o: matrix("w_o") };
}

// ---- Words of a sentence, whatever its script. Punctuation around a word is not part of it.
const sameWord = (word) => word.normalize("NFC").toLowerCase();
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
function pieces(text) {
  if (!UNSPACED.test(text) || !Intl.Segmenter) return [text];
  return Array.from(new Intl.Segmenter(undefined, { granularity: "word" }).segment(text), ({ segment }) => segment);
}
function words(text) {
  const cleaned = text.slice(0, MAX_CHARACTERS).replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, " ");
  const found = cleaned.split(/\s+/u).flatMap(pieces)
    .map((piece) => piece.replace(/^\p{P}+|\p{P}+$/gu, "") || (UNSPACED.test(cleaned) ? "" : piece))
    .filter((piece) => /[^\p{Cf}\p{M}\s]/u.test(piece));
  return { words: found.slice(0, MAX_WORDS).map((word) => [...word].slice(0, MAX_WORD_CHARACTERS).join("")), cut: found.length > MAX_WORDS };
}

// ---- What a visitor types into a number field: { value, said }. No value: there is none to take; unfinished: one may still come.
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, UNFINISHED = /^[+-]?\.?$|^[+-]?(\d+\.?\d*|\.\d+)e[+-]?$/i;
function readNumber(text, { low = -LIMIT, high = LIMIT, whole = false } = {}) {
  const typed = text.trim().replace("−", "-").replace(",", ".");
  if (!NUMBER.test(typed)) {
    const came = typed === "" ? "The field is empty" : `“${[...text.trim()].slice(0, 20).join("")}” is not a number`;
    return { unfinished: UNFINISHED.test(typed), said: `${came}, so the last one stays: type a number such as ${whole ? "8" : "−1.5"}.` };
  }
  const number = Number(typed), value = Math.min(high, Math.max(low, whole ? Math.round(number) : number)) || 0;
  const bounded = number < low || number > high, range = low === -high ? `±${plain(high)}` : `${plain(low)} to ${plain(high)}`;
  if (bounded) return { value, said: `Numbers here go ${low === -high ? "up to" : "from"} ${range}: ${plain(value)} was taken.` };
  return { value, said: whole && value !== number ? `A whole number is needed here: ${plain(value)} was taken.` : "" };
}
const plain = (value) => value.toLocaleString("en").replace("-", "−");

window.AttentionSum = { LIMIT, MAX_WORDS, multiply, dot, transposed, columns, softmax, slopes, causalMask, attention, table, key, saturation, normals, drawn,
  words, sameWord, readNumber };
})();
