"""A page worked by the keyboard alone, as by somebody who has no mouse; the strokes are counted."""

from tests.browser.chromium import Window

NAME = """() => {
    const one = document.activeElement;
    const text = (found) => (found?.textContent ?? "").replace(/\\s+/g, " ").trim();
    return one.getAttribute("aria-label") || text(one.labels?.[0]) || text(one).slice(0, 300);
}"""


class Keys:
    def __init__(self, window: Window):
        self.page, self.strokes = window.page, 0

    @property
    def focus(self) -> str:
        """Return what a screen reader calls the element that has the focus."""
        return self.page.evaluate(NAME)

    def press(self, *names: str) -> "Keys":
        for name in names:
            self.page.keyboard.press(name)
        self.strokes += len(names)
        return self

    def type(self, text: str, delay: float = 0) -> "Keys":
        """Type, with so many milliseconds between the strokes."""
        self.page.keyboard.type(text, delay=delay)
        self.strokes += len(text)
        return self

    def to(self, name: str, key: str = "Tab", most: int = 120) -> "Keys":
        """Press Tab, or Shift+Tab, until the focus is on what begins with this name."""
        passed = []
        for _ in range(most):
            passed.append(self.press(key).focus)
            if passed[-1].startswith(name):
                return self
        raise AssertionError(f"The keyboard does not reach {name!r}, only {passed}.")

    def seek(self, key: str, *words: str, most: int = 60) -> "Keys":
        """Press a key, maybe never, until these words are in the name of what has the focus."""
        for _ in range(most):
            if all(word in self.focus for word in words):
                return self
            self.press(key)
        raise AssertionError(f"{key} does not lead to {words}, only to {self.focus!r}.")

    def to_one(self, selector: str, key: str = "Tab", most: int = 60) -> "Keys":
        """Press Tab, or Shift+Tab, until the focus is on an element that fits a selector."""
        for _ in range(most):
            self.press(key)
            if self.is_on(selector):
                return self
        raise AssertionError(f"The keyboard does not reach {selector}.")

    def follow(self, name: str = "", key: str = "Enter") -> "Keys":
        """Go to a link or button, press Enter there, and wait for the page that this leads to."""
        if name:
            self.to(name)
        with self.page.expect_navigation():
            self.press(key)
        return self

    def fill(self, name: str, text: str) -> "Keys":
        """Go to a field and type; a day is typed as MMDDYYYY, of a list the beginning."""
        return self.to(name).type(text)

    @property
    def seat(self) -> str:
        """Return the number of the seat that has the focus."""
        return self.focus.split(",")[0]

    def begin_on(self, selector: str) -> "Keys":
        """Wait until a page that has come has put the focus where one types first."""
        self.page.wait_for_selector(f"{selector}:focus")
        return self

    def is_on(self, selector: str) -> bool:
        return self.page.evaluate("selector => document.activeElement.matches(selector)", selector)
