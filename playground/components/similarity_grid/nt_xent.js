// NT-Xent by hand (Chen et al., 2020, equation 1): the sums of backends/simclr/by_hand.py, for numbers that are being
// dragged. Pure functions on a square array of cosines; no page, no state.
(() => {
// One row i with every other view k: e^(s/tau), softmax weights, and the log of the row's sum, stable at tau = 0.01.
function row(similarities, i, temperature) {
  const scaled = similarities[i].map((s) => s / temperature);
  const top = Math.max(...scaled.filter((_, k) => k !== i));
  const shifted = scaled.map((x, k) => (k === i ? 0 : Math.exp(x - top)));
  const sum = shifted.reduce((a, b) => a + b, 0);
  return { scaled, exps: scaled.map(Math.exp), weights: shifted.map((x) => x / sum), logSum: top + Math.log(sum) };
}
const term = (similarities, i, positive, temperature) => {
  const { scaled, logSum } = row(similarities, i, temperature);
  return logSum - scaled[positive];
};
const terms = (similarities, positives, temperature) => positives.map((j, i) => term(similarities, i, j, temperature));
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

// The derivative of row i's term by each cosine of that row: (p - [k = j]) / tau.
const gradient = (weights, i, positive, temperature) =>
  weights.map((p, k) => (k === i ? 0 : (p - (k === positive ? 1 : 0)) / temperature));

function withCosine(similarities, i, k, cosine) {
  const changed = similarities.map((values) => values.slice());
  changed[i][k] = changed[k][i] = Math.min(1, Math.max(-1, cosine));
  return changed;
}

// Whether vectors with these cosines exist: a Cholesky decomposition of S + tolerance comes through.
function realisable(similarities, tolerance = 1e-6) {
  const n = similarities.length, lower = similarities.map((values) => values.map(() => 0));
  for (let i = 0; i < n; i++) for (let k = 0; k <= i; k++) {
    let rest = similarities[i][k] + (i === k ? tolerance : 0);
    for (let m = 0; m < k; m++) rest -= lower[i][m] * lower[k][m];
    if (i === k && rest <= 0) return false;
    lower[i][k] = i === k ? Math.sqrt(rest) : rest / lower[k][k];
  }
  return true;
}

window.NtXent = { row, term, terms, mean, gradient, withCosine, realisable };
})();
