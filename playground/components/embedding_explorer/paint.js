// Drawing an embedding: projection, dots, labels, keys. Pure functions on arrays; no page, no state.
// A 2D canvas is enough for 50,000 dots: they are blended into the canvas's own pixels, so no WebGL is needed.
(() => {
const VIRIDIS = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151",
  "#bddf26", "#fde725"];
const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a500", "#7f7f7f"];

const rgbCache = new Map();
function rgb(colour) {
  if (!rgbCache.has(colour)) {
    const c = document.createElement("canvas").getContext("2d");
    c.fillStyle = colour; c.fillRect(0, 0, 1, 1);
    rgbCache.set(colour, Array.from(c.getImageData(0, 0, 1, 1).data.slice(0, 3)));
  }
  return rgbCache.get(colour);
}

// A table of 256 colours, as packed [r, g, b], from low to high.
const ramps = new Map();
function ramp(stops) {
  const key = stops.join();
  if (!ramps.has(key)) {
    const table = [];
    for (let i = 0; i < 256; i++) {
      const at = (i / 255) * (stops.length - 1), left = Math.min(stops.length - 2, Math.floor(at)), t = at - left;
      const a = rgb(stops[left]), b = rgb(stops[left + 1]);
      table.push([0, 1, 2].map((k) => Math.round(a[k] + (b[k] - a[k]) * t)));
    }
    ramps.set(key, table);
  }
  return ramps.get(key);
}

// How much of each pixel a dot of this radius covers, 0 to 256, for its centre at a pixel's corner.
const discs = new Map();
function disc(radius) {
  const key = Math.round(radius * 4);
  if (!discs.has(key)) {
    const r = key / 4, half = Math.ceil(r), size = 2 * half, cover = new Uint16Array(size * size);
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
      const d = Math.hypot(x + 0.5 - half, y + 0.5 - half);
      cover[y * size + x] = Math.round(256 * Math.max(0, Math.min(1, r - d + 0.5)));
    }
    discs.set(key, { half, size, cover });
  }
  return discs.get(key);
}

// Where the points stand on the canvas, in CSS pixels. `flat` is (n * dims); returns x, y and, in 3D, depth in [-1, 1].
function project(flat, dims, camera, width, height, out) {
  const n = flat.length / dims;
  if (!out || out.x.length !== n) out = { x: new Float32Array(n), y: new Float32Array(n), depth: dims === 3 ? new Float32Array(n) : null };
  if (dims === 3 && !out.depth) out.depth = new Float32Array(n);
  if (dims === 2) out.depth = null;
  const s = camera.scale, left = width / 2, top = height / 2;
  if (dims === 2) {
    for (let i = 0; i < n; i++) {
      out.x[i] = left + (flat[2 * i] - camera.centre[0]) * s;
      out.y[i] = top - (flat[2 * i + 1] - camera.centre[1]) * s;
    }
    return out;
  }
  const cy = Math.cos(camera.yaw), sy = Math.sin(camera.yaw), cp = Math.cos(camera.pitch), sp = Math.sin(camera.pitch);
  const reach = 1 / Math.max(1e-9, camera.radius);
  for (let i = 0; i < n; i++) {
    const x = flat[3 * i] - camera.centre[0], y = flat[3 * i + 1] - camera.centre[1], z = flat[3 * i + 2] - camera.centre[2];
    const rx = cy * x + sy * z, rz = -sy * x + cy * z, ry = cp * y - sp * rz, d = sp * y + cp * rz;
    const near = Math.max(-1, Math.min(1, d * reach)), perspective = 1 / (1 - 0.25 * near);
    out.x[i] = left + camera.shift[0] + rx * s * perspective;
    out.y[i] = top + camera.shift[1] - ry * s * perspective;
    out.depth[i] = near;
  }
  return out;
}

// The camera that shows nearly all of these points (stray ones can be reached by zooming out).
function fit(flat, dims, width, height, only) {
  const n = flat.length / dims, step = only ? 1 : Math.max(1, Math.floor(n / 4000)), spans = [];
  const members = only || Array.from({ length: Math.ceil(n / step) }, (_, i) => i * step);
  for (let k = 0; k < dims; k++) {
    const values = Float32Array.from(members, (i) => flat[i * dims + k]).sort();
    const cut = only ? 0 : Math.floor(values.length * 0.002);
    spans.push(values.length ? [values[cut], values[values.length - 1 - cut]] : [-1, 1]);
  }
  const size = spans.map(([low, high]) => Math.max(1e-6, high - low)), centre = spans.map(([low, high]) => (low + high) / 2);
  if (dims === 2) return { centre, scale: Math.min((width - 56) / size[0], (height - 52) / size[1]) };
  const reach = Float32Array.from(members, (i) => Math.hypot(flat[3 * i] - centre[0], flat[3 * i + 1] - centre[1], flat[3 * i + 2] - centre[2])).sort();
  const radius = Math.max(1e-6, reach.length ? reach[reach.length - 1 - (only ? 0 : Math.floor(reach.length * 0.002))] : 1);
  return { centre, radius, scale: (Math.min(width, height) / 2 - 24) / (1.04 * radius), shift: [0, 0] };   // 1.04: perspective
}

// Blend one dot a point into the pixels. `tone(i)` gives [r, g, b]; `strength(i)` the opacity, 0: leave it out.
function dots(pixels, width, height, places, order, radius, ratio, tone, strength) {
  const { x, y, depth } = places, data = pixels.data;
  for (const i of order) {
    let alpha = strength(i);
    if (!alpha) continue;
    let r = radius * ratio;
    if (depth) { alpha *= 0.65 + 0.35 * depth[i]; r *= 1 + 0.3 * depth[i]; }
    const { half, size, cover } = disc(r);
    const left = Math.round(x[i] * ratio) - half, top = Math.round(y[i] * ratio) - half;
    if (left >= width || top >= height || left + size <= 0 || top + size <= 0) continue;
    const colour = tone(i), red = colour[0], green = colour[1], blue = colour[2];
    for (let v = 0; v < size; v++) {
      const row = top + v;
      if (row < 0 || row >= height) continue;
      for (let u = 0; u < size; u++) {
        const column = left + u, a = (cover[v * size + u] * alpha) | 0;
        if (!a || column < 0 || column >= width) continue;
        const p = (row * width + column) * 4;
        data[p] += ((red - data[p]) * a) >> 8;
        data[p + 1] += ((green - data[p + 1]) * a) >> 8;
        data[p + 2] += ((blue - data[p + 2]) * a) >> 8;
      }
    }
  }
}

// Choose labels that stand on no other: `candidates` in order of importance; `fixed` are set whatever they cover.
function chooseLabels(places, widths, candidates, fixed, shown, count, width, height, line) {
  const boxes = [], chosen = [];
  const box = (i) => [places.x[i], places.y[i] - 9, widths(i) / 2 + 3];
  const free = (b) => boxes.every((o) => Math.abs(b[0] - o[0]) > b[2] + o[2] || Math.abs(b[1] - o[1]) > line);
  const inside = (b) => b[0] > b[2] && b[0] < width - b[2] && b[1] > line + 12 && b[1] < height;
  for (const i of fixed) boxes.push(box(i));
  // First those that stood before, so that labels stay while the map moves; then the rest.
  for (const group of [shown, candidates]) {
    for (const i of group) {
      if (chosen.length >= count) return chosen;
      const b = box(i);
      if (inside(b) && free(b)) { boxes.push(b); chosen.push(i); }
    }
  }
  return chosen;
}

function insidePolygon(x, y, polygon) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i], [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

const escapeXml = (text) => String(text).replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

window.EmbeddingPaint = { VIRIDIS, OKABE_ITO, rgb, ramp, project, fit, dots, chooseLabels, insidePolygon, escapeXml };
})();
