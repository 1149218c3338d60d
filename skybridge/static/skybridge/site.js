// What every page does more easily with a script; each page works without it.

// After a form was refused, and after a page was sent with news, the reader is led there.
const news = document.querySelector("main [role=alert]");
if (news) {
  news.tabIndex = -1;
  news.focus();
}

// "/" leads to the search of the page, as in the back office.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = document.querySelector(".find input");
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  }
});

// A menu closes with Escape, and when the reader goes elsewhere.
for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent && event.target.method === "post") event.preventDefault();
  else event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
