// Runs once per view, with `element`, `props`, `trigger` and `watch` given by gr.HTML.
const canvas = () => element.querySelector(".plotly-view-canvas");
const css = (name, fallback) => getComputedStyle(document.body).getPropertyValue(name).trim() || fallback;

// In lecture mode all type is larger.
const typeSize = (size, times = 1.2) => (document.body.classList.contains("lecture") ? Math.round(size * times) : size);
const enlarged = (part, times) => (part?.font?.size ? { ...part, font: { ...part.font, size: typeSize(part.font.size, times) } } : part);

// The page's colours, read at each drawing, so that dark mode needs no figure of its own.
function themed(layout) {
  const text = css("--chart-text", "#333"), grid = css("--chart-grid", "#e5e7eb");
  const axis = (given) => ({ gridcolor: grid, zerolinecolor: grid, linecolor: grid, ...given });
  const out = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", uirevision: "keep", hovermode: "closest",
    ...layout,
    font: { family: css("--font", "system-ui, sans-serif"), size: typeSize(13), color: text, ...(layout.font || {}) },
    hoverlabel: { bgcolor: css("--chart-hover", "#fff"), bordercolor: grid, font: { color: text } },
  };
  for (const key of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(key)) out[key] = axis({ ...layout[key], title: enlarged(layout[key].title) });
  }
  out.title = enlarged(layout.title, 1.08);   // it must fit above the chart
  if (layout.annotations) out.annotations = layout.annotations.map((each) => enlarged(each));
  return out;
}
// The colours of figures/style.py by the page's variables.
const INK = { "#4f46e5": "--accent", "#c2410c": "--highlight", "#64748b": "--chart-muted", "#1e293b": "--chart-text",
  "#00795a": "--good" };
const inked = (colour) => (INK[colour] ? css(INK[colour], colour) : colour);
function inkedTrace(trace) {
  const out = { ...trace };
  for (const part of ["marker", "line", "textfont"]) {
    if (out[part] && typeof out[part].color === "string") out[part] = { ...out[part], color: inked(out[part].color) };
  }
  if (out.textfont && out.textfont.size) out.textfont = { ...out.textfont, size: typeSize(out.textfont.size) };
  return out;
}
// No button of the bar may reach another host, so the buttons are named one by one.
const config = { displaylogo: false, responsive: true, doubleClick: false, displayModeBar: false,
  modeBarButtons: [["zoomIn2d", "zoomOut2d", "autoScale2d"]] };

// A figure that brings new axis ranges would undo the visitor's zoom (uirevision only protects ranges that stay the
// same), so the visitor's own ranges are kept here until a double click or the autoscale button gives them up.
let zoomed = {};
function rememberZoom(event) {
  for (const key of Object.keys(event)) {
    const hit = key.match(/^([xy]axis\d*)\.(range|autorange)/);
    if (!hit) continue;
    if (hit[2] === "autorange") delete zoomed[hit[1]];
    else zoomed[hit[1]] = canvas()._fullLayout[hit[1]].range.slice();
  }
  if (Object.keys(event).some((key) => key.endsWith("autorange"))) draw();
}

let drawing = false, again = false;
async function draw() {
  const node = canvas(), value = props.value;
  if (!node || !value || !window.Plotly) return;
  if (drawing) { again = true; return; }   // never queue up drawings: the newest figure wins
  drawing = true;
  try {
    const figure = JSON.parse(value);
    const layout = themed(figure.layout || {});
    for (const [axis, range] of Object.entries(zoomed)) if (layout[axis]) layout[axis].range = range;
    for (const a of layout.annotations || []) {
      if (a.arrowcolor) a.arrowcolor = inked(a.arrowcolor);
      if (a.font && a.font.color) a.font.color = inked(a.font.color);
    }
    await window.Plotly.react(node, figure.data.map(inkedTrace), layout, { ...config, ...(figure.config || {}) });
    if (!node.dataset.wired) {
      node.dataset.wired = "yes";
      node.on("plotly_relayout", rememberZoom);
      node.on("plotly_doubleclick", () => { zoomed = {}; draw(); });
      node.on("plotly_click", (event) => {
        const p = event.points[0];
        trigger("select", { curve: p.curveNumber, index: p.pointNumber, key: p.customdata ?? null });
      });
    }
    node.dataset.traces = String(figure.data.length);
    node.dataset.drawn = String(Number(node.dataset.drawn || 0) + 1);
  } finally {
    drawing = false;
    if (again) { again = false; requestAnimationFrame(draw); }
  }
}
// What a file shows: the newest figure in its own colours, zoomed as it is here.
function figureNow() {
  if (!props.value) return null;
  const figure = JSON.parse(props.value);
  for (const [axis, range] of Object.entries(zoomed)) if (figure.layout[axis]) figure.layout[axis].range = range;
  return figure;
}
(function whenSaves() { window.FigureSave ? window.FigureSave.wire(element, figureNow) : setTimeout(whenSaves, 50); })();
watch("value", draw);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
(function whenReady() {
  if (window.Plotly) return draw();
  window.readPlotly?.();   // once it is here itself; more than once does nothing
  setTimeout(whenReady, 50);
})();
