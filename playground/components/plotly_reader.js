// To read plotly.js holds a slow machine for most of a second. It is fetched and read when the page has nothing else to
// do, such as to open the tab that was just clicked: when a chart asks for it, or a while after the page has opened.
(() => {
const AHEAD_MS = 2500, WITHIN_MS = 1500;
const source = document.currentScript.dataset.plotly;
const whenIdle = window.requestIdleCallback || ((work) => setTimeout(work));
let asked = false;

window.readPlotly = () => {
  if (asked) return;
  asked = true;
  const ahead = document.createElement("link"), script = document.createElement("script");
  Object.assign(ahead, { rel: "preload", as: "script", href: source });
  script.src = source;
  ahead.onload = ahead.onerror = () => whenIdle(() => document.head.append(script), { timeout: WITHIN_MS });
  document.head.append(ahead);
};
const later = () => setTimeout(() => whenIdle(window.readPlotly), AHEAD_MS);
document.readyState === "complete" ? later() : window.addEventListener("load", later);
})();
