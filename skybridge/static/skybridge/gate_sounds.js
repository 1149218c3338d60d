// Two short rising tones let somebody board, a long low one does not. The choice of silence is kept on the device.

const MUTED = "skybridge.gate.muted";

export class Sounds {
  constructor(button, words) {
    this.button = button;
    this.words = words;
    this.isOn = localStorage.getItem(MUTED) !== "yes";
    button.hidden = false;
    button.addEventListener("click", () => {
      this.isOn = !this.isOn;
      localStorage.setItem(MUTED, this.isOn ? "no" : "yes");
      this.draw();
      if (this.isOn) this.play(true);
    });
    this.draw();
  }

  draw() {
    this.button.textContent = this.isOn ? this.words.sound_off : this.words.sound_on;
  }

  play(accepted) {
    if (!this.isOn) return;
    try {
      this.context ??= new AudioContext();
      if (this.context.state === "suspended") this.context.resume();
      const tones = accepted ? [[880, 0, 0.09, "sine"], [1318, 0.1, 0.14, "sine"]] : [[196, 0, 0.22, "square"], [147, 0.25, 0.4, "square"]];
      for (const tone of tones) this.tone(...tone);
    } catch {
      // A device without sound boards as well.
    }
  }

  tone(pitch, after, lasting, shape) {
    const begins = this.context.currentTime + after;
    const source = this.context.createOscillator();
    const volume = this.context.createGain();
    source.type = shape;
    source.frequency.value = pitch;
    volume.gain.setValueAtTime(shape === "square" ? 0.12 : 0.3, begins);
    volume.gain.exponentialRampToValueAtTime(0.001, begins + lasting);
    source.connect(volume).connect(this.context.destination);
    source.start(begins);
    source.stop(begins + lasting);
  }
}
