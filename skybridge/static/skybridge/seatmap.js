// The seat map with a script: arrow keys, one tab stop, and choices that leave the reader where they were.
// Without it every free seat is a button of a form, and the list does the same.

const said = document.getElementById("said");
const seating = () => document.getElementById("seating");
const grid = () => document.querySelector("[role=grid]");
const inCell = (cell) => cell.querySelector("button, a") ?? cell;
const seatOf = (element) => element?.value || element?.dataset?.seat || "";

let cells = []; // by row, what is focused of each cell; null where there is no seat
let current = null;

function prepare() {
  current = null;
  cells = [...(grid()?.tBodies[0].rows ?? [])].map((row) =>
    [...row.querySelectorAll("td")].map((cell) => (cell.firstElementChild ?? (cell.hasAttribute("aria-label") ? cell : null))),
  );
  for (const element of cells.flat()) if (element) element.tabIndex = -1;
  const start = document.querySelector("#at") ?? document.querySelector("[aria-selected]");
  const first = start ? inCell(start) : cells.flat().find((element) => element?.tagName === "BUTTON") ?? cells.flat().find(Boolean);
  if (first) makeCurrent(first);
}

function makeCurrent(element) {
  if (current) current.tabIndex = -1;
  current = element;
  current.tabIndex = 0;
}

function nameOf(element) {
  return element.getAttribute("aria-label") ?? "";
}

function focusOn(element) {
  if (!element) return;
  makeCurrent(element);
  element.focus();
  element.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// Looks from a place on, step by step, for the next cell that has a seat.
function next(row, place, down, along) {
  let [y, x] = [row + down, place + along];
  while (cells[y] && x >= 0 && x < cells[y].length) {
    if (cells[y][x]) return cells[y][x];
    [y, x] = [y + down, x + along];
  }
  return null;
}

function move(event) {
  const row = cells.findIndex((line) => line.includes(event.target));
  if (row < 0) return;
  const place = cells[row].indexOf(event.target);
  const inRow = cells[row].filter(Boolean);
  const all = cells.flat().filter(Boolean);
  const end = event.ctrlKey || event.metaKey;
  const to = {
    ArrowUp: () => next(row, place, -1, 0),
    ArrowDown: () => next(row, place, 1, 0),
    ArrowLeft: () => next(row, place, 0, -1),
    ArrowRight: () => next(row, place, 0, 1),
    PageUp: () => cells[Math.max(row - 5, 0)][place] ?? next(row, place, -1, 0),
    PageDown: () => cells[Math.min(row + 5, cells.length - 1)][place] ?? next(row, place, 1, 0),
    Home: () => (end ? all : inRow)[0],
    End: () => (end ? all : inRow).at(-1),
  }[event.key];
  if (!to || event.altKey || event.shiftKey) return;
  event.preventDefault();
  focusOn(to());
}

// A passenger's own seat is a link: here it makes it their turn, without a new page.
function choosePassenger(ticket) {
  const radio = document.querySelector(`input[name=ticket][value="${CSS.escape(ticket)}"]`);
  if (!radio) return false;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

function showTurn(radio) {
  for (const line of document.querySelectorAll(".passenger")) line.classList.toggle("is-current", line.contains(radio));
  for (const cell of document.querySelectorAll("[role=grid] [aria-selected]")) cell.removeAttribute("aria-selected");
  const own = document.querySelector(`[role=grid] [data-ticket="${CSS.escape(radio.value)}"]`);
  own?.closest("td").setAttribute("aria-selected", "true");
  const list = document.getElementById("list-ticket");
  if (list) list.value = radio.value;
  say(seating().dataset.selected.replace("%(name)s", radio.dataset.name));
  if (document.querySelector("[data-paid]")) {
    // What one has paid for costs only the others: the names of the seats change.
    const address = new URL(location.href);
    address.searchParams.set("passenger", radio.value);
    address.hash = "";
    replace([address], place());
  }
}

function say(text) {
  said.textContent = "";
  setTimeout(() => (said.textContent = text), 50);
}

// Where the reader is, in words that hold on the page that comes back.
function place() {
  const element = document.activeElement;
  if (grid()?.contains(element)) return { seat: seatOf(element) || element.getAttribute("aria-label")?.split(/[,،]/)[0] };
  return { id: element?.id, name: element?.name, value: element?.value };
}

function returnTo({ seat, id, name, value }) {
  const bySeat = seat && cells.flat().find((element) => element && (seatOf(element) || nameOf(element).split(/[,،]/)[0]) === seat);
  const same = name && document.querySelector(`#seating [name="${CSS.escape(name)}"][value="${CSS.escape(value ?? "")}"]`);
  const found = bySeat || (id && document.getElementById(id)) || same || document.querySelector("#seating input[name=ticket]:checked");
  if (bySeat) focusOn(bySeat);
  else (found ?? document.getElementById("content")).focus();
}

async function replace(request, from) {
  seating().setAttribute("aria-busy", "true");
  try {
    const response = await fetch(...request);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("seating");
    if (!fresh) {
      location.assign(response.url);
      return;
    }
    const scroller = document.querySelector(".cabin");
    const [left, top] = [scroller?.scrollLeft ?? 0, scrollY];
    seating().replaceWith(fresh);
    history.replaceState(null, "", response.url);
    const box = document.querySelector(".cabin");
    if (box) box.scrollLeft = left;
    scrollTo(scrollX, top);
    prepare();
    returnTo(from);
    const news = page.querySelector("#seating [role=alert]") ?? page.querySelector(".messages");
    if (news) say(news.textContent.replace(/\s+/g, " ").trim());
    follow();
  } catch {
    say(seating().dataset.failed);
  } finally {
    seating()?.removeAttribute("aria-busy");
  }
}

// A payment takes some seconds: look again, then take the seats that are paid.
let looks = 0;
function follow() {
  const paid = document.querySelector("[data-take]");
  if (paid && looks) {
    looks = 0;
    paid.requestSubmit(paid.querySelector("button"));
  } else if (document.querySelector("[data-waiting]") && looks < 20) {
    looks += 1;
    setTimeout(() => replace([location.href], place()), 1500);
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!seating()?.contains(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (seating().getAttribute("aria-busy")) return;
  const fields = new FormData(form, event.submitter);
  const address = new URL(location.href);
  address.hash = "";
  if (form.method === "get") {
    address.search = new URLSearchParams(fields);
    replace([address], place());
  } else {
    if (fields.get("action") === "pay") looks = 1;
    replace([address, { method: "POST", body: new URLSearchParams(fields) }], place());
  }
}, { capture: true });

document.addEventListener("keydown", (event) => {
  if (grid()?.contains(event.target)) move(event);
});

document.addEventListener("focusin", (event) => {
  if (!grid()?.contains(event.target)) return;
  const element = cells.flat().find((one) => one === event.target);
  if (element) {
    makeCurrent(element);
    document.getElementById("under").textContent = nameOf(element);
  }
});

document.addEventListener("mouseover", (event) => {
  const cell = event.target.closest?.("[role=grid] td");
  const under = document.getElementById("under");
  if (cell && under) under.textContent = nameOf(inCell(cell));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[role=grid] a[data-ticket]");
  if (link && choosePassenger(link.dataset.ticket)) {
    event.preventDefault();
    focusOn(link);
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches?.("#seating input[name=ticket]")) showTurn(event.target);
  if (event.target.id === "show") event.target.form.requestSubmit();
});

prepare();
if (location.hash === "#at" && !document.querySelector("main [role=alert]")) focusOn(current);
looks = document.querySelector("[data-waiting]") ? 1 : 0;
follow();
