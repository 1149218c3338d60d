// The gate: passes are scanned by a scanner that types, by a camera, or named by hand. What the server cannot be asked
// is decided here as far as it can be, kept, and sent later.

import { Camera } from "./gate_camera.js";
import { Device } from "./gate_device.js";
import { Queue } from "./gate_queue.js";
import { Sounds } from "./gate_sounds.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const { words, refusals, conflicts } = read("gate-words");
const facts = read("gate-device");
const one = (selector) => document.querySelector(selector);
const form = one(".gate-form"), field = one("#id_scan"), result = one("#result"), choose = one("#choose");
const token = one("[name=csrfmiddlewaretoken]").value;
const skew = Date.parse(facts.now) - Date.now(); // the server's clock counts
const now = () => new Date(Date.now() + skew);
const time = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: facts.zone,
});
const clock = (text) => time.format(new Date(text));
const sounds = new Sounds(one("#sound"), words);
const device = new Device(facts, now);
const queue = new Queue(facts.flight_id);
const PATIENCE = 5_000; // how long a passenger waits for the server
let isOnline = navigator.onLine;
let isSignedOut = false;

async function ask(path, options = {}) {
  const answer = await fetch(path, {
    redirect: "manual", // to the sign-in
    ...options,
    signal: AbortSignal.timeout(options.patience ?? PATIENCE),
    headers: { Accept: "application/json", "X-CSRFToken": token, ...options.headers },
  });
  isSignedOut = answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403;
  return answer;
}

const post = (path, body, patience) =>
  ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, patience });

// --- What is said ---

function element(name, className, ...inside) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...inside.filter((part) => part !== null && part !== ""));
  return made;
}

const nameOf = (answer) =>
  answer.name ??
  (answer.passenger &&
    [answer.passenger.surname, [answer.passenger.given_name, answer.passenger.title].filter(Boolean).join(" ")]
      .filter(Boolean)
      .join(", "));

function lines(answer) {
  const [title, advice] = answer.result === "accepted" ? [words.welcome, ""] : refusals[answer.reason];
  const more = [];
  if (answer.result === "refused") {
    if (answer.boarded_at) more.push(words.boarded_at.replace("%s", clock(answer.boarded_at)));
    if (answer.opens_at) more.push(words.opens_at.replace("%s", clock(answer.opens_at)));
    if (answer.closed_at) more.push(words.closed_at.replace("%s", clock(answer.closed_at)));
    if (answer.flight && answer.flight.event_id !== facts.flight_id) {
      const other = answer.flight;
      const text = [other.flightId, other.departureDate, other.gate].filter(Boolean).join(", ");
      more.push(words.right_flight.replace("%s", text));
    }
  }
  return { title, advice, more };
}

// What is the same as before is spoken again, too: the old words go first.
function show(answer) {
  const accepted = answer.result === "accepted";
  const { title, advice, more } = lines(answer);
  const inside = element("div", "", element("h2", "", title));
  if (nameOf(answer)) {
    const seat = element("strong", "", answer.seat ?? words.lap);
    const where = element("p", "where", `${words.seat} `, seat);
    if (answer.sequence_number) where.append(` · ${words.number} ${answer.sequence_number}`);
    inside.append(element("p", "who", nameOf(answer)), where);
  }
  for (const text of more) inside.append(element("p", "", text));
  if (advice) inside.append(element("p", "advice", advice));
  if (answer.is_here) inside.append(element("p", "quiet", words.decided_here));
  if (answer.note) inside.append(element("p", "advice", words[answer.note]));
  const sign = one(accepted ? "#sign-accepted" : "#sign-refused").content.cloneNode(true);
  result.replaceChildren();
  result.append(element("div", `verdict ${accepted ? "is-done" : "is-failed"}`, sign, inside));
  result.scrollIntoView({ block: "nearest" });
  sounds.play(accepted);
  list(answer, title);
}

function list(answer, title) {
  const accepted = answer.result === "accepted";
  const who = nameOf(answer);
  const item = element(
    "li", accepted ? "is-done" : "is-failed",
    element("span", "badge", accepted ? words.on_board : words.refused), ` ${time.format(now())} `,
    who ? element("strong", "", who) : "", who ? ` ${answer.seat ?? ""} ` : "", accepted ? "" : title,
  );
  const items = one("#scans");
  items.prepend(item);
  while (items.children.length > 8) items.lastChild.remove();
}

function tell(className, title, ...more) {
  const inside = element("div", "", element("h2", "", title), ...more);
  const sign = className === "is-failed" ? one("#sign-refused").content.cloneNode(true) : "";
  result.replaceChildren(element("div", `verdict ${className}`, sign, inside));
}

function showState() {
  const badge = one("#connection");
  badge.hidden = false;
  badge.className = `badge ${isOnline && !isSignedOut ? "is-done" : "is-failed"}`;
  badge.textContent = isSignedOut ? words.session_over : isOnline ? words.online : words.offline;
  one("#queue").textContent = queue.length ? words.queue.replace("%s", queue.length) : words.queue_none;
  const { boarded, checked_in } = device.counts;
  if (device.isLoaded) {
    one("#boarded").textContent = boarded;
    one("#checked-in").textContent = checked_in;
    one("#bar").value = boarded;
    one("#bar").max = checked_in || 1;
  }
}

function showConflicts(answers) {
  for (const answer of answers.filter((each) => each.is_conflict)) {
    one("#conflicts").hidden = false;
    const who = nameOf(answer);
    const item = element("li", "", element("strong", "", who ?? answer.nonce), ` ${answer.seat ?? ""} `);
    item.append(conflicts[answer.conflict.kind] ?? answer.conflict.message);
    one("#conflicts ul").append(item);
  }
}

// --- Scanning ---

const waiting = [];
let isBusy = false;

function scan(text) {
  waiting.push(text);
  if (!isBusy) work();
}

// One after the other: two passengers who come close together get two answers in their order.
async function work() {
  isBusy = true;
  while (waiting.length) await decide(waiting.shift());
  isBusy = false;
}

const isPass = (text) => text.trim().length > 40 || /^(\][LzQd].)?M\d.{20}E/.test(text);

async function decide(text) {
  choose.hidden = true;
  if (isPass(text)) return board(text.replace(/[\r\n]+$/, ""));
  const found = await named(text);
  if (found === null) return tell("is-failed", words.needs_connection);
  if (found.length === 1) return board(found[0].barcode);
  if (found.length > 1) return offer(found);
  sounds.play(false);
  return tell("is-failed", words.nobody_named);
}

async function named(text) {
  try {
    if (isOnline) {
      const answer = await ask(`${facts.passes}?q=${encodeURIComponent(text)}`);
      if (answer.ok) return (await answer.json()).passes;
    }
  } catch {
    goOffline();
  }
  return device.isLoaded ? device.named(text) : null;
}

function offer(passes) {
  const heading = element("h2", "", words.several);
  result.replaceChildren();
  heading.tabIndex = -1;
  choose.replaceChildren(heading);
  for (const found of passes) {
    const button = element("button", "second pick", element("span", "", String(found.sequence_number)), " ");
    button.type = "button";
    button.append(element("strong", "", found.name), " ", element("span", "", found.seat ?? ""));
    if (found.is_aboard) button.append(" ", element("span", "quiet", words.on_board));
    button.addEventListener("click", () => {
      choose.hidden = true;
      field.focus();
      board(found.barcode);
    });
    choose.append(button);
  }
  choose.hidden = false;
  choose.querySelector("button").focus();
}

async function board(barcode) {
  const attempt = { barcode, nonce: crypto.randomUUID?.() ?? random(), device_id: queue.deviceId };
  if (isOnline && !isSignedOut) {
    try {
      const answer = await post(facts.scans, attempt);
      if (answer.ok) return accept(await answer.json());
      if (answer.status >= 400 && answer.status < 500 && ![401, 403, 408, 429].includes(answer.status)) {
        sounds.play(false);
        const problem = await answer.json();
        return tell("is-failed", words.refused, element("p", "", problem.message ?? ""));
      }
    } catch {
      goOffline();
    }
  }
  return decideHere(attempt);
}

const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

function accept(answer) {
  if (answer.result === "accepted") device.mark(answer.nonce, answer.sequence_number);
  show(answer);
  showConflicts([answer]);
  showState();
}

async function decideHere(attempt) {
  const said = await device.decide(attempt.barcode);
  attempt.scanned_at = now().toISOString();
  if (said.result !== "by_eye") return keep(attempt, said);
  const buttons = ["let_board", "turn_away"].map((name) => {
    const button = element("button", name === "let_board" ? "" : "danger", words[name]);
    button.type = "button";
    button.addEventListener("click", () => {
      const accepted = name === "let_board";
      keep(attempt, { ...said, result: accepted ? "accepted" : "refused", reason: "refused_by_device" });
      field.focus();
    });
    return button;
  });
  const who = said.name ? element("p", "who", `${said.name} ${said.seat ?? ""}`) : "";
  const why = said.note ? element("p", "", words[said.note]) : "";
  tell("is-passed-over", words.by_eye, who, why, element("p", "advice", words.by_eye_advice),
    element("p", "links", ...buttons));
  sounds.play(false);
  buttons[0].focus();
  return undefined;
}

function keep(attempt, said) {
  attempt.device_result = said.result;
  queue.add(attempt);
  if (said.result === "accepted") device.mark(attempt.nonce, said.sequence_number, attempt.barcode);
  show({ ...said, is_here: true });
  showState();
}

// --- The connection ---

function goOffline() {
  isOnline = false;
  showState();
}

// One scan that cannot be taken does not hold up the others: what is refused together is sent one by one.
async function upload(batches = [queue.batch()]) {
  let isKept = false;
  for (const batch of batches) {
    const answer = await post(facts.scans, { scans: batch }, 60_000);
    if (answer.ok) {
      const answers = await answer.json();
      queue.drop(batch);
      showConflicts(answers);
    } else if (answer.status === 400 && batch.length > 1) {
      await upload(batch.map((scan) => [scan]));
      return;
    } else isKept = true;
    if (answer.status === 400) one("#queue").textContent = words.clock;
    if (answer.status === 400 && batches.length === 1) throw new Error("kept");
  }
  if (queue.length && !isKept) await upload();
}

async function keepUp() {
  try {
    await device.load(ask);
    isOnline = true;
    if (queue.length && !isSignedOut) {
      await upload();
      await device.load(ask);
    }
    showState();
  } catch (error) {
    if (error.message !== "kept") goOffline();
  }
}

let soon = 0;
async function again() {
  clearTimeout(soon);
  await keepUp();
  soon = setTimeout(again, isOnline ? 15_000 : 4_000);
}

addEventListener("online", again);
addEventListener("offline", goOffline);
document.addEventListener("visibilitychange", () => document.hidden || again());

// --- Keys ---

form.addEventListener("submit", (event) => {
  event.preventDefault();
  delete form.dataset.sent;
  const text = field.value;
  field.value = "";
  field.focus();
  if (text.trim()) scan(text);
});

// Some scanners end with Tab; and wherever the focus is, what a scanner types goes into the field.
field.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && isPass(field.value)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if (typing || event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "/") field.focus();
});

const camera = new Camera(one("#camera"), one("#view"), words, {
  found: (text) => scan(text),
  refused: () => tell("is-failed", words.camera_refused),
  read: async (grey, width, height) => {
    const path = `${facts.frame}?width=${width}&height=${height}`;
    const answer = await ask(path, { method: "POST", body: grey, headers: { "Content-Type": "application/octet-stream" } });
    return answer.ok ? (await answer.json()).text : "";
  },
});
addEventListener("pagehide", () => camera.stop());

showState();
again();
