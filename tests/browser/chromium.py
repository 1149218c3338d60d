"""The system's Chromium, driven by Playwright, and what every page is held to."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 375, "height": 700}
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]  # root has no sandbox
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
    "preload": False,  # it would copy style sheets into the page, which the policy rightly keeps out
}
RUN_AXE = "([context, options]) => axe.run(context, options).then((result) => result.violations)"
# What kinds of elements a page has: tag, classes, type and parent, but for classes that are names of data.
KINDS = """() => {
    const isKind = (name) => !/^(field|column|app|model|form|action)-|^row[12]$/.test(name);
    const kind = (one) => [one.tagName, one.type, one.getAttribute("role"), one.disabled, one.id ? "#" : "",
        ...[...one.classList].filter(isKind)].join(" ");
    const all = [...document.querySelectorAll("body *")].filter((one) => !one.closest("svg, option"));
    return [...new Set(all.map((one) => kind(one.parentElement) + " > " + kind(one)))];
}"""
# What a page takes from the network, with all it asks for, in octets as they are used: text is not compressed here.
WEIGHT = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
    .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
WIDTH = "() => document.documentElement.scrollWidth"
# A page tells itself what its policy has kept from it.
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) => console.error(
    `policy: ${event.violatedDirective} kept out ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""


def find_browser() -> str:
    """Return the path of the system's browser, or ""."""
    return os.environ.get("CHROMIUM", "") or next((path for name in NAMES if (path := shutil.which(name))), "")


@contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


class Rooms:
    """The browser's contexts, kept for all tests: who has signed in stays so, and what never changes stays cached."""

    def __init__(self, browser: Browser):
        self.browser, self.signed_in, self.kinds = browser, {}, set()

    def open(self, **options: Any) -> BrowserContext:
        """Open a context of nobody; `color_scheme`, `viewport` and so on are Playwright's."""
        still = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}  # no colour is half changed
        context = self.browser.new_context(**still | options)
        context.add_init_script(TELL_VIOLATIONS)
        return context

    def of(self, name: str, sign_in: Callable[[Page], None], **options: Any) -> BrowserContext:
        """Return somebody's context with these options; who has none yet signs in first."""
        if name not in self.signed_in:
            self.signed_in[name] = {"": self.open()}
            sign_in(self.signed_in[name][""].new_page())
        rooms, kind = self.signed_in[name], repr(sorted(options.items())) if options else ""
        if kind not in rooms:
            rooms[kind] = self.open(storage_state=rooms[""].storage_state(), **options)
        return rooms[kind]


class Window:
    """A page with its troubles: what the console says in red, scripts that fail, what the policy keeps out."""

    def __init__(self, page: Page, base: str, kinds: set[str] | None = None):
        """`kinds`: of the elements on pages that were looked at before, in windows like this one."""
        self.page, self.base, self.troubles, self.kinds = page, base, [], set() if kinds is None else kinds
        page.set_default_timeout(10_000)
        page.on("console", lambda said: said.type == "error" and self.troubles.append(f"{said.text} {said.location}"))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def open(self, path: str) -> int:
        """Open a page and return the answer's status."""
        response = self.page.goto(path if path.startswith("http") else self.base + path)
        assert response is not None
        return response.status

    def accept(self, path: str, status: int = 200, exclude: Sequence[str] = ()) -> None:
        """Open a page and hold it to everything, but for what `exclude` names."""
        assert self.open(path) == status, path
        if status >= 400:  # the browser itself complains about such an answer
            self.troubles.clear()
        self.verify(*exclude)

    def verify(self, *exclude: str) -> None:
        """Fail unless the page in the window is accessible and has had no trouble."""
        self.fail_for(self.judge(*exclude))

    def verify_new(self, *exclude: str) -> None:
        """Verify a page; for accessibility only if it has elements of a kind, or in a place, not seen before."""
        self.fail_for(self.judge_new(*exclude))

    def judge_new(self, *exclude: str) -> list[str]:
        """Return what is the matter with the page, as `verify_new` looks at it."""
        new = set(self.page.evaluate(KINDS)) - self.kinds
        return self.judge(*exclude) if new else self.troubles[:]

    def look(self, path: str, status: int = 200) -> None:
        """Open a page and verify it; for accessibility only if it is of a new kind."""
        assert self.open(path) == status, path
        if status >= 400:
            self.troubles.clear()
        self.verify_new()

    def verify_refused(self, *exclude: str) -> None:
        """Verify a page whose answer was a refusal, about which the browser itself complains."""
        assert self.expect(f"'{self.page.url}'"), "The answer was no refusal."
        self.verify_new(*exclude)

    def expect(self, text: str) -> int:
        """Take what could not be loaded, and has this text, for no trouble; return how often that was."""
        found = [told for told in self.troubles if told.startswith("Failed to load resource") and text in told]
        self.troubles[:] = [told for told in self.troubles if told not in found]
        return len(found)

    def verify_fits(self) -> None:
        self.fail_for(self.judge_width())

    def judge_width(self) -> list[str]:
        """Tell if the page is wider than the window: only tables and maps scroll sideways, in boxes of their own."""
        size, width = self.page.viewport_size, self.page.evaluate(WIDTH)
        return [] if size and width <= size["width"] else [f"{width} pixels wide in {size}"]

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.base)

    def said(self, selector: str, text: str) -> None:
        """Wait until a live region has told this."""
        region = self.page.locator(f"{selector}:is([role=status], [role=alert], [aria-live])")
        expect(region.filter(has_text=text).first).to_be_attached()

    def verify_quiet(self) -> None:
        self.fail_for(self.troubles)

    def judge(self, *exclude: str) -> list[str]:
        """Return what is the matter with the page in the window."""
        self.page.evaluate(AXE_SCRIPT)
        context = {"include": [["html"]], "exclude": [[selector] for selector in exclude]}
        violations = self.page.evaluate(RUN_AXE, [context, RULES])
        found = [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
            for each in violations
            for node in each["nodes"]
        ]
        if not found:
            self.kinds |= set(self.page.evaluate(KINDS))
        return found + self.troubles

    def fail_for(self, troubles: list[str]) -> None:
        if troubles:
            pytest.fail("\n".join([self.path, *troubles]))
