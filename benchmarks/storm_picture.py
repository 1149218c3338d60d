"""Draw the storm day: `python -m benchmarks.storm_picture docs/disruption.json docs/disruption.svg`.

One row of bars for each variant: passengers by the hour of their cancelled departure, coloured by the day on which they
fly instead.
"""

import json
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

HOURS = range(5, 24)
KINDS = {
    "day_0": ("#1b7f5c", "the same day"),
    "day_1": ("#2f6fb5", "a day later"),
    "day_2": ("#7ba7d9", "two days later"),
    "day_3": ("#c3d6ee", "three days later"),
    "waiting": ("#d9822b", "waiting for a choice"),
}
TITLES = {"empty": "The following days empty", "sold": "The following days sold to 80 % too"}
WIDTH, LEFT, TOP, HEIGHT, GAP, STEP, BAR = 900, 70, 96, 170, 86, 42, 30


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    target.write_text(draw(json.loads(source.read_text())))


def draw(result: dict[str, Any]) -> str:
    """Return the picture as SVG."""
    variants = result["variants"]
    highest = max(sum(row.values()) for one in variants.values() for row in one["flow"]["by_hour"].values())
    bottom = TOP + len(variants) * (HEIGHT + GAP)
    first = next(iter(variants.values()))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" role="img"',
        ' font-family="system-ui, DejaVu Sans, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{bottom}" fill="#f7f9fc"/>',
        text(LEFT, 30, f"{first['flights_cancelled']} flights cancelled on 14 March 2017, "
             f"{first['passengers_touched']:,} passengers re-accommodated", 'font-size="18" font-weight="bold"'),
        *legend(56),
    ]  # fmt: skip
    for place, (name, variant) in enumerate(variants.items()):
        lines += chart(TOP + place * (HEIGHT + GAP), name, variant, highest)
    return "\n".join([*lines, "</svg>", ""])


def text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" fill="#14213d" {more}>{escape(words)}</text>'


def legend(y: int) -> list[str]:
    lines, x = [text(LEFT, y, "Flying instead:")], LEFT + 105
    for colour, words in KINDS.values():
        lines += [f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>', text(x + 17, y, words)]
        x += 40 + 7 * len(words)
    return lines


def chart(top: int, name: str, variant: dict[str, Any], highest: int) -> list[str]:
    """Return the bars of one variant, an hour each, with its figures above."""
    counts, base = variant["passengers_by_state"], top + 26 + HEIGHT
    lines = [
        text(LEFT, top + 14, f"{TITLES[name]}: {counts['rebooked']:,} rebooked, {counts['waiting']:,} waiting; "
             f"{variant['seconds']} s", 'font-weight="bold"'),
        f'<line x1="{LEFT}" y1="{base}" x2="{LEFT + STEP * len(HOURS)}" y2="{base}" stroke="#888"/>',
    ]  # fmt: skip
    for mark in range(0, highest + 1, 1000):
        y = base - mark / highest * HEIGHT
        lines += [text(LEFT - 8, y + 4, f"{mark:,}", 'text-anchor="end" font-size="11"')]
        lines += [f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + STEP * len(HOURS)}" y2="{y:.1f}" stroke="#e5e5e5"/>']
    for place, hour in enumerate(HOURS):
        lines += bar(LEFT + place * STEP + 6, base, variant["flow"]["by_hour"].get(str(hour), {}), highest)
        lines.append(text(LEFT + place * STEP + 21, base + 16, str(hour), 'text-anchor="middle" font-size="11"'))
    lines.append(text(LEFT, base + 34, "Passengers by the local hour of their cancelled departure", 'font-size="11"'))
    return lines


def bar(x: int, base: float, row: dict[str, int], highest: int) -> list[str]:
    lines, y = [], base
    for kind, (colour, words) in KINDS.items():
        height = row.get(kind, 0) / highest * HEIGHT
        y -= height
        if height:
            shape = f'<rect x="{x}" y="{y:.1f}" width="{BAR}" height="{height:.1f}" fill="{colour}">'
            lines.append(f"{shape}<title>{row[kind]:,} {words}</title></rect>")
    return lines


if __name__ == "__main__":
    main()
