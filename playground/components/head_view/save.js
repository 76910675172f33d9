// What is shown, as a file: SVG with lines, matrix or picture side by side; PNG of the same; a page that stands alone.
(() => {
const W = window.HeadWeights, Lines = window.TokenLines, { escapeXml } = W;
const MARGIN = 24, HEAD = 64, GUTTER = 40, LABEL = 170, BETWEEN = 150, FAINT = 0.0005;
const MOST_SIDE = 8192, MOST_PIXELS = 4e7, PNG_SCALE = 2, PICTURE = 420;
const pen = document.createElement("canvas").getContext("2d");
const widest = (tokens, size) => { pen.font = `${size}px sans-serif`; return Math.min(LABEL, Math.ceil(tokens.reduce((most, { text }) => Math.max(most, pen.measureText(text).width), 10))); };
const round = (x) => Number(x.toFixed(2));
function clip(text, size, room) {
  pen.font = `${size}px sans-serif`;
  if (pen.measureText(text).width <= room) return text;
  const letters = [...text];
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
}
const words = (x, y, size, fill, anchor, text, more = "") =>
  `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${escapeXml(fill)}" text-anchor="${anchor}"${more}>${escapeXml(text)}</text>`;

// Each part is { markup, width, height }, drawn from (0, 0).
function linesPart({ rows, columns, weights, ink }, place, threshold) {
  const many = Math.max(rows.length, columns.length), line = many > 48 ? 15 : 20, size = many > 48 ? 11 : 13, y = (k) => (k + 0.5) * line;
  const left = widest(rows, size) + 10, x2 = left + BETWEEN, bend = left + BETWEEN / 2, out = [];
  for (const [i, k, w] of Lines.strokes({ rows, columns, weights }, threshold, place))
    out.push(`<path d="M${left} ${round(y(i))}C${bend} ${round(y(i))} ${bend} ${round(y(k))} ${x2} ${round(y(k))}" fill="none" stroke="${escapeXml(ink.accent)}" stroke-opacity="${round(Lines.alpha(w))}" stroke-width="${round(Lines.thick(w))}"/>`);
  const bold = (side, k) => (place?.side === side && place.at === k ? ' font-weight="600"' : "");
  rows.forEach(({ text }, i) => out.push(words(left - 6, y(i) + size * 0.35, size, ink.text, "end", clip(text, size, LABEL), bold("row", i))));
  columns.forEach(({ text }, k) => out.push(words(x2 + 6, y(k) + size * 0.35, size, ink.text, "start", clip(text, size, LABEL), bold("column", k))));
  return { markup: out.join(""), width: x2 + widest(columns, size) + 10, height: many * line };
}

function matrixPart({ rows, columns, weights, ink, ramp }) {
  const numbered = Math.max(rows.length, columns.length) <= window.WeightMatrix.NUMBERED, cell = numbered ? 30 : 12, size = numbered ? 13 : 10;
  const left = widest(rows, size) + 8, top = widest(columns, size) + 8, across = columns.length;
  const width = across * cell, height = rows.length * cell;
  const out = [`<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${escapeXml(ramp.tones[0])}"/>`];
  for (let i = 0; i < rows.length; i++) for (let k = 0; k < across; k++) {
    const w = weights[i * across + k], tone = W.level(w), x = left + k * cell, y = top + i * cell;
    if (w >= FAINT) out.push(`<rect x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}" fill="${ramp.tones[tone]}"/>`);
    if (numbered && w >= 0.005) out.push(words(x + (cell - 1) / 2, y + cell / 2 + 3.6, 10.5, ramp.inks[tone], "middle", W.brief(w, cell)));
  }
  rows.forEach(({ text }, i) => out.push(words(left - 6, top + (i + 0.5) * cell + size * 0.33, size, ink.text, "end", clip(text, size, LABEL))));
  columns.forEach(({ text }, k) => { const x = left + (k + 0.5) * cell + size * 0.33, y = top - 6; out.push(words(x, y, size, ink.text, "start", clip(text, size, LABEL), ` transform="rotate(-90 ${round(x)} ${round(y)})"`)); });
  return { markup: out.join(""), width: left + width, height: top + height };
}

function picturePart(patches) {
  const { grid: [rows, columns] } = patches.picture, cell = Math.max(4, Math.floor(PICTURE / Math.max(rows, columns)));
  const canvas = document.createElement("canvas"), width = columns * cell, height = rows * cell;
  canvas.width = 2 * width; canvas.height = 2 * height;
  patches.paint(canvas.getContext("2d"), canvas.width, canvas.height);
  return { markup: `<image width="${width}" height="${height}" href="${escapeXml(canvas.toDataURL("image/png"))}"/>`, width, height };
}

// The panels that are in sight, side by side under their title.
function svg(view) {
  const { shown } = view, { ink } = shown, parts = [];
  if (view.seen.picture) parts.push(picturePart(view.patches));
  if (view.seen.lines) parts.push(linesPart(shown, view.pinned(), view.threshold));
  if (view.seen.matrix) parts.push(matrixPart(shown));
  pen.font = "600 17px sans-serif";
  const inner = parts.reduce((sum, part) => sum + part.width, GUTTER * (parts.length - 1));
  const width = 2 * MARGIN + Math.max(inner, Math.ceil(pen.measureText(shown.title).width), Math.ceil(0.75 * pen.measureText(shown.note).width)), height = HEAD + MARGIN + Math.max(...parts.map((part) => part.height));
  let x = MARGIN;
  const placed = parts.map((part) => { const group = `<g transform="translate(${x} ${HEAD})">${part.markup}</g>`; x += part.width + GUTTER; return group; });
  const head = words(MARGIN, 26, 17, ink.text, "start", shown.title, ' font-weight="600"') + words(MARGIN, 46, 12.5, ink.soft, "start", shown.note);
  const markup = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif"><title>${escapeXml(shown.title)}</title>`
    + `<rect width="100%" height="100%" fill="${escapeXml(ink.paper)}"/>${head}${placed.join("")}</svg>`;
  return { markup, width, height };
}

function png(view) {
  const { markup, width, height } = svg(view), scale = Math.min(PNG_SCALE, MOST_SIDE / Math.max(width, height), Math.sqrt(MOST_PIXELS / (width * height)));
  const url = URL.createObjectURL(new Blob([markup], { type: "image/svg+xml" })), image = new Image();
  return new Promise((done, failed) => {
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(width * scale); canvas.height = Math.round(height * scale);
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(url);
      canvas.toBlob(done, "image/png");
    };
    image.onerror = failed;
    image.src = url;
  });
}

// The same heads in a page of its own, with the sources that run here; nothing in it is markup but our own.
async function page(view, variables) {
  const sources = await Promise.all([...document.querySelectorAll("[data-head-view]")].map(async (node) => {
    const from = node.src || node.href;
    return [node.dataset.headView, from ? await (await fetch(from)).text() : node.textContent];   // a saved page holds its own sources
  }));
  const inert = (value) => JSON.stringify(value).replace(/</g, "\\u003c").replace(/\u2028/g, "\\u2028").replace(/\u2029/g, "\\u2029");
  const style = sources.filter(([name]) => name === "style").map(([, text]) => text).join("");
  const scripts = sources.filter(([name]) => name !== "style").map(([name, text]) => `<script data-head-view="${escapeXml(name)}">${text}<\/script>`).join("");
  const colours = Object.entries(variables).map(([name, value]) => `${name}:${value.replace(/[^\w#(),.% -]/g, "")}`).join(";");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeXml(view.shown.title)}</title><style>:root{${colours}}body{margin:20px auto;max-width:1160px;padding:0 20px;font-family:system-ui,sans-serif;background:var(--paper)}</style><style data-head-view="style">${style}</style></head>`
    + `<body><main><div id="heads"></div></main>${scripts}<script>const heads = new HeadView(document.getElementById("heads"), {}); heads.show(${inert(view.given)}, ${inert(view.state())});<\/script></body></html>`;
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob); link.download = name;
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
window.HeadSave = { svg, png, page, download };
})();
