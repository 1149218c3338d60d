// Adds up while extras are chosen, keeps the next page's address short, and what is typed when the hold is extended.

const form = document.querySelector("form.extras");
const shown = document.querySelector("[data-sum]");
const said = document.querySelector("[data-said-sum]");
const boxes = [...form.querySelectorAll("[data-price]")];
const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: shown.dataset.currency });
const mark = document.dir === "rtl" ? "\u200e" : ""; // keeps the dollar with its letters, as in US$

function add() {
  const extras = boxes.reduce((sum, box) => sum + Number(box.dataset.price) * (Number(box.value) || 0), 0);
  shown.textContent = money.format(Number(shown.dataset.sum) + extras) + mark;
}

form.addEventListener("input", add);
form.addEventListener("change", () => { said.textContent = said.dataset.saidSum.replace("%(amount)s", shown.textContent); });
document.querySelector(".hold form")?.addEventListener("submit", (event) => {
  const typed = [...new FormData(form)].filter(([, value]) => value.trim() && value !== "0");
  event.target.elements.next.value = `${location.pathname}?${new URLSearchParams(typed)}`;
});
form.addEventListener("submit", () => { for (const box of boxes) box.disabled = !Number(box.value); });
window.addEventListener("pageshow", () => { for (const box of boxes) box.disabled = false; add(); });
