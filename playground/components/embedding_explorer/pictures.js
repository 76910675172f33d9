// Pictures as points: cells of a sheet, the frames around them, and guests. A sheet is { image, tile, columns }: square
// cells in rows, point i in cell i. A picture by itself is a sheet of one cell.
(() => {
const SMALLEST = 12, LARGEST = 30;   // CSS pixels, on a map that is shown whole
const TONES = [...window.EmbeddingPaint.OKABE_ITO.slice(0, 7), "#8e5bd6", "#a0522d", "#2fb5a3", "#f48fb1", "#8aa800"];
const OTHER = "#7f7f7f";
const HEX = /^#[0-9a-f]{6}$/i;

function sheet({ src, tile, columns }, onReady) {
  const image = new Image();
  image.onload = onReady;
  image.src = src;
  return { image, tile, columns };
}
const ready = (s) => Boolean(s) && s.image.complete && s.image.naturalWidth > 0;
const tileOf = (s) => s.tile || Math.min(s.image.naturalWidth, s.image.naturalHeight);

// Where cell i is in the image, or null where the sheet has no such cell.
function cell(s, i) {
  const tile = tileOf(s), columns = s.columns || 1, left = (i % columns) * tile, top = Math.floor(i / columns) * tile;
  return left + tile <= s.image.naturalWidth && top + tile <= s.image.naturalHeight ? [left, top, tile] : null;
}

// How large pictures are drawn: as large as so many of them can be without covering the map, and larger when zoomed in.
function side(count, tile, zoomed, width, height) {
  const roomy = 1.1 * Math.sqrt((width * height) / Math.max(1, count));
  const whole = Math.max(SMALLEST, Math.min(LARGEST, 0.75 * tile, roomy));
  return Math.max(10, Math.min(Math.max(tile, LARGEST), whole * Math.sqrt(zoomed)));
}

// Draw cell i around (x, y) within frames, from the inside outwards: [[colour, width], …]. False: there is no such cell.
function draw(pen, s, i, x, y, size, frames) {
  const at = cell(s, i);
  if (!at) return false;
  const ratio = pen.getTransform().a || 1, whole = (v) => Math.round(v * ratio) / ratio;   // whole pixels are crisp
  const side = whole(size), left = whole(x - side / 2), top = whole(y - side / 2), widths = frames.map(([, width]) => whole(width));
  let reach = widths.reduce((sum, width) => sum + width, 0);
  for (let k = frames.length - 1; k >= 0; k--) {
    pen.fillStyle = frames[k][0]; pen.fillRect(left - reach, top - reach, side + 2 * reach, side + 2 * reach);
    reach -= widths[k];
  }
  pen.imageSmoothingEnabled = true; pen.imageSmoothingQuality = "high";
  pen.drawImage(s.image, at[0], at[1], at[2], at[2], left, top, side, side);
  return true;
}

// Cell i by itself, for a tooltip or a saved file; null: there is no such cell, or the page may not copy it.
function crop(s, i, size, paper) {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = canvas.height = size;
  pen.fillStyle = paper; pen.fillRect(0, 0, size, size);
  return ready(s) && draw(pen, s, i, size / 2, size / 2, size, []) ? canvas : null;
}
function cropUrl(s, i, size, paper) {
  try { return crop(s, i, size, paper)?.toDataURL("image/jpeg", 0.92) ?? null; } catch { return null; }
}

// The whole sheet as a data URL, for a page that stands alone.
function embedded(s) {
  if (s.image.src.startsWith("data:")) return s.image.src;
  const canvas = document.createElement("canvas");
  canvas.width = s.image.naturalWidth; canvas.height = s.image.naturalHeight;
  canvas.getContext("2d").drawImage(s.image, 0, 0);
  return canvas.toDataURL("image/webp", 0.9);
}

// The colour of each class of a grouping: its own, or the palette's; classes beyond the palette share a grey.
const colours = (grouping) => grouping.classes.map((_, k) => {
  const own = grouping.colours?.[k];
  return HEX.test(own) ? own : TONES[k] ?? OTHER;
});

window.EmbeddingPictures = { TONES, OTHER, sheet, ready, side, draw, crop, cropUrl, embedded, colours };
})();
