"""Pages for everybody, and those for who has a link."""

import pytest

from ticketing.links import links_of


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_home_page(window, scheme):
    window(color_scheme=scheme).accept("/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("thing", ["good_pass", "pass_8"], ids=["good", "ended"])
def test_a_boarding_pass_to_print_and_on_the_phone(window, world, thing, scheme):
    links = links_of(world.things[thing])
    nobody = window(color_scheme=scheme)
    nobody.accept(links["page"])
    nobody.page.emulate_media(media="print")
    nobody.verify()
    phone = window(color_scheme=scheme, viewport={"width": 375, "height": 700})
    phone.accept(links["phone"])
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 375


def test_the_pages_of_a_boarding_pass_lead_to_each_other(window, world):
    nobody = window()
    nobody.open(links_of(world.things["good_pass"])["page"])
    nobody.page.click("text=On the phone")
    nobody.page.click("text=To print")
    nobody.page.click("text=PDF")
    nobody.page.wait_for_url("**.pdf")
    assert nobody.page.request.get(nobody.page.url).body()[:5] == b"%PDF-"
    assert [trouble for trouble in nobody.troubles if "favicon.ico" not in trouble] == []


# What Swagger UI and ReDoc draw is theirs: small links and pale words that we cannot mend from outside.
@pytest.mark.parametrize(
    ("path", "theirs", "drawn"), [("/docs", ".swagger-ui", ".opblock"), ("/redoc", ".redoc-wrap", "h2")]
)
def test_the_descriptions_of_the_api(window, path, theirs, drawn):
    nobody = window()
    assert nobody.open(path) == 200
    nobody.page.wait_for_selector(f"{theirs} {drawn}", timeout=30_000)  # they read the whole description
    nobody.page.wait_for_load_state("networkidle")
    nobody.verify(theirs)
