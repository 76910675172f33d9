// One square picture from the camera.
//
//   new Webcam(root, { onSnap(dataUrl) })
//
// The camera starts with the first click and stops when the picture is taken, put away, or out of sight.
(() => {
const SIDE = 224, QUALITY = 0.9;

class Webcam {
  constructor(root, { onSnap }) {
    Object.assign(this, { root, onSnap, stream: null });
    if (!navigator.mediaDevices?.getUserMedia) return;   // plain http, or none
    root.classList.add("wc");
    const make = (tag, text, attributes = {}) => Object.assign(document.createElement(tag), { textContent: text, ...attributes });
    const button = (text, act) => { const node = make("button", text, { type: "button", className: "wc-button" }); node.addEventListener("click", act); return node; };
    this.open = button("Camera", () => this.start());
    this.video = make("video", "", { muted: true, playsInline: true, className: "wc-video" });
    this.video.setAttribute("aria-label", "The camera's picture");
    this.take = button("Take the picture", () => this.snap());
    this.panel = make("div", "", { className: "wc-panel", hidden: true });
    this.panel.append(this.video, this.take, button("Put away", () => { this.stop(); this.open.focus(); }));
    this.said = make("p", "", { className: "wc-said", role: "status" });
    root.replaceChildren(this.open, this.panel, this.said);
    new IntersectionObserver(([entry]) => { if (!entry.isIntersecting) this.stop(); }).observe(root);
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.stop(); });
    root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.panel.hidden) return;
      event.preventDefault();   // what this closes is all that it closes
      this.stop();
      this.open.focus();
    });
  }

  async start() {
    this.said.textContent = "";
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "environment" }, audio: false });
      this.video.srcObject = this.stream;
      await this.video.play();
    } catch {
      this.stop();
      this.said.textContent = "No camera can be used here: allow it in the browser, or choose a file.";
      return;
    }
    this.panel.hidden = false;
    this.take.focus();
  }

  snap() {
    const { videoWidth: width, videoHeight: height } = this.video, side = Math.min(width, height);
    if (!side) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    canvas.getContext("2d").drawImage(this.video, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
    this.onSnap(canvas.toDataURL("image/jpeg", QUALITY));
    this.stop();
    this.open.focus();
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
    this.panel.hidden = true;
  }
}
window.Webcam = Webcam;
})();
