/* The lecture bar: walks the steps, opens their tabs, outlines what is to be clicked, plays the recorded run. */
(() => {
  const STORED = "ssl-playground-lecture";
  const LOOK_MS = 60, LOOK_FOR_MS = 20000, SETTLE_MS = 250, LIVE_MS = 400, LATE_MS = 4000;
  const HANDS = ["wheel", "touchstart", "pointerdown", "keydown"];  /* what a visitor does; a scroll alone may be ours */
  const VIEWS = ".techniques .tabitem .tab-wrapper";
  const LIVE_PHASES = ["training", "paused", "done"];
  const TYPING = "input, textarea, select, [contenteditable=true], [role=textbox], [role=slider], [role=listbox], [role=option], [role=combobox]";
  const KEYED = "[role=tab], [role=grid], [role=application], [role=radio], canvas";
  /* What has arrow keys of its own. */

  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function button(className, text, label, act) {
    const made = make("button", className, text);
    made.type = "button";
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  const seen = (element) => element.getClientRects().length > 0;

  class LectureBar {
    constructor(root, lecture, open) {
      this.lecture = lecture;
      this.steps = lecture.steps;
      this.open = open;
      this.index = -1;
      this.on = false;
      this.walk = 0;
      this.recordings = new Map();
      this.style = document.head.appendChild(make("style", "lecture-outline"));
      this.build(root);
      this.listen();
      this.start();
    }

    build(root) {
      this.bar = make("section", "lb-bar");
      this.bar.setAttribute("aria-label", "Lecture");
      this.bar.hidden = true;
      const told = make("div", "lb-told");
      told.setAttribute("aria-live", "polite");
      const heading = make("div", "lb-heading");
      this.count = make("span", "num");
      this.title = make("b", "lb-title");
      heading.append(this.count, this.title);
      this.say = make("p", "lb-say");
      told.append(heading, this.say);
      const todo = make("dl", "lb-todo");
      this.go = button("lb-go", "", "", () => this.toTarget());
      this.click = make("dd");
      this.see = make("dd");
      this.click.append(this.go);
      todo.append(make("dt", "", "Click"), this.click, make("dt", "", "See"), this.see);
      this.recorded = make("div", "lb-recorded");
      this.recorded.hidden = true;
      const buttons = make("div", "lb-buttons");
      this.back = button("lb-step", "←", "Step before", () => this.step(-1));
      this.next = button("lb-step lb-next", "→", "Next step", () => this.step(1));
      buttons.append(
        this.back, this.next,
        button("", "Notes", "Speaker notes, to print", () => this.notes()),
        button("", "Leave", "Leave the lecture", () => this.leave()),
      );
      this.bar.append(told, todo, this.recorded, buttons);
      root.append(this.bar);
      new ResizeObserver(() => {
        document.body.style.setProperty("--lecture-bar", `${this.on ? this.bar.offsetHeight : 0}px`);
      }).observe(this.bar);
    }

    listen() {
      document.addEventListener("click", (event) => {
        if (event.target.closest("[data-lecture]")) this.on ? this.leave() : this.enter(Math.max(0, this.remembered()));
      });
      document.addEventListener("keydown", (event) => this.key(event));
    }

    key(event) {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = event.target instanceof Element ? event.target : document.body;
      if (at.closest(TYPING)) return;
      const mine = at.closest(".lb-bar") !== null;
      if (event.key === "l" || event.key === "L") {
        this.on ? this.leave() : this.enter(Math.max(0, this.remembered()));
      } else if (!this.on) {
        return;
      } else if (event.key === "Escape") {
        if (document.querySelector("[aria-expanded=true][role=combobox], [role=dialog]")) return;
        this.leave();
      } else if (["ArrowRight", "ArrowLeft"].includes(event.key) && (mine || !at.closest(KEYED))) {
        this.step(event.key === "ArrowRight" ? 1 : -1);
      } else if (["PageDown", "PageUp"].includes(event.key)) {  /* what a presenter's remote sends */
        this.step(event.key === "PageDown" ? 1 : -1);
      } else return;
      event.preventDefault();
    }

    find(asked) {
      if (/^[0-9]{1,5}$/.test(asked ?? "")) return Number(asked) <= this.steps.length ? Number(asked) - 1 : -1;
      return this.steps.findIndex((step) => step.id === asked);
    }

    remembered() {
      try { return this.find(JSON.parse(sessionStorage.getItem(STORED))?.step); } catch { return -1; }
    }

    start() {
      const linked = this.find(new URLSearchParams(location.search).get("step"));
      let was = false;
      try { was = JSON.parse(sessionStorage.getItem(STORED))?.on === true; } catch { /* no storage: no memory */ }
      const plain = [...new URLSearchParams(location.search).keys()].every((name) => name === "__theme");
      if (linked >= 0) this.enter(linked, true);
      else if (plain && was && this.remembered() >= 0) this.enter(this.remembered());  /* another link counts before memory */
    }

    keep() {
      const step = this.steps[this.index];
      try { sessionStorage.setItem(STORED, JSON.stringify({ on: this.on, step: step?.id })); } catch { /* no storage */ }
      const address = new URL(location.href);
      if (this.on) {
        const theme = address.searchParams.get("__theme");
        address.search = "";
        if (theme) address.searchParams.set("__theme", theme);
        address.searchParams.set("step", step.id);
      } else address.searchParams.delete("step");
      history.replaceState(history.state, "", address);
    }

    enter(index, opened = false) {
      if (!this.steps.length) return;
      this.on = true;
      this.bar.hidden = false;
      document.body.classList.add("lecture");
      this.switch(true);
      this.to(Math.min(index, this.steps.length - 1), opened);
      this.next.focus({ preventScroll: true });
      for (const name of Object.keys(this.lecture.recorded)) this.recording(name);
    }

    leave() {
      this.on = false;
      this.walk += 1;
      this.bar.hidden = true;
      document.body.classList.remove("lecture", "lecture-views");
      document.body.style.setProperty("--lecture-bar", "0px");
      this.outline("");
      this.silence();
      this.switch(false);
      this.keep();
      document.querySelector("[data-lecture]")?.focus({ preventScroll: true });
    }

    switch(on) {
      for (const one of document.querySelectorAll("[data-lecture]")) one.setAttribute("aria-pressed", String(on));
    }

    step(by) {
      const index = this.index + by;
      if (index >= 0 && index < this.steps.length) this.to(index);
    }

    to(index, opened = false) {
      this.index = index;
      const step = this.steps[index];
      const held = this.bar.contains(document.activeElement) || document.activeElement === document.body;
      this.count.textContent = `${index + 1} / ${this.steps.length}`;
      this.title.textContent = step.title;
      this.say.textContent = step.say;
      this.go.textContent = step.click;
      this.go.disabled = !step.target;
      this.see.textContent = step.see;
      this.back.disabled = index === 0;
      this.next.disabled = index === this.steps.length - 1;
      if (held && (document.activeElement === document.body || document.activeElement.disabled))
        (this.next.disabled ? this.back : this.next).focus({ preventScroll: true });
      document.body.classList.toggle("lecture-views", step.focus === "views");
      this.bar.dataset.step = step.id;
      delete this.bar.dataset.ready;
      this.keep();
      this.outline(step.target);
      this.play(step);
      this.walk += 1;
      clearTimeout(this.waiting);
      const { walk } = this;
      const go = () => requestAnimationFrame(() => setTimeout(() => this.lead(step, walk, opened)));  /* the bar is seen first */
      const hurried = performance.now() - (this.moved ?? -Infinity) < SETTLE_MS;  /* who hurries through opens nothing on the way */
      this.moved = performance.now();
      if (hurried) this.waiting = setTimeout(go, SETTLE_MS);
      else go();
    }

    /* Open the tab and its sub-tabs, then bring the target into sight. What the step sets is asked for first, so that
       a tab that is seen for the first time is opened once. */
    async lead(step, walk, opened) {
      if (walk !== this.walk) return;
      if (step.sets && !opened) this.open(step.tab, step.id);
      const there = (find) => this.until(find, walk);
      if (!await there(() => openTab(step.label))) return;
      for (const view of step.view) if (!await there(() => openTab(view, VIEWS))) return;
      const target = step.target ? await there(() => this.target(step.target)) : null;
      if (walk !== this.walk) return;
      if (target) this.reveal(target);
      else scrollTo({ top: 0 });
      dispatchEvent(new Event("resize"));  /* charts that were drawn beside what is hidden now */
      this.bar.dataset.ready = "";
      if (target) this.holdInSight(step.target, walk);
    }

    async until(find, walk) {
      const end = performance.now() + LOOK_FOR_MS;
      while (walk === this.walk && performance.now() < end) {
        const found = find();
        if (found) return found;
        await new Promise((done) => setTimeout(done, LOOK_MS));
      }
      return null;
    }

    target(selector) {
      try { return [...document.querySelectorAll(selector)].find(seen) ?? null; } catch { return null; }
    }

    reveal(target) {
      const { top, bottom } = target.getBoundingClientRect();
      const room = innerHeight - this.bar.offsetHeight;
      if (bottom + scrollY < room - 8) scrollTo({ top: 0 });
      else scrollBy({ top: Math.min(top - 60, bottom - room + 24) });
    }

    /* What comes late (a recorded run, pictures) does not push the target out of sight, until the visitor does something. */
    async holdInSight(selector, walk) {
      const end = performance.now() + LATE_MS;
      let led = true;
      const letGo = () => { led = false; };
      for (const kind of HANDS) addEventListener(kind, letGo, { capture: true, passive: true });
      while (led && walk === this.walk && performance.now() < end) {
        const target = this.target(selector), box = target?.getBoundingClientRect();
        if (box && (box.top < 0 || box.bottom > innerHeight - this.bar.offsetHeight)) this.reveal(target);
        await new Promise((done) => setTimeout(done, LOOK_MS));
      }
      for (const kind of HANDS) removeEventListener(kind, letGo, { capture: true });
    }

    toTarget() {
      const target = this.target(this.steps[this.index].target);
      if (!target) return;
      this.reveal(target);
      const inner = "button, a[href], input, textarea, select, [tabindex]:not([tabindex='-1'])";
      (target.matches(inner) ? target : target.querySelector(inner) ?? target).focus({ preventScroll: true });
    }

    outline(selector) {
      const { sheet } = this.style;
      while (sheet.cssRules.length) sheet.deleteRule(0);
      if (!selector) return;
      try {
        sheet.insertRule(`body.lecture :is(${selector}) { outline: 4px solid var(--highlight) !important; outline-offset: 3px; border-radius: 4px; z-index: 2; }`);
      } catch { /* no selector: nothing is outlined */ }
    }

    recording(name) {
      if (!this.recordings.has(name))
        this.recordings.set(name, fetch(this.lecture.recorded[name].url).then((answer) => answer.json()).catch(() => null));
      return this.recordings.get(name);
    }

    silence() {
      clearInterval(this.watching);
      this.run?.stop();
      this.run = null;
      this.recorded.hidden = true;
    }

    async play(step) {
      this.silence();
      if (!step.recording || !this.lecture.recorded[step.recording]) return;
      const recording = await this.recording(step.recording);
      if (!recording || this.steps[this.index] !== step || !this.on) return;
      const { live } = this.lecture.recorded[step.recording];
      const panel = make("div", "lr-panel");
      const aside = make("div", "lr-aside");
      aside.append(
        make("span", "", "Your own run has values: the recorded one has stepped aside."),
        button("", "Show the recorded run", "", () => this.asides(false)),
      );
      this.recorded.replaceChildren(panel, aside);
      this.recorded.hidden = false;
      this.run = new window.RecordedRun(panel, recording);
      this.asides(false);
      let lived = false;
      const look = () => {
        const status = document.querySelector(`${live} .status`);
        const moving = status && LIVE_PHASES.includes(status.dataset.phase) && Number(status.querySelector("[aria-valuenow]")?.getAttribute("aria-valuenow")) > 0;
        if (moving && !lived) this.asides(true);
        lived = Boolean(moving);
      };
      look();
      this.watching = setInterval(look, LIVE_MS);
    }

    asides(on) {
      this.recorded.classList.toggle("aside", on);
      this.recorded.firstChild.inert = on;
    }

    notes() {
      const base = document.createElement("base");
      base.href = location.origin + location.pathname;
      const page = this.lecture.notes.replace("<head>", `<head>${base.outerHTML}`);
      const address = URL.createObjectURL(new Blob([page], { type: "text/html" }));
      const link = make("a");
      link.href = address;
      link.target = "_blank";
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    }
  }

  window.LectureBar = LectureBar;
})();
