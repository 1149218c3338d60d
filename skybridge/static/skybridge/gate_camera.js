// The camera as a scanner: the browser reads the barcode where it can, else the server reads grey pictures.

const FORMATS = ["aztec", "pdf417", "qr_code"];
const WIDTH = 1280; // of the pictures that are sent: a PDF417 has 209 modules and seldom fills the picture
const PIXELS = 600_000; // what is above and below is left out
const TURNS = [0, 4, -4, 8, -8]; // degrees, one after the other: a PDF417 is read only where it lies almost straight
const EVERY = 150;
const SAME = 3_000; // the same pass again within this time is the same passenger

export class Camera {
  constructor(button, view, words, { found, refused, read }) {
    Object.assign(this, { button, view, words, found, refused, read });
    if (!navigator.mediaDevices?.getUserMedia) return;
    button.hidden = false;
    button.addEventListener("click", () => (this.stream ? this.stop() : this.start()));
  }

  async start() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
      });
    } catch {
      this.refused();
      return;
    }
    this.view.srcObject = this.stream;
    this.view.hidden = false;
    await this.view.play();
    this.draw();
    this.detector = await detector();
    this.look();
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.view.hidden = true;
    this.view.srcObject = null;
    clearTimeout(this.timer);
    this.draw();
  }

  draw() {
    this.button.textContent = this.stream ? this.words.camera_off : this.words.camera_on;
  }

  async look() {
    if (!this.stream) return;
    try {
      const text = await (this.detector ? this.detect() : this.send());
      if (text && !(text === this.last && Date.now() - this.lastAt < SAME)) this.found(text);
      if (text) [this.last, this.lastAt] = [text, Date.now()];
    } catch {
      // No picture yet, or no connection: the next one will do.
    }
    this.timer = setTimeout(() => this.look(), EVERY);
  }

  async detect() {
    return (await this.detector.detect(this.view))[0]?.rawValue ?? "";
  }

  send() {
    const width = Math.min(WIDTH, this.view.videoWidth);
    if (!width) return "";
    const full = (this.view.videoHeight * width) / this.view.videoWidth;
    const height = Math.floor(Math.min(full, PIXELS / width));
    this.canvas ??= document.createElement("canvas");
    Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.turn = ((this.turn ?? -1) + 1) % TURNS.length;
    context.translate(width / 2, height / 2);
    context.rotate((TURNS[this.turn] * Math.PI) / 180);
    context.drawImage(this.view, -width / 2, -full / 2, width, full);
    const { data } = context.getImageData(0, 0, width, height);
    const grey = new Uint8Array(width * height);
    for (let n = 0; n < grey.length; n++) grey[n] = (data[4 * n] * 77 + data[4 * n + 1] * 151 + data[4 * n + 2] * 28) >> 8;
    return this.read(grey, width, height);
  }
}

async function detector() {
  if (!("BarcodeDetector" in window)) return null;
  const known = await BarcodeDetector.getSupportedFormats();
  return FORMATS.every((format) => known.includes(format)) ? new BarcodeDetector({ formats: FORMATS }) : null;
}
