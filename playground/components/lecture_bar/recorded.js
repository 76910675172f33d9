/* A recorded run: curves that grow as they grew, pictures that sharpen, and what was answered. Marked as recorded. */
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PLAY_MS = 5000;
  const WIDTH = 330, HEIGHT = 112, LEFT = 34, RIGHT = 108, TOP = 8, BOTTOM = 18;
  const COLOURS = ["var(--accent)", "var(--highlight)", "var(--good)", "var(--soft)"];

  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function drawn(tag, attributes, text) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function round(top) {
    const power = 10 ** Math.floor(Math.log10(top));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((times) => times * power).find((value) => value >= top * 0.999);
  }

  class RecordedRun {
    constructor(root, recording) {
      this.recording = recording;
      this.end = Math.max(...recording.lines.flatMap((line) => line.steps));
      const values = recording.lines.flatMap((line) => line.values);
      if (recording.guess) values.push(recording.guess[1]);
      this.top = recording.share ? 1 : round(Math.max(...values));
      this.frame = 0;
      this.build(root);
      this.play();
    }

    build(root) {
      const { recording } = this;
      const { card } = recording;
      const heading = make("div", "lr-heading");
      heading.append(make("span", "lr-badge", "Recorded"), make("b", "", recording.title));
      this.again = make("button", "lr-again", "↻");
      this.again.type = "button";
      this.again.setAttribute("aria-label", "Play the recorded run again");
      this.again.addEventListener("click", () => this.play());
      heading.append(this.again);
      const body = make("div", "lr-body");
      body.append(this.chart());
      if (recording.pictures) body.append(this.pictures());
      const made = `${card.machine}, seed ${card.seed}, ${card.date}`;
      const foot = make("div", "lr-foot");
      this.clock = make("span", "num");
      this.said = make("span", "lr-said");
      const how = make("span", "lr-card", made);
      how.title = `${card.made_by}, torch ${card.torch}, ${this.amount(card.steps)} in ${Math.round(card.seconds)} s`;
      foot.append(this.clock, this.said, how);
      root.replaceChildren(heading, body, foot);
    }

    x(steps) { return LEFT + (WIDTH - LEFT - RIGHT) * steps / this.end; }
    y(value) { return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.min(1, value / this.top); }

    chart() {
      const { recording } = this;
      const last = recording.lines.map((line) => `${line.label} ${this.number(line.values.at(-1))}`).join(", ");
      const svg = drawn("svg", {
        class: "lr-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
        "aria-label": `Recorded run: ${recording.title}. At the end: ${last}.`,
      });
      for (const share of [0, 0.5, 1]) {
        const y = this.y(share * this.top);
        svg.append(drawn("line", { class: "lr-grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }));
        svg.append(drawn("text", { class: "lr-tick", x: LEFT - 4, y: y + 4, "text-anchor": "end" }, this.number(share * this.top)));
      }
      svg.append(drawn("text", { class: "lr-tick", x: LEFT, y: HEIGHT - 4 }, `${recording.value_title}, over ${this.amount(this.end)}`));
      if (recording.guess) {
        const y = this.y(recording.guess[1]);
        svg.append(drawn("line", { class: "lr-guess", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }));
      }
      const ends = recording.lines.map((line, i) => ({ text: line.label, y: this.y(line.values.at(-1)), colour: COLOURS[line.colour], i }));
      if (recording.guess) ends.push({ text: recording.guess[0], y: this.y(recording.guess[1]), colour: "var(--soft)", i: -1 });
      ends.sort((a, b) => a.y - b.y);
      let above = -Infinity;
      for (const one of ends) { one.y = Math.max(one.y, above + 13); above = one.y; }
      let below = HEIGHT - 3;
      for (const one of [...ends].reverse()) { one.y = Math.min(one.y, below); below = one.y - 13; }
      this.lines = recording.lines.map((line) => {
        const path = drawn("polyline", { class: `lr-line${line.dashed ? " dashed" : ""}`, style: `stroke: ${COLOURS[line.colour]}` });
        svg.append(path);
        return path;
      });
      for (const one of ends)
        svg.append(drawn("text", { class: "lr-label", x: WIDTH - RIGHT + 5, y: one.y + 4, style: `fill: ${one.colour}` }, one.text));
      return svg;
    }

    pictures() {
      const { pictures } = this.recording;
      const made = make("div", "lr-pictures");
      const rows = [["seen", pictures.seen], ["painted", pictures.frames[0].src], ["as it is", pictures.whole]];
      for (const [name, src] of rows) {
        const image = make("img");
        image.src = src;
        image.alt = `Held-out pictures, ${name}`;
        made.append(image, make("span", "", name));
        if (name === "painted") this.painted = image;
      }
      return made;
    }

    number(value) {
      if (this.recording.share) return `${Math.round(100 * value)} %`;
      return Number.isInteger(value) ? String(value) : value.toPrecision(2);
    }

    amount(steps) {
      const shown = steps >= 1e6 ? `${(steps / 1e6).toFixed(1)} M` : Math.round(steps).toLocaleString("en");
      return `${shown} ${this.recording.card.step_unit}`;
    }

    play() {
      cancelAnimationFrame(this.frame);
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) { this.show(1); return; }
      const begun = performance.now();
      const tick = (now) => {
        const share = Math.max(0, Math.min(1, (now - begun) / PLAY_MS));
        this.show(share);
        if (share < 1) this.frame = requestAnimationFrame(tick);
      };
      this.show(0);
      this.frame = requestAnimationFrame(tick);
    }

    stop() { cancelAnimationFrame(this.frame); }

    /* As it was after this share of the run. */
    show(share) {
      const { recording } = this;
      const until = this.end * share;
      recording.lines.forEach((line, i) => {
        const points = [];
        for (let k = 0; k < line.steps.length && line.steps[k] <= until; k += 1)
          points.push(`${this.x(line.steps[k]).toFixed(1)},${this.y(line.values[k]).toFixed(1)}`);
        this.lines[i].setAttribute("points", points.join(" "));
      });
      this.clock.textContent = `after ${this.amount(until)}`;
      const said = recording.said.filter((one) => one.seconds <= recording.card.seconds * share + 0.1).at(-1);
      this.said.textContent = said ? said.text : "";
      if (recording.pictures) {
        const frames = recording.pictures.frames;
        const now = frames.filter((one) => one.steps <= until).at(-1) ?? frames[0];
        if (this.painted.src !== now.src) this.painted.src = now.src;
      }
    }
  }

  window.RecordedRun = RecordedRun;
})();
