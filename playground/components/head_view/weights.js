// Attention weights and how they look: unpacking, means, leaving special tokens out, small heat maps, tones, tokens as
// text. Pure functions on arrays; no state.
(() => {
const LEVELS = 256, CELL = 0.4;   // CELL: how much of the line's colour a weight of 0 has
const MARKS = { previous: ["←", "prev"], next: ["→", "next"], itself: ["●", "itself"], self: ["●", "itself"], first: ["⇤", "first"],
  separator: ["¶", "sep"], same: ["=", "same"], repeat: ["↻", "repeat"], class: ["★", "class"], neighbouring: ["✛", "near"],
  broad: ["≈", "broad"], mixed: ["·", "mixed"] };

function unpack(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Uint16Array(bytes.buffer);
}

// The mean of the chosen heads, [[layer, head], …], as (T * S) shares of 1.
function mean(data, { heads, rows, columns }, chosen) {
  const size = rows.length * columns.length, out = new Float32Array(size), scale = 1 / (65535 * Math.max(1, chosen.length));
  for (const [layer, head] of chosen) {
    const start = (layer * heads + head) * size;
    for (let i = 0; i < size; i++) out[i] += data[start + i];
  }
  for (let i = 0; i < size; i++) out[i] *= scale;
  return out;
}
const slice = (data, start, size) => Float32Array.from(data.subarray(start, start + size), (w) => w / 65535);

// Which tokens stay.
function kept(view, hide) {
  const every = (tokens, special) => tokens.map((_, i) => i).filter((i) => !hide || !special.includes(i));
  return { rows: every(view.rows, view.special_rows), columns: every(view.columns, view.special_columns) };
}

// Only these rows and columns, each row rescaled to the sum 1 where something is left of it.
function restrict(matrix, across, { rows, columns }) {
  const out = new Float32Array(rows.length * columns.length), wide = columns.length;
  rows.forEach((row, i) => {
    let sum = 0;
    for (let k = 0; k < wide; k++) sum += out[i * wide + k] = matrix[row * across + columns[k]];
    if (sum > 0) for (let k = 0; k < wide; k++) out[i * wide + k] /= sum;
  });
  return out;
}

// A head as a picture of side * side pixels; where several weights share a pixel the largest is seen.
function thumbnail(data, start, across, { rows, columns }, rescale, side, ramp, pixels) {
  const wide = columns.length, high = rows.length, edges = (n) => Array.from({ length: side }, (_, p) => {
    const from = Math.floor((p * n) / side);
    return [from, Math.max(from + 1, Math.floor(((p + 1) * n) / side))];
  });
  const xs = edges(wide), ys = edges(high), scale = new Float32Array(high).fill(1 / 65535);
  if (rescale) rows.forEach((row, i) => {
    let sum = 0;
    for (let k = 0; k < wide; k++) sum += data[start + row * across + columns[k]];
    scale[i] = sum ? 1 / sum : 0;
  });
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
    let most = 0;
    for (let i = ys[y][0]; i < ys[y][1]; i++) {
      const line = start + rows[i] * across;
      for (let k = xs[x][0]; k < xs[x][1]; k++) { const w = data[line + columns[k]] * scale[i]; if (w > most) most = w; }
    }
    pixels[y * side + x] = ramp.packed[level(most)];
  }
}

// ---- Tones: a weight's colour goes with its square root, so that faint ones are seen too.
const level = (weight) => Math.min(LEVELS - 1, Math.round((LEVELS - 1) * Math.sqrt(Math.max(0, weight))));
const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgb(colour) {
  pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}
const mixed = (a, b, t) => a.map((v, k) => Math.round(v + (b[k] - v) * t));
const luminance = (colour) => colour.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
const css = (c) => `rgb(${c.join()})`;

// A colour for each level, packed for pixels and as text, and what is written on it.
function ramp(paper, line, accent) {
  const low = mixed(rgb(paper), rgb(line), CELL), high = rgb(accent);
  const tones = Array.from({ length: LEVELS }, (_, i) => mixed(low, high, i / (LEVELS - 1)));
  return {
    packed: Uint32Array.from(tones, ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0),
    tones: tones.map(css),
    inks: tones.map((tone) => (luminance(tone) > 0.179 ? "#000" : "#fff")),   // either has a contrast of 4.5 or more
  };
}

// ---- Words
// A token as a reader wants it: no marker of a leading space or of a continued word, and white space made visible.
function readable(token) {
  const text = String(token).replace(/^(?:[\u0120\u2581]+|##(?=.))/, "").replace(/<\/w>$/, "").replace(/[\u010a\n]/g, "⏎").replace(/[\u0000-\u001f\u007f]/g, "�");
  return text.trim() ? text : token ? "␣" : "∅";
}
const ROLE_LETTERS = 6, LABEL_LETTERS = 22;
function mark(role) {
  if (!role) return ["", ""];
  const known = MARKS[String(role[0]).toLowerCase().split(/[^a-z]/)[0]];
  return known || ["•", String(role[0]).slice(0, ROLE_LETTERS)];
}
// What a head does: its name with the figure, and the sentence about it if there is one.
function does(role) {
  if (!role) return ["", ""];
  const [called, label, value] = role, short = label.length <= LABEL_LETTERS;
  return [`${short ? label : called}, ${figure(value)}`, short ? "" : label];
}
const figure = (weight, digits = 2) => weight.toFixed(digits);
// A weight in a cell that is so many pixels wide: 0.42, .42 or in percent 42, and nothing where it rounds to 0.
const ROOM = 32, NARROW = 18;
function brief(weight, wide) {
  if (weight < 0.005) return "";
  if (wide < NARROW) return String(Math.round(100 * weight));
  const text = weight.toFixed(2);
  return wide >= ROOM ? text : weight >= 0.995 ? "1" : text.slice(1);
}
const name = ([layer, head]) => `${layer + 1}.${head + 1}`;
// `most` gathers the largest weights of a row or column: [[index, weight], …].
function top(count, weightOf, most) {
  return Array.from({ length: count }, (_, k) => [k, weightOf(k)]).filter(([, w]) => w > 0.0005).sort((a, b) => b[1] - a[1]).slice(0, most);
}
const escapeXml = (text) => String(text).replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// An element with attributes and children; what is text stays text.
function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) if (typeof value === "function") node.addEventListener(key, value); else node.setAttribute(key, value);
  node.append(...children.flat());
  return node;
}
// A token within a sentence of ours, whichever way it is written.
const bdi = (text) => h("bdi", {}, text);
// A canvas of this size in CSS pixels, cleared, with its pen.
function sized(canvas, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1), w = Math.round(width * ratio), t = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== t) { canvas.width = w; canvas.height = t; canvas.style.width = `${width}px`; canvas.style.height = `${height}px`; }
  const drawing = canvas.getContext("2d");
  drawing.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawing.clearRect(0, 0, width, height);
  return drawing;
}

window.HeadWeights = { LEVELS, MARKS, unpack, mean, slice, kept, restrict, thumbnail, level, ramp, readable, mark, does, figure, brief, NARROW, name, top, escapeXml, h, bdi, sized };
})();
