// Suggests places while somebody types: an editable combobox with a list, as the WAI-ARIA Authoring Practices have it.
// Without it the field takes what is typed.

const form = document.querySelector("form[data-airports]");
const kept = new Map();

async function suggestions(text) {
  if (!kept.has(text)) {
    const asked = fetch(`${form.dataset.airports}?q=${encodeURIComponent(text)}`).then((answer) =>
      answer.ok ? answer.json().then((found) => found.places) : []
    );
    kept.set(text, asked.catch(() => { kept.delete(text); return []; }));
  }
  return kept.get(text);
}

class Combobox {
  constructor(input) {
    this.input = input;
    this.places = [];
    this.active = -1;
    this.list = document.createElement("ul");
    this.list.id = `${input.id}_list`;
    this.list.className = "suggestions";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", form.querySelector(`label[for="${input.id}"]`).textContent);
    this.list.hidden = true;
    input.after(this.list);
    input.parentElement.classList.add("combobox");
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id })) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => this.suggest());
    input.addEventListener("keydown", (event) => this.press(event));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", () => { if (this.active >= 0) this.choose(this.active); this.close(); });
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the focus stays in the field
      const option = event.target.closest("[role=option]");
      if (option) this.choose([...this.list.children].indexOf(option));
    });
  }

  async suggest() {
    const text = this.input.value.trim();
    if (!text) return this.close();
    const places = await suggestions(text.toLowerCase());
    if (this.input.value.trim() !== text || document.activeElement !== this.input) return;
    this.places = places;
    this.list.replaceChildren(...places.map((place, number) => this.option(place, number)));
    this.open(places.length > 0);
    this.mark(-1);
  }

  option(place, number) {
    const option = document.createElement("li");
    option.id = `${this.list.id}_${number}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    const name = document.createElement("strong");
    name.textContent = place.value;
    const where = document.createElement("span");
    where.textContent = [place.name || form.dataset.all, place.country].filter(Boolean).join(document.dir === "rtl" ? "، " : ", ");
    option.append(name, " ", where);
    return option;
  }

  open(is) {
    this.list.hidden = !is;
    this.input.setAttribute("aria-expanded", String(is));
  }

  close() {
    this.open(false);
    this.mark(-1);
  }

  mark(number) {
    this.active = number;
    [...this.list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === number)));
    if (number < 0) this.input.removeAttribute("aria-activedescendant");
    else {
      this.input.setAttribute("aria-activedescendant", this.list.children[number].id);
      this.list.children[number].scrollIntoView({ block: "nearest" });
    }
  }

  choose(number) {
    this.input.value = this.places[number].value;
    this.close();
  }

  press(event) {
    const last = this.places.length - 1;
    const is_open = !this.list.hidden;
    const step = { ArrowDown: this.active < last ? this.active + 1 : 0, ArrowUp: this.active > 0 ? this.active - 1 : last }[event.key];
    if (step !== undefined && last >= 0) {
      event.preventDefault();
      this.open(true);
      this.mark(step);
    } else if (event.key === "Enter" && is_open && this.active >= 0) {
      event.preventDefault();
      this.choose(this.active);
    } else if (event.key === "Escape" && is_open) {
      event.preventDefault();
      this.close();
    } else if (event.key === "Escape") {
      this.input.value = "";
    } else if (event.key === "Tab" && is_open && last >= 0) {
      this.choose(Math.max(this.active, 0)); // who tabs on from a beginning means the first
    }
  }
}

for (const input of document.querySelectorAll("[data-combobox]")) new Combobox(input);

// The way back is not before the way out.
const [out, back] = ["departure", "homeward"].map((name) => form?.elements[name]);
out?.addEventListener("change", () => {
  back.min = out.value;
  if (back.value && back.value < out.value) back.value = out.value;
});

// The day shown stands in the middle of the days, also on a phone.
const strip = document.querySelector(".strip");
const today = strip?.querySelector("[aria-current]")?.getBoundingClientRect();
if (today) {
  const frame = strip.getBoundingClientRect();
  strip.scrollBy(today.left + today.width / 2 - frame.left - frame.width / 2, 0);
}
