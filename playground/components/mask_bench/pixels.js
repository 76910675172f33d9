// What the bench, the strip and the film draw with: pictures in patches on canvases at the screen's own pixels.
// Pure functions on a pen whose unit is a device pixel; all text is set as text.
(() => {
const VIRIDIS = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"];
const MAX_RATIO = 3, HATCH = 5;

function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.flat());
  return node;
}

// ---- Numbers
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
function figure(value, digits = 2) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "not a number";
  if (value === 0) return "0";
  if (value < 1e-4 || value >= 1e4) return value.toExponential(1).replace("e+", "e").replace("-", "−");
  return value >= 10 ** digits ? String(Math.round(value)) : value.toPrecision(digits);
}
const percent = (part, whole) => `${Math.round(100 * part / whole)} %`;
// The next round number at or above: a scale that stays while single errors move.
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return Number((power * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((times) => times * power >= value * 0.9999)).toPrecision(2));
}
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
function viridis(share) {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1), low = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const [from, to] = [rgb(VIRIDIS[low]), rgb(VIRIDIS[low + 1])];
  return `rgb(${from.map((level, k) => Math.round(level + (at - low) * (to[k] - level))).join(",")})`;
}

// ---- Pictures. A sheet {src, tile, columns} becomes {image, tile, columns}, or null: it can't be decoded.
function decode(sheet) {
  if (!sheet) return Promise.resolve(null);
  const image = new Image();
  image.src = sheet.src;
  return image.decode().then(() => ({ image, tile: sheet.tile, columns: sheet.columns }), () => null);
}
const spare = document.createElement("canvas");
// Picture k of a sheet into a square. Enlarged, each pixel stays a sharp square of the same size as all others: first by
// a whole factor without smoothing, then down to the square.
function put(pen, sheet, k, x, y, side) {
  const { image, tile, columns } = sheet, left = (k % columns) * tile, top = Math.floor(k / columns) * tile;
  const times = Math.ceil(side / tile);
  pen.imageSmoothingQuality = "high";
  pen.imageSmoothingEnabled = side < tile;
  if (side % tile === 0 || side < tile) { pen.drawImage(image, left, top, tile, tile, x, y, side, side); return; }
  spare.width = spare.height = times * tile;
  const between = spare.getContext("2d");
  between.imageSmoothingEnabled = false;
  between.drawImage(image, left, top, tile, tile, 0, 0, times * tile, times * tile);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(spare, 0, 0, times * tile, times * tile, x, y, side, side);
}

// ---- Patches. `cells` has one entry a patch; where `wanted` holds, `paint(pen, x, y, width, height, index)` is called.
function each(cells, count, x, y, side, wanted, paint, pen) {
  const at = (i) => Math.round(i * side / count);
  for (let i = 0; i < count * count; i++) {
    if (!wanted(cells[i], i)) continue;
    const [row, column] = [Math.floor(i / count), i % count], left = at(column), top = at(row);
    paint(pen, x + left, y + top, at(column + 1) - left, at(row + 1) - top, i);
  }
}
// Hidden patches as tiles in a colour that no light on a picture has, with a gap between them where there is room.
function cover(pen, hidden, count, x, y, side, ink) {
  const gap = side / count >= 9 ? 1 : 0;
  each(hidden, count, x, y, side, Boolean, (_, left, top, wide, high) => {
    pen.fillStyle = ink.gap; pen.fillRect(left, top, wide, high);
    pen.fillStyle = ink.mask; pen.fillRect(left, top, wide - gap, high - gap);
  }, pen);
}
// The picture where it is visible, over whatever is there.
function copyVisible(pen, sheet, k, hidden, count, x, y, side) {
  pen.save();
  pen.beginPath();
  each(hidden, count, x, y, side, (one) => !one, (_, left, top, wide, high) => pen.rect(left, top, wide, high), pen);
  pen.clip();
  put(pen, sheet, k, x, y, side);
  pen.restore();
}
function hatch(pen, ink, side, ratio) {
  pen.fillStyle = ink.wash; pen.fillRect(0, 0, side, side);
  pen.strokeStyle = ink.hatch; pen.lineWidth = Math.max(1, ratio);
  pen.beginPath();
  for (let d = -side; d < side; d += HATCH * ratio) { pen.moveTo(d, side); pen.lineTo(d + side, 0); }
  pen.stroke();
}

// ---- The page
// A canvas's pen, its size set to the screen's own pixels; null in a closed tab.
function pen(canvas, wide = 1, high = 1) {
  const ratio = Math.min(MAX_RATIO, window.devicePixelRatio || 1), width = Math.round(canvas.clientWidth * ratio);
  if (!width) return null;
  canvas.width = width; canvas.height = Math.round(width * high / wide);
  return canvas.getContext("2d");
}
const ratioNow = () => Math.min(MAX_RATIO, window.devicePixelRatio || 1);
function inkOf(root) {
  const css = getComputedStyle(root), of = (name) => css.getPropertyValue(name).trim();
  return { mask: of("--mb-mask"), gap: of("--mb-gap"), hatch: of("--mb-hatch"), wash: of("--mb-wash") };
}
// Draws again when the size or the light changes.
function follow(root, draw) {
  new ResizeObserver(draw).observe(root);
  new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
}
const counted = (bits) => Array.from(bits).filter((bit) => bit === "1" || bit === 1).length;

window.MaskPixels = { VIRIDIS, h, mean, figure, percent, roundUp, viridis, decode, put, each, cover, copyVisible, hatch, pen, ratioNow, inkOf, follow, counted };
})();
