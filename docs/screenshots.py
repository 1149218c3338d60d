"""Take the pictures of the documentation from the running demo, in light and dark.

    make run                                    # in another terminal
    .venv/bin/python -m docs.screenshots        # needs the tools of `make test` and Chromium

Writes docs/images/<page>-<light or dark>.png, 1280 pixels wide, and says how large each is.
"""

import argparse
import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
SIZE = {"width": 1280, "height": 800}
MOST_BYTES = 200_000
Pages = Callable[[Page, str], dict[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the documentation's pictures.")
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"))
    facts = json.loads(parser.parse_args().demo.read_text())
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for name, pages in (("demo-supervisor", office), ("demo-agent", desk), ("demo-check-in", airport)):
                take_all(chromium, facts, name, pages, scheme)
        chromium.close()


def take_all(chromium: Browser, facts: dict, name: str, pages: Pages, scheme: str) -> None:
    context = chromium.new_context(viewport=SIZE, color_scheme=scheme)
    page = context.new_page()
    page.goto(facts["url"] + "/login/")
    page.fill("#id_username", name)
    page.fill("#id_password", next(user["password"] for user in facts["users"] if user["username"] == name))
    page.click("main form [type=submit]")
    for picture, path in pages(page, facts["url"]).items():
        page.goto(facts["url"] + path)
        page.wait_for_load_state("networkidle")
        save(page, picture, scheme)
    context.close()


def office(page: Page, url: str) -> dict[str, str]:
    """Return the back office's pages by the names of their pictures: the dashboard, and one thing of each kind."""
    lists = {
        "flight": "/admin/flights/flight/?carrier=FL&status__exact=scheduled",
        "booking": "/admin/bookings/booking/?status__exact=confirmed",
        "order": "/admin/orders/order/",
        "execution": "/admin/orders/execution/",
    }
    rows = {name: first_of(page, url + path, "#result_list tbody th a") for name, path in lists.items()}
    return {"dashboard": "/admin/"} | rows


def desk(page: Page, url: str) -> dict[str, str]:
    """Return an agent's pages."""
    day = date.today() + timedelta(days=5)
    booking = first_of(page, f"{url}/bookings/?state=confirmed", "main tbody a")
    return {
        "search": f"/flights/?origin=JFK&destination=LAX&departure={day}&adults=2&children=1&infants=0&cabin=Y",
        "serve": booking,
        "seats": f"{booking}seats/",
        "agency": "/agency/",
    }


def airport(page: Page, url: str) -> dict[str, str]:
    """Return the airport's pages, of the flight that most people board."""
    page.goto(f"{url}/departures/")
    rows = [row for row in page.locator("main tbody tr").all() if row.locator(".is-running").count()]
    busiest = max(rows, key=lambda row: int(row.locator("td.number").first.inner_text()))
    flight = busiest.locator("a").first.get_attribute("href") or ""
    return {"departures": "/departures/", "check-in": "/departures/check-in/", "gate": f"{flight}gate/"}


def first_of(page: Page, path: str, selector: str) -> str:
    page.goto(path)
    link = page.query_selector(selector)
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
