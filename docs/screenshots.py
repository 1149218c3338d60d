"""Take the pictures of the documentation from the running demo, in light and dark.

    make run                                    # in another terminal
    .venv/bin/python -m docs.screenshots        # needs the tools of `make test` and Chromium

Writes docs/images/<page>-<light or dark>.png, 1280 pixels wide, and says how large each is.
"""

import argparse
import json
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
SIZE = {"width": 1280, "height": 800}
MOST_BYTES = 200_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the documentation's pictures.")
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"))
    facts = json.loads(parser.parse_args().demo.read_text())
    user = next(user for user in facts["users"] if user["role"] == "supervisor")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            take_all(chromium, facts, user, scheme)
        chromium.close()


def take_all(chromium: Browser, facts: dict, user: dict, scheme: str) -> None:
    context = chromium.new_context(viewport=SIZE, color_scheme=scheme)
    page = context.new_page()
    page.goto(facts["url"] + "/admin/login/")
    page.fill("#id_username", user["username"])
    page.fill("#id_password", user["password"])
    page.click("#login-form [type=submit]")
    for name, path in pages(page, facts).items():
        page.goto(facts["url"] + path)
        page.wait_for_load_state("networkidle")
        save(page, name, scheme)
    context.close()


def pages(page: Page, facts: dict) -> dict[str, str]:
    """Return the pages by the names of their pictures: the dashboard, and one thing of each kind."""
    lists = {
        "flight": "/admin/flights/flight/?status__exact=delayed",
        "booking": "/admin/bookings/booking/?status__exact=confirmed",
        "order": "/admin/orders/order/",
        "execution": "/admin/orders/execution/",
    }
    return {"dashboard": "/admin/"} | {name: first_of(page, facts["url"] + path) for name, path in lists.items()}


def first_of(page: Page, path: str) -> str:
    page.goto(path)
    link = page.query_selector("#result_list tbody th a")
    assert link is not None, f"nothing is listed at {path}"
    return link.get_attribute("href") or ""


def save(page: Page, name: str, scheme: str) -> None:
    path = FOLDER / f"{name}-{scheme}.png"
    height = min(page.evaluate("document.documentElement.scrollHeight"), 1000)
    page.set_viewport_size({"width": SIZE["width"], "height": max(height, SIZE["height"])})
    page.screenshot(path=path)
    page.set_viewport_size(SIZE)
    size = path.stat().st_size
    print(f"{path.name:24} {size:>9,} bytes{'  TOO LARGE' if size > MOST_BYTES else ''}")


if __name__ == "__main__":
    main()
