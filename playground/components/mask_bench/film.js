// The film: held-out pictures, what is visible of them, and what the model paints at the step that is scrubbed to.
//
//   const film = new MaskFilm(root, { onLacking({ run }) });
//   film.show({ run, side, pictures, normalised, hidden: "0110…", steps, first, frames: sheet, originals: sheet | null })   or null
//
// `steps` names all frames; `frames` has the pictures from index `first` on, one frame a row. What came before is kept by
// run and step. At its end the film follows the training; scrubbed back, it stays at its step.
(() => {
const P = window.MaskPixels, { h } = P;
const FRAMES_A_SECOND = 10;
const AGAIN = 1500;        // milliseconds before the same is asked for again
const GAP = 6;             // CSS pixels between pictures
const ROWS = [["original", "Original"], ["masked", "Masked"], ["painted", "Painted"]];

class MaskFilm {
  constructor(root, { onLacking }) {
    Object.assign(this, { root, onLacking, run: null, steps: [], kept: new Map(), originals: null, at: 0, following: true, coming: 0, drawn: 0, playing: null, asked: 0 });
    root.classList.add("mb", "mb-film");
    this.build();
    P.follow(root, () => this.draw());
  }

  // ---- The page's part
  build() {
    this.empty = h("p", { class: "mb-empty" }, "When a training runs, you see here what it paints of pictures that it is never trained on.");
    this.rows = Object.fromEntries(ROWS.map(([name, label]) => [name, { label: h("span", { class: "mb-rowname" }, label), canvas: h("canvas", { class: "mb-canvas", role: "img" }) }]));
    this.slider = h("input", { type: "range", class: "mb-slider", min: 0, max: 0, step: 1, value: 0, "aria-label": "Training step" });
    this.slider.addEventListener("input", () => { this.stop(); this.goTo(Number(this.slider.value)); });
    this.playButton = h("button", { type: "button", class: "mb-button mb-play" }, "Play");
    this.playButton.addEventListener("click", () => (this.playing ? this.stop() : this.play()));
    this.newest = h("button", { type: "button", class: "mb-button" }, "Newest");
    this.newest.addEventListener("click", () => { this.stop(); this.goTo(this.steps.length - 1); this.slider.focus({ preventScroll: true }); });
    this.step = h("output", { class: "mb-step" });
    this.copying = h("input", { type: "checkbox" });
    this.copying.checked = true;
    this.copying.addEventListener("change", () => { this.draw(); this.say(); });
    this.note = h("p", { class: "mb-note" });
    this.list = h("div", { class: "mb-rows" }, Object.values(this.rows).flatMap(({ label, canvas }) => [label, canvas]));
    this.bar = h("div", { class: "mb-bar mb-scrub" }, this.playButton, this.slider, this.step, this.newest);
    this.foot = h("div", { class: "mb-bar" }, this.note, h("label", { class: "mb-check" }, this.copying, " copy the visible patches in"));
    this.parts = h("div", { role: "group", "aria-label": this.root.dataset.label || "" }, this.list, this.bar, this.foot);
    this.parts.hidden = true;
    this.root.replaceChildren(this.empty, this.parts);
  }

  // ---- What the server says
  show(given) {
    if (!given) { this.forget(); return; }
    const coming = ++this.coming;
    Promise.all([P.decode(given.frames), P.decode(given.originals)]).then(([frames, originals]) => this.take(given, frames, originals, coming));
  }
  // Frames that come late are kept; which steps there are is said by the newest.
  take(given, frames, originals, coming) {
    const newest = coming === this.coming;
    if (given.run !== this.run) {
      if (!newest) return;
      this.stop();
      Object.assign(this, { run: given.run, kept: new Map(), originals: null, at: 0, following: true, asked: 0, steps: [] });
    }
    if (originals) this.originals = originals;
    given.steps.slice(given.first).forEach((step, row) => { if (frames) this.kept.set(step, { sheet: frames, row }); });
    if (newest) this.follow(given);
    this.askForMissing();
  }
  follow(given) {
    const before = this.steps[this.at], still = (step) => given.steps.includes(step);
    for (const step of [...this.kept.keys()]) if (!still(step)) this.kept.delete(step);
    Object.assign(this, { steps: given.steps, side: given.side, pictures: given.pictures, normalised: given.normalised, hidden: Array.from(given.hidden, Number) });
    const last = this.steps.length - 1;
    this.at = this.following && !this.playing ? last : Math.max(0, this.steps.findLastIndex((step) => step <= before));
    this.empty.hidden = last >= 0;
    this.parts.hidden = last < 0;
    this.slider.max = String(Math.max(0, last));
    this.say();
    this.draw();
  }
  // A page that missed frames says so.
  askForMissing() {
    const lacks = this.steps.length && (!this.originals || this.steps.some((step) => !this.kept.has(step)));
    if (!lacks) { clearTimeout(this.again); return; }
    const since = performance.now() - this.asked;
    if (this.asked && since < AGAIN) return;
    this.asked = performance.now();
    this.onLacking({ run: this.run });
    clearTimeout(this.again);
    this.again = setTimeout(() => this.askForMissing(), AGAIN + 50);
  }
  forget() {
    this.stop();
    clearTimeout(this.again);
    this.coming += 1;
    Object.assign(this, { run: null, steps: [], kept: new Map(), originals: null, at: 0, following: true });
    this.empty.hidden = false;
    this.parts.hidden = true;
  }

  // ---- What the visitor does
  goTo(index) {
    const last = this.steps.length - 1;
    this.at = Math.min(last, Math.max(0, index));
    this.following = this.at === last;
    this.say();
    this.draw();
  }
  play() {
    if (this.at >= this.steps.length - 1) this.goTo(0);
    this.playing = setInterval(() => {
      this.goTo(this.at + 1);
      if (this.at >= this.steps.length - 1) this.stop();
    }, 1000 / FRAMES_A_SECOND);
    this.playButton.textContent = "Pause";
  }
  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.playButton.textContent = "Play";
  }

  // ---- Drawing
  say() {
    const last = this.steps.length - 1, step = this.steps[this.at]?.toLocaleString("en"), newest = this.steps[last]?.toLocaleString("en");
    this.slider.value = String(this.at);
    this.step.textContent = `step ${step}`;
    this.slider.setAttribute("aria-valuetext", `step ${step} of ${newest}, frame ${this.at + 1} of ${last + 1}`);
    this.newest.disabled = this.at === last;
    this.rows.painted.canvas.setAttribute("aria-label", `What the model paints at step ${step}`);
    this.rows.original.canvas.setAttribute("aria-label", `${this.pictures} held-out pictures`);
    const hidden = this.hidden?.filter(Boolean).length ?? 0, share = P.percent(hidden, this.hidden?.length || 1);
    this.rows.masked.canvas.setAttribute("aria-label", `The same pictures, ${share} of their patches hidden`);
    const visible = this.copying.checked ? "visible patches are copied, not predicted" : "the decoder's output for every patch";
    this.note.textContent = `Held-out pictures, ${share} hidden; ${visible}${this.normalised ? "; painted patches are normalised: brightness and contrast were not asked for" : ""}.`;
  }

  draw() {
    if (!this.steps.length || !this.list.clientWidth) return;
    const ink = P.inkOf(this.root), frame = this.kept.get(this.steps[this.at]), { originals, hidden, side } = this;
    this.row("original", (pen, k, x, size) => { if (originals) P.put(pen, originals, k, x, 0, size); });
    this.row("masked", (pen, k, x, size) => { if (originals) { P.put(pen, originals, k, x, 0, size); P.cover(pen, hidden, side, x, 0, size, ink); } });
    this.row("painted", (pen, k, x, size) => {
      if (!frame) { pen.fillStyle = ink.wash; pen.fillRect(x, 0, size, size); return; }
      P.put(pen, frame.sheet, frame.row * this.pictures + k, x, 0, size);
      if (this.copying.checked && originals) P.copyVisible(pen, originals, k, hidden, side, x, 0, size);
    });
    Object.assign(this.root.dataset, { drawn: String(++this.drawn), step: String(this.steps[this.at]), ready: frame && originals ? "1" : "0" });
  }
  row(name, paint) {
    const { canvas } = this.rows[name], gap = Math.round(GAP * P.ratioNow()), count = this.pictures;
    canvas.style.aspectRatio = `${count * 100 + (count - 1) * GAP}/100`;
    const width = Math.round(canvas.clientWidth * P.ratioNow());
    if (!width) return;
    const size = Math.floor((width - gap * (count - 1)) / count);
    canvas.width = width; canvas.height = size;
    canvas.style.height = `${size / P.ratioNow()}px`;
    for (let k = 0; k < count; k++) paint(canvas.getContext("2d"), k, k * (size + gap), size);
  }
}
window.MaskFilm = MaskFilm;
})();
