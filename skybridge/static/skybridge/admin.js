"use strict";
// "/" leads to the search box, as on many sites; Escape leaves it.
(() => {
  const box = document.getElementById("find-q");
  if (!box) return;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "Escape" && event.target === box) {
      box.blur();
    }
  });
})();

// Parts of a thing that are wider than the window are scrolled by keyboard too.
document.querySelectorAll(".inline-group .tabular").forEach((table) => { table.tabIndex = 0; });

// A menu closes when something else is clicked, and by Escape.
const menus = document.querySelectorAll("details.menu");
document.addEventListener("click", (event) => menus.forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; }));
menus.forEach((menu) => menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}));
