"""Draw a comparison as SVG: `python -m benchmarks.picture benchmarks/results/….json docs/images/performance.svg`.

One row for each work: on the left requests a second, on the right CPU per request, web server and database stacked.
Each work has a scale of its own, so bars compare the sides of one work and not works.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

SIDES = {"skybridge": "SkyBridge", "yardstick": "FastAPI, SQLAlchemy", "floor": "its SQL alone"}
WIDTH, LEFT, GAP, TOP = 920, 196, 24, 96
PANEL = (WIDTH - LEFT - GAP) / 2 - 20
BAR, ROW_GAP, ROOM = 13, 16, 92  # ROOM is for the figure behind a bar
STYLE = """
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1d2433; }
.title { font-size: 18px; font-weight: 600; } .small { font-size: 11px; } .name { font-weight: 600; }
.skybridge { fill: #1f6feb; } .yardstick { fill: #d9822b; } .floor { fill: #6b7785; } .database { opacity: .55; }
.line { stroke: #c9d1dc; } .back { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6eaf0; } .back { fill: #10151d; } .line { stroke: #3a4556; }
  .skybridge { fill: #58a6ff; } .yardstick { fill: #e8a15c; } .floor { fill: #97a3b3; }
}
"""


class Bar:
    """A side's bar in both panels: a rate, and CPU in ms of web server and database."""

    def __init__(self, side: str, rate: float, web: float, database: float):
        self.side, self.rate, self.web, self.database = side, rate, web, database

    @property
    def cpu(self) -> float:
        return self.web + self.database


def draw(document: dict[str, Any]) -> str:
    """Return the picture of what `report.save` wrote."""
    rows = {name: bars for name, work in document["works"].items() if len(bars := list(bars_of(work))) > 1}
    height = TOP + sum(row_height(bars) for bars in rows.values()) + 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>SkyBridge beside FastAPI and beside its own SQL</title><style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        text(20, 32, "SkyBridge beside the founding stack, and beside its own SQL", "title"),
        *legend(),
        text(LEFT, TOP - 14, "requests a second: longer is better", "small"),
        text(
            LEFT + PANEL + GAP,
            TOP - 14,
            "CPU ms per request (lighter: the database): shorter is better",
            "small",
        ),
    ]
    y = TOP
    for name, bars in rows.items():
        lines += row(y, name, document["works"][name]["title"], bars)
        y += row_height(bars)
    machine = document["machine"]
    words = f"{machine['processors']} cores, {machine['at'][:10]}; each work has its own scale; docs/performance.md"
    return "\n".join([*lines, text(20, y + 16, words, "small"), "</svg>", ""])


def bars_of(work: dict[str, Any]) -> Iterator[Bar]:
    for side, medians in work["medians"].items():
        yield Bar(side, medians["rate"], medians["web"], medians["database"])
    floor = work["floor"]
    if floor["rate"] and floor["database"]:
        yield Bar("floor", floor["rate"], 0, floor["database"])


def row_height(bars: list[Bar]) -> int:
    return len(bars) * (BAR + 3) + ROW_GAP


def row(y: float, name: str, title: str, bars: list[Bar]) -> Iterator[str]:
    yield text(20, y + 12, name, "name")
    yield text(20, y + 27, title, "small")
    most, dearest = max(bar.rate for bar in bars if bar.side != "floor"), max(bar.cpu for bar in bars)
    for bar in bars:
        if bar.side == "floor":  # beside what it does, the others could not be told apart
            yield text(LEFT, y + 11, f"its SQL alone: {bar.rate:,.0f}", "small")
        else:
            length = bar.rate / most * (PANEL - ROOM)
            yield rectangle(LEFT, y, length, bar.side)
            yield text(LEFT + length + 6, y + 11, f"{bar.rate:,.0f}", "small")
        x = LEFT + PANEL + GAP
        web, database = (part / dearest * (PANEL - ROOM) for part in (bar.web, bar.database))
        yield rectangle(x, y, web, bar.side)
        yield rectangle(x + web, y, database, f"{bar.side} database")
        yield text(x + web + database + 6, y + 11, f"{bar.cpu:.2f}", "small")
        y += BAR + 3
    yield f'<line class="line" x1="20" x2="{WIDTH - 20}" y1="{y + 5}" y2="{y + 5}"/>'


def legend() -> Iterator[str]:
    x = 20
    for side, words in SIDES.items():
        yield rectangle(x, 46, 13, side)
        yield text(x + 19, 57, words)
        x += 44 + 8 * len(words)


def rectangle(x: float, y: float, width: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}" rx="2"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(json.loads(Path(sys.argv[1]).read_text())))
