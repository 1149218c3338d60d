"""The system's Chromium, driven by Playwright, and what every page is held to."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]  # root has no sandbox
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
    "preload": False,  # it would copy style sheets into the page, which the policy rightly keeps out
}
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


class Window:
    """A page with its troubles: what the console says in red, scripts that fail, what the policy keeps out."""

    def __init__(self, page: Page, base: str):
        self.page, self.base, self.troubles = page, base, []
        page.set_default_timeout(10_000)
        page.context.add_init_script(TELL_VIOLATIONS)
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

    def verify_quiet(self) -> None:
        self.fail_for(self.troubles)

    def judge(self, *exclude: str) -> list[str]:
        """Return what is the matter with the page in the window."""
        context = {"exclude": [[selector] for selector in exclude]} if exclude else None
        violations = Axe().run(self.page, context=context, options=RULES).response["violations"]
        found = [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
            for each in violations
            for node in each["nodes"]
        ]
        return found + self.troubles

    def fail_for(self, troubles: list[str]) -> None:
        if troubles:
            pytest.fail("\n".join([self.page.url.removeprefix(self.base), *troubles]))
