// Opens a tab of the page by its label, also where it stands in Gradio's menu of the tabs that have no room.
//
//   openTab("CLIP")                          one of the page's own tabs
//   openTab("Curves", ".techniques .tabitem .tab-wrapper")      one of the rows that the selector finds and that are seen
//
// Returns "opened", "open" where it was so before, "" where no seen row has such a tab.
(() => {
const PAGE = ".techniques > .tab-wrapper";

window.openTab = (label, rows = PAGE) => {
  for (const row of document.querySelectorAll(rows)) {
    if (!row.getClientRects().length) continue;
    for (const tab of row.querySelectorAll("[role=tab], .overflow-dropdown button")) {   // the menu's answer a click while it is closed
      if (tab.textContent.trim() !== label) continue;
      if (tab.getAttribute("aria-selected") === "true" || tab.classList.contains("selected")) return "open";
      tab.click();
      return "opened";
    }
  }
  return "";
};
})();
