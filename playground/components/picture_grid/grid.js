// A grid of pictures: a list box with one stop of the Tab key, in which the arrow keys go from picture to picture.
//
//   const grid = new PictureGrid(root, { onPick: ({ index, id }) => … });
//   grid.show({ id, names, captions, chosen, pickable, empty, sprite: { src, tile, columns } })
//
// Every thumbnail is a canvas at the screen's own pixels, so that no picture is scaled twice and none shows a neighbour's
// edge. Names and captions are set as text. The pictures before stay until the new ones are decoded.
(() => {
const RIM = 1, SMALL = 32;   // pixels of a tile into which the compression smears its neighbours; left out but of small tiles
const make = (tag, className) => { const node = document.createElement(tag); node.className = className; return node; };

class PictureGrid {
  constructor(root, { onPick }) {
    Object.assign(this, { root, onPick, cells: [], shown: null, image: null, coming: 0, at: 0, drawn: 0 });
    this.list = make("div", "pg-list");
    this.line = make("p", "pg-line");
    this.line.setAttribute("aria-hidden", "true");   // screen readers hear the option's own name
    this.fill(Number(root.dataset.places), root.dataset.captioned === "1");
    root.replaceChildren(this.list, this.line);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.list);
  }

  // ---- Showing
  show(given) {
    const coming = ++this.coming;
    if (!given.sprite) { this.put(given, null); return; }
    const image = new Image();
    image.src = given.sprite.src;
    const put = () => { if (coming === this.coming) this.put(given, image); };
    image.decode().then(put, put);   // undecodable: the names are still there
  }

  put(given, image) {
    const focused = this.list.contains(document.activeElement), count = given.names.length;
    Object.assign(this, { shown: given, image, at: given.chosen ?? Math.max(0, Math.min(this.at, count - 1)) });
    this.fill(count, Boolean(given.captions));
    this.cells.forEach((cell, i) => this.name(cell, i));
    if (count) { this.list.setAttribute("role", "listbox"); this.list.setAttribute("aria-label", this.root.dataset.label); }
    else { this.list.removeAttribute("role"); this.list.removeAttribute("aria-label"); }
    this.list.classList.toggle("pg-pickable", given.pickable);
    this.list.dataset.empty = count ? "" : given.empty;
    this.mark();
    if (focused) this.cells[this.at]?.focus({ preventScroll: true });
    this.say(null);
    this.draw();
  }

  fill(count, captioned) {
    while (this.cells.length > count) this.cells.pop().remove();
    while (this.cells.length < count) {
      const cell = make("div", "pg-cell");
      cell.append(make("canvas", "pg-picture"), make("span", "pg-caption"));
      this.cells.push(cell);
      this.list.append(cell);
    }
    this.list.classList.toggle("pg-captioned", captioned);
  }

  name(cell, i) {
    const name = this.shown.names[i], caption = this.shown.captions?.[i] ?? "";
    cell.title = name.includes(caption) ? name : `${name}, ${caption}`;
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-label", cell.title);
    cell.lastChild.textContent = caption;
  }

  mark() {
    this.cells.forEach((cell, i) => {
      cell.tabIndex = i === this.at ? 0 : -1;
      cell.setAttribute("aria-selected", String(i === this.shown.chosen));
    });
  }

  // What the pointer or the keyboard is at, else the chosen picture, by name.
  say(index) {
    const of = index ?? this.shown?.chosen;
    this.line.textContent = of === null || of === undefined ? "" : this.cells[of].title;
  }

  draw() {
    if (!this.shown || !this.list.clientWidth) return;   // in a closed tab; the observer calls again
    const { sprite } = this.shown, ready = this.image && this.image.naturalWidth > 0;
    this.cells.forEach((cell, i) => {
      const canvas = cell.firstChild, side = Math.max(1, Math.round(canvas.clientWidth * window.devicePixelRatio));
      canvas.width = canvas.height = side;
      if (!ready) return;
      const pen = canvas.getContext("2d"), rim = sprite.tile >= SMALL ? RIM : 0, part = sprite.tile - 2 * rim;
      const left = (i % sprite.columns) * sprite.tile + rim, top = Math.floor(i / sprite.columns) * sprite.tile + rim;
      pen.imageSmoothingQuality = "high";
      pen.drawImage(this.image, left, top, part, part, 0, 0, side, side);
    });
    this.root.dataset.drawn = String(++this.drawn);
    this.root.dataset.shown = this.shown.id;
  }

  // ---- What the visitor does
  listen() {
    const indexOf = (event) => this.shown ? this.cells.indexOf(event.target.closest?.(".pg-cell")) : -1;
    this.list.addEventListener("click", (event) => { const i = indexOf(event); if (i >= 0) this.pick(i); });
    this.list.addEventListener("focusin", (event) => { const i = indexOf(event); if (i >= 0) { this.at = i; this.mark(); this.say(i); } });
    this.list.addEventListener("focusout", () => this.say(null));
    this.list.addEventListener("pointerover", (event) => { const i = indexOf(event); if (i >= 0) this.say(i); });
    this.list.addEventListener("pointerleave", () => this.say(this.list.contains(document.activeElement) ? this.at : null));
    this.list.addEventListener("keydown", (event) => this.key(event, indexOf(event)));
  }

  key(event, i) {
    if (i < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.pick(i); return; }
    const last = this.cells.length - 1, row = this.columns();
    const below = i + row <= last ? i + row : i, above = i - row >= 0 ? i - row : i;
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, ArrowDown: below, ArrowUp: above, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.cells[Math.max(0, Math.min(last, to))].focus();
  }

  columns() {   // pictures in a row: as many as stand as high as the first
    const top = this.cells[0].offsetTop, next = this.cells.findIndex((cell) => cell.offsetTop > top);
    return next < 0 ? this.cells.length : next;
  }

  pick(index) {
    this.at = index;
    if (this.shown.pickable) this.shown.chosen = index;
    this.mark();
    this.cells[index].focus({ preventScroll: true });
    this.say(index);
    if (this.shown.pickable) this.onPick({ index, id: this.shown.id });
  }
}
window.PictureGrid = PictureGrid;
})();
