// The departures board: it filters while somebody types, and brings itself up to date unless that is paused.

const EVERY = 30_000;
const filter = document.querySelector("#id_q");
const pause = document.querySelector("#pause");
const said = document.querySelector("#said");
const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function applyFilter(speak) {
  const words = plain(filter.value).split(/\s+/).filter(Boolean);
  const rows = [...document.querySelectorAll("#board tbody tr")];
  for (const row of rows) row.hidden = !words.every((word) => plain(row.dataset.text).includes(word));
  const shown = rows.filter((row) => !row.hidden).length;
  const nothing = document.querySelector("#nothing");
  if (nothing) nothing.hidden = shown > 0;
  if (speak) said.textContent = document.querySelector("#board").dataset.count.replace("%s", shown);
}

if (pause) {
  let timer = 0;
  let isPaused = false;
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? pause.dataset.off : pause.dataset.on;
    if (!isPaused) refresh();
  });
  filter.addEventListener("input", () => applyFilter(true));

  // What is looked at stays where it is: the focus comes back to the same link, and the filter stays.
  async function refresh() {
    if (isPaused || document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const board = document.querySelector("#board");
      const focused = board.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      const aside = board.querySelector(".table")?.scrollLeft ?? 0;
      const next = fresh.querySelector("#board");
      if (!next) return;
      board.replaceWith(next);
      document.querySelector(".board-clock").innerHTML = fresh.querySelector(".board-clock").innerHTML;
      applyFilter(false);
      if (next.querySelector(".table")) next.querySelector(".table").scrollLeft = aside;
      if (focused) next.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    } catch {
      // Without a connection the board stays as it is; its clock shows since when.
    }
  }

  timer = setInterval(refresh, EVERY);
  addEventListener("pagehide", () => clearInterval(timer));
  document.addEventListener("visibilitychange", refresh);
}
