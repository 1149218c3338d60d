// Scans that wait for a connection, on the device, by flight. They outlive the page; a nonce is sent as often as it
// takes and does nothing twice.

const MOST = 100; // of one upload

export class Queue {
  constructor(flightId) {
    this.key = `skybridge.gate.${flightId}`;
    this.deviceId = localStorage.getItem("skybridge.gate.device") ?? `page-${Math.random().toString(36).slice(2, 10)}`;
    localStorage.setItem("skybridge.gate.device", this.deviceId);
  }

  // Read anew each time: another tab may have added or sent some.
  get scans() {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "[]");
    } catch {
      return [];
    }
  }

  set scans(scans) {
    if (scans.length) localStorage.setItem(this.key, JSON.stringify(scans));
    else localStorage.removeItem(this.key);
  }

  get length() {
    return this.scans.length;
  }

  add(scan) {
    this.scans = [...this.scans, { ...scan, barcode: scan.barcode.slice(0, 1000) }];
  }

  batch() {
    return this.scans.slice(0, MOST);
  }

  drop(sent) {
    const nonces = new Set(sent.map((scan) => scan.nonce));
    this.scans = this.scans.filter((scan) => !nonces.has(scan.nonce));
  }
}
