// The check-in desk: arrows lead through those who were found, and whatever is typed beside them is a new search.

const field = document.querySelector("#id_who");
const hits = [...document.querySelectorAll(".hits a")];

document.addEventListener("keydown", (event) => {
  const place = hits.indexOf(document.activeElement);
  if (place < 0) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    (hits[place + step] ?? (step < 0 ? field : hits[place])).focus();
  } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
    field.focus();
    field.select();
  }
});

field?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" && hits.length) {
    event.preventDefault();
    hits[0].focus();
  }
});
