// Charts as files, made in the browser: PNG, SVG, or one HTML page that stands alone.
//
//   FigureSave.wire(element, () => ({ data, layout }))     where element holds the markup of save_menu (Python)
(() => {
const INK = { paper: "#ffffff", text: "#1e293b", grid: "#e2e8f0" };   // of the light page: a file looks the same whatever the page's mode
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const LEAST_WIDTH = 640, LEAST_HEIGHT = 320, PNG_SCALE = 2;
const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const inert = (value) => JSON.stringify(value).replace(/[<\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
// In a script's text nothing may end the script or open a comment; inside strings and expressions these mean the same.
const scriptText = (source) => source.replace(/<\/(?=script)/gi, "<\\/").replace(/<!--/g, "<\\!--");
const slug = (text) => String(text).toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60);

function tabName() {
  const tab = document.querySelector('.techniques > .tab-wrapper [role="tab"][aria-selected="true"]');
  return slug(tab ? tab.textContent : "figure");
}
const fileName = (label) => [tabName(), slug(label)].filter(Boolean).join("-") || "figure";

function standalone(figure) {
  const layout = { hovermode: "closest", ...figure.layout, paper_bgcolor: INK.paper, plot_bgcolor: INK.paper };
  layout.font = { family: FONT, size: 13, color: INK.text, ...(figure.layout.font || {}) };
  for (const key of Object.keys(layout)) if (/^[xy]axis\d*$/.test(key)) layout[key] = { gridcolor: INK.grid, zerolinecolor: INK.grid, linecolor: INK.grid, ...layout[key] };
  if (layout.title) layout.title = { ...layout.title, pad: { t: 8 } };
  const { l = 8, r = 8, t = 34, b = 8, ...rest } = layout.margin || {};
  layout.margin = { l: l + 12, r: r + 12, t: t + 10, b: b + 12, ...rest };   // the page gives air around a figure, a file has none
  return { data: figure.data, layout };
}

function download(blob, name) {
  const link = document.createElement("a"), url = URL.createObjectURL(blob);
  link.href = url; link.download = name;
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

async function page(figure, label, height) {
  const own = [...document.scripts].find((script) => script.src.includes("plotly.min.js"));
  const plotly = scriptText(await (await fetch(own.src)).text());
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`
    + `<title>${escapeHtml(label)}</title><style>body{margin:16px;background:${INK.paper}}#figure{height:max(${height}px,70vh)}</style></head>`
    + `<body><div id="figure" role="img" aria-label="${escapeHtml(label)}"></div><script>${plotly}<\/script>`
    + `<script>const figure=${inert(figure)};Plotly.newPlot("figure",figure.data,figure.layout,{displaylogo:false,responsive:true});<\/script></body></html>`;
}

async function save(kind, given, node) {
  const figure = standalone(given), label = node.getAttribute("aria-label") || "Figure", name = fileName(label);
  const width = Math.max(LEAST_WIDTH, node.clientWidth), height = Math.max(LEAST_HEIGHT, node.clientHeight);
  if (kind === "html") return download(new Blob([await page(figure, label, height)], { type: "text/html" }), `${name}.html`);
  const options = { format: kind, width, height, filename: name };
  return window.Plotly.downloadImage(figure, kind === "png" ? { ...options, scale: PNG_SCALE } : options);
}

function shut(menu) {
  menu.open = false;
  menu.querySelector("summary").focus({ preventScroll: true });
}

function wire(element, figureNow) {
  const menu = element.querySelector(".figure-save");
  if (!menu) return;
  menu.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-save]"), given = button && figureNow();
    if (!given) return;
    shut(menu);
    await save(button.dataset.save, given, element.querySelector("[role='img']"));
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.preventDefault();   // what this closes is all that it closes
    shut(menu);
  });
  element.addEventListener("focusout", (event) => { if (menu.open && !menu.contains(event.relatedTarget)) menu.open = false; });
}

window.FigureSave = { wire, shut, standalone, page, download, fileName, escapeHtml };
})();
