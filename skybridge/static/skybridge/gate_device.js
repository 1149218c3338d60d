// What the gate's device knows by itself: the flight, its passes as of the last time that there was a connection, who
// has boarded here since, and the keys that signatures are verified with.
// A pass: head of 23 characters, then the first leg; see docs/boarding-passes.md.

const HEAD = 23;
const PREFIX = /^\][LzQd][ -~](?=M)/;

export class Device {
  constructor(facts, now) {
    Object.assign(this, { facts, now, passes: [], byText: new Map(), aboard: new Map(), etag: "", isLoaded: false });
    this.keys = new Map();
  }

  get counts() {
    const boarded = this.passes.filter((pass) => this.isAboard(pass)).length;
    return { boarded, checked_in: this.passes.length };
  }

  isAboard(pass) {
    return pass.is_aboard || this.aboard.has(pass.sequence_number);
  }

  async load(ask) {
    const answer = await ask(this.facts.passes, { headers: this.etag ? { "If-None-Match": this.etag } : {}, cache: "no-store" });
    if (answer.status >= 500) throw new Error("no answer");
    if (answer.ok) {
      this.etag = answer.headers.get("ETag") ?? "";
      this.passes = (await answer.json()).passes;
      this.byText = new Map(this.passes.map((pass) => [pass.barcode, pass]));
      this.isLoaded = true;
    }
    if (!this.keys.size && globalThis.crypto?.subtle) await this.loadKeys(ask);
  }

  async loadKeys(ask) {
    const answer = await ask(this.facts.keys);
    if (!answer.ok) return;
    for (const { kid, kty, crv, x, y } of (await answer.json()).keys) {
      const algorithm = { name: "ECDSA", namedCurve: "P-256" };
      this.keys.set(kid, await crypto.subtle.importKey("jwk", { kty, crv, x, y }, algorithm, false, ["verify"]));
    }
  }

  mark(nonce, sequenceNumber, barcode = "") {
    this.aboard.set(sequenceNumber ?? barcode, this.now().toISOString());
  }

  named(text) {
    const code = text.replace(/\s/g, "").toUpperCase().replace(/^0+(?=.)/, "");
    const fits = (pass) =>
      [String(pass.sequence_number), pass.seat, pass.locator].includes(code) ||
      pass.name.toUpperCase().startsWith(text.trim().toUpperCase());
    return this.passes.filter(fits).slice(0, 20);
  }

  // Return { result: accepted, refused or by_eye; reason, name, seat, sequence_number, note }.
  async decide(barcode) {
    const text = barcode.replace(PREFIX, "");
    const pass = readPass(text);
    if (!pass) return refused("unreadable");
    const known = this.byText.get(text);
    const who = known
      ? { name: known.name, seat: known.seat, sequence_number: known.sequence_number }
      : { name: pass.name, seat: pass.seat, sequence_number: pass.sequenceNumber };
    const signature = await this.signatureOf(text);
    if (["unsigned", "unknown_key", "bad_signature"].includes(signature)) return refused(signature);
    const other = this.otherFlight(pass);
    if (other) return { ...refused(other), ...who };
    const since = this.aboard.get(who.sequence_number) ?? this.aboard.get(text);
    if (known?.is_aboard || since) return { ...refused("already_boarded"), ...who, boarded_at: since };
    const late = this.wrongTime();
    if (late) return { ...late, ...who };
    if (known) return { result: "accepted", ...who };
    if (this.passes.some((each) => each.sequence_number === who.sequence_number)) {
      return { result: "by_eye", note: "newer_pass", ...who };
    }
    if (signature === "no_keys") return { result: "by_eye", note: "no_keys", ...who };
    return { result: "accepted", note: "not_listed", ...who };
  }

  otherFlight(pass) {
    const { carrier, number, suffix, origin, day, is_cancelled } = this.facts;
    const same = pass.carrier === carrier && pass.number === number && pass.suffix === suffix && pass.origin === origin;
    if (!same) return "other_flight";
    if (pass.day !== day) return "other_date";
    return is_cancelled ? "flight_cancelled" : "";
  }

  wrongTime() {
    const { departs_at, opens_at, closes_at, closed_at } = this.facts;
    const at = this.now();
    const ends = closed_at && Date.parse(closed_at) < Date.parse(closes_at) ? closed_at : closes_at;
    if (at >= new Date(departs_at)) return refused("flight_departed");
    if (at >= new Date(ends)) return { ...refused("gate_closed"), closed_at: ends };
    return at < new Date(opens_at) ? { ...refused("too_early"), opens_at } : null;
  }

  async signatureOf(text) {
    const mark = text.lastIndexOf("^");
    if (mark < 0) return "unsigned";
    if (!this.keys.size) return "no_keys";
    const signed = text.slice(0, mark);
    const key = this.keys.get(/#([A-Z2-7]{8})/.exec(signed)?.[1]);
    if (!key) return "unknown_key";
    try {
      const raw = rawSignature(Uint8Array.from(atob(text.slice(mark + 4)), (c) => c.charCodeAt(0)));
      const good = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, raw, new TextEncoder().encode(signed));
      return good ? "good" : "bad_signature";
    } catch {
      return "bad_signature";
    }
  }
}

const refused = (reason) => ({ result: "refused", reason });

function readPass(text) {
  if (!/^M[1-4]/.test(text) || text.length < HEAD + 37) return null;
  const leg = text.slice(HEAD);
  const flight = /^(\d{4})(.)$/.exec(leg.slice(16, 21));
  if (!flight || !/^\d{3}$/.test(leg.slice(21, 24))) return null;
  const [surname, given = ""] = text.slice(2, 22).trim().split("/");
  return {
    name: given ? `${surname}, ${given}` : surname,
    origin: leg.slice(7, 10),
    carrier: leg.slice(13, 16).trim(),
    number: Number(flight[1]),
    suffix: flight[2].trim(),
    day: Number(leg.slice(21, 24)),
    seat: leg.slice(25, 29).replace(/^0+/, "").trim(),
    sequenceNumber: Number.parseInt(leg.slice(29, 34), 10) || null,
  };
}

// A DER signature holds two numbers; the browser wants both in 32 octets each.
function rawSignature(der) {
  const raw = new Uint8Array(64);
  let place = 2;
  for (const end of [32, 64]) {
    const size = der[place + 1];
    let number = der.slice(place + 2, place + 2 + size);
    while (number.length > 32) number = number.slice(1);
    raw.set(number, end - number.length);
    place += 2 + size;
  }
  return raw;
}
