// Figures that are markup and canvases, not charts, as files: what stands in sight, with its styles written out.
//
// Any `.figure-save-host` that holds `[data-figure]` is saved so; its menu is `save_menu` (Python).
(() => {
const AIR = 16, PNG_SCALE = 2, MOST_SIDE = 8192, XHTML = "http://www.w3.org/1999/xhtml", NO_IMAGE = "data:,";
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const NEEDLESS = /^(on|class$|data-|aria-|role$|tabindex$|for$|title$)/;
const INHERITED = /^(color|cursor|direction|fill|font|letter-spacing|line-height|list-style|paint-order|stroke|text|visibility|white-space|word|-webkit-text)/;
const ALWAYS = /^(border-(top|right|bottom|left)-width|outline-width)$/;   // without a style they count as none, with one they are not
const LEFT_OUT = /^(animation|transition|cursor|pointer-events|will-change|user-select|-webkit-user|--|block-size|inline-size|min-|max-|perspective-origin|transform-origin|inset-|margin-block|margin-inline|padding-block|padding-inline|border-block|border-inline)/;

// The properties that a copy may need. Listed once: a style counts all variables of the page again for every name that it is asked for by number.
const propertiesOf = (style) => [...style].filter((name) => !LEFT_OUT.test(name))
  .map((name) => ({ name, always: ALWAYS.test(name), inherited: INHERITED.test(name) }));

// What a browser gives an element of a kind by itself, so that only what differs has to be written.
function plainStyles() {
  const frame = document.createElement("iframe"), known = new Map(), properties = propertiesOf(getComputedStyle(document.documentElement));
  frame.hidden = true;
  document.body.append(frame);
  return {
    properties,
    of({ namespaceURI, localName, type = "" }) {
      const kind = `${localName} ${type}`;   // a box to tick is no field to write in
      if (!known.has(kind)) {
        const bare = frame.contentDocument.createElementNS(namespaceURI, localName);
        if (localName === "input") bare.type = type;
        frame.contentDocument.body.append(bare);
        const style = frame.contentWindow.getComputedStyle(bare);
        known.set(kind, Object.fromEntries(properties.map(({ name }) => [name, style.getPropertyValue(name)])));
        bare.remove();
      }
      return known.get(kind);
    },
    end: () => frame.remove(),
  };
}

function written(style, { properties, of }, element, parent) {
  const out = [], plain = of(element), byRows = /^table(-(cell|.*-group))?$/.test(style.display);   // how high these are is their rows' matter
  for (const { name, always, inherited } of properties) {
    if (byRows && name === "height") continue;
    const value = style.getPropertyValue(name);
    if (value !== plain[name] || always || (inherited && value !== parent?.getPropertyValue(name))) out.push(`${name}:${value}`);
  }
  return out.join(";");
}

async function asData(url) {
  if (!url || url.startsWith("data:")) return url || NO_IMAGE;
  const blob = await fetch(url).then((answer) => answer.blob(), () => null);
  if (!blob) return NO_IMAGE;   // the rest is saved all the same
  return new Promise((done) => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(blob); });
}

// A copy of a node that looks the same anywhere; null where it is out of sight.
function copyOf(node, parent, plain, later) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data.replace(NO_XML, "\ufffd"));
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  const style = getComputedStyle(node);
  if (style.display === "none" || ["SCRIPT", "STYLE"].includes(node.tagName)) return null;
  const painted = node.tagName === "CANVAS";
  const copy = painted ? document.createElementNS(XHTML, "img") : node.cloneNode(false);
  const inSvg = Boolean(node.ownerSVGElement);
  for (const { name } of [...copy.attributes]) if (NEEDLESS.test(name) || (!inSvg && ["id", "href"].includes(name))) copy.removeAttribute(name);
  copy.setAttribute("style", written(style, plain, copy, parent));
  if (painted) copy.src = node.width && node.height ? node.toDataURL("image/png") : NO_IMAGE;
  if (node.tagName === "IMG") later.push(asData(node.currentSrc || node.src).then((url) => { copy.src = url; }));
  if (node.tagName === "INPUT" || node.tagName === "PROGRESS") { copy.setAttribute("value", node.value); if (node.checked) copy.setAttribute("checked", ""); }
  for (const [, url] of style.backgroundImage.matchAll(/url\("([^"]+)"\)/g))
    if (!url.startsWith("data:")) later.push(asData(url).then((data) => { copy.style.backgroundImage = copy.style.backgroundImage.replace(url, data); }));
  if (painted) return copy;
  const [before, after] = ["::before", "::after"].map((kind) => (inSvg ? null : besideOf(node, kind, style, plain)));
  const within = [...node.childNodes].map((child) => copyOf(child, style, plain, later));
  copy.append(...[before, ...within, after].filter(Boolean));
  return copy;
}

// What a style sheet sets before or after an element's content.
function besideOf(node, kind, parent, plain) {
  const style = getComputedStyle(node, kind), text = style.content.match(/^"(.*)"$/);
  if (!text || style.display === "none") return null;
  const made = document.createElementNS(XHTML, "span");
  made.setAttribute("style", written(style, plain, made, parent));
  made.textContent = text[1];
  return made;
}

// The figure as one XHTML element, and its size in CSS pixels.
async function stillOf(figure) {
  const plain = plainStyles(), later = [], { width, height } = figure.getBoundingClientRect();
  const copy = copyOf(figure, null, plain, later);
  plain.end();
  await Promise.all(later);
  let ground = figure;
  while (ground && /^(rgba\(0, 0, 0, 0\)|transparent)$/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  copy.style.margin = "0";
  const sheet = document.createElementNS(XHTML, "div");
  sheet.setAttribute("style", `box-sizing:border-box;width:${Math.ceil(width) + 2 * AIR}px;min-height:${Math.ceil(height) + 2 * AIR}px;padding:${AIR}px;background:${ground ? getComputedStyle(ground).backgroundColor : "#fff"}`);
  sheet.append(copy);
  return { sheet, width: Math.ceil(width) + 2 * AIR, height: Math.ceil(height) + 2 * AIR };
}

const markupOf = (sheet) => new XMLSerializer().serializeToString(sheet);
const svgOf = ({ sheet, width, height }, title) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><title>${window.FigureSave.escapeHtml(title)}</title>`
  + `<foreignObject width="${width}" height="${height}">${markupOf(sheet)}</foreignObject></svg>`;

async function pngOf(still, title) {
  const image = new Image(), canvas = document.createElement("canvas");
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgOf(still, title))}`;   // from a blob's address the canvas could not be read
  await image.decode();
  const scale = Math.min(PNG_SCALE, MOST_SIDE / Math.max(still.width, still.height));
  canvas.width = Math.round(still.width * scale); canvas.height = Math.round(still.height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

async function fileOf(kind, figure, title) {
  const still = await stillOf(figure);
  if (kind === "png") return pngOf(still, title);
  if (kind === "svg") return new Blob([svgOf(still, title)], { type: "image/svg+xml" });
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${window.FigureSave.escapeHtml(title)}</title></head><body style="margin:0">${still.sheet.outerHTML}</body></html>`;
  return new Blob([page], { type: "text/html" });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".figure-save [data-save]"), host = button?.closest(".figure-save-host");
  const figure = host?.querySelector(":scope > [data-figure]");
  if (!figure) return;
  const { save } = button.dataset, title = figure.dataset.figure;
  window.FigureSave.shut(host.querySelector(".figure-save"));
  window.FigureSave.download(await fileOf(save, figure, title), `${window.FigureSave.fileName(title)}.${save}`);
});
for (const kind of ["keydown", "focusout"])
  document.addEventListener(kind, (event) => {
    const host = event.target.closest?.(".figure-save-host"), menu = host?.querySelector(":scope > [data-figure]") && host.querySelector(".figure-save");
    if (!menu?.open) return;
    if (kind === "focusout") { if (!menu.contains(event.relatedTarget)) menu.open = false; }
    else if (event.key === "Escape") { event.preventDefault(); window.FigureSave.shut(menu); }   // what this closes is all that it closes
  });
})();
