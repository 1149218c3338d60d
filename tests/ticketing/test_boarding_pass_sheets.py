"""A boarding pass printed from its page is one sheet, on either paper."""

import re
import shutil
import subprocess
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from django.contrib.staticfiles import finders
from django.utils import timezone

from tests.ticketing.test_passes import checked_in
from ticketing import passes
from ticketing.links import links_of

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FORMATS = [zxingcpp.BarcodeFormat.PDF417, zxingcpp.BarcodeFormat.Aztec]


def inlined(page: str, paper: str) -> str:
    """Return a page with its style sheets in it, as a file that a browser opens without a server."""
    found = re.findall(r'<link rel="stylesheet" href="/static/([^"]+)">', page)
    sheets = "".join(Path(finders.find(name)).read_text() for name in found)
    return page.replace("</head>", f"<style>{sheets} @page {{ size: {paper}; }}</style></head>")


@pytest.mark.skipif(not BROWSER, reason="needs a browser that prints")
@pytest.mark.parametrize("paper", ["A4", "letter"])
@pytest.mark.parametrize("link", ["page", "phone"])
def test_one_sheet(flight, nobody, tmp_path, paper, link):
    coupon = checked_in(flight, surname="Wolfeschlegelsteinhausen", given_name="Hubert Blaine")
    made = passes.issue_pass(coupon, sequence_number=7, at=timezone.now())
    source, target = tmp_path / "pass.html", tmp_path / "pass.pdf"
    source.write_text(inlined(nobody.get(links_of(made.pk)[link]).content.decode(), paper))
    printed = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={target}"]
    subprocess.run([BROWSER, *printed, f"--user-data-dir={tmp_path}/profile", source.as_uri()], check=True, timeout=60)
    [page] = pypdfium2.PdfDocument(target)
    assert round(page.get_width()) == (595 if paper == "A4" else 612)
    [symbol] = zxingcpp.read_barcodes(page.render(scale=3).to_pil(), formats=FORMATS)
    assert symbol.text == made.barcode
