"""What a comparison has found, as text, Markdown and JSON."""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.compare import Result, as_json
from benchmarks.goals import Goal, lines_of

NAMES = {"skybridge": "SkyBridge", "yardstick": "FastAPI", "floor": "SQL alone"}
HEADINGS = ("requests/s", "p50 ms", "p99 ms", "web ms", "database ms", "Valkey ms", "statements")


def table(results: dict[str, Result]) -> list[list[str]]:
    """Return a row for each work and side: its names, then what HEADINGS say."""
    rows = []
    for name, result in results.items():
        for side in result.rounds:
            figures = [number(result.median(side, "rate"), 0), *percentiles(result, side)]
            figures += [number(result.median(side, part), 2) for part in ("web", "database", "valkey")]
            rows.append([name, NAMES[side], *figures, number(result.trips.get(side), 0)])
        if result.floor_rate is not None:
            floor = [number(result.floor_rate, 0), "", "", "", number(result.floor_cpu, 2), ""]
            rows.append([name, NAMES["floor"], *floor, number(result.trips.get("skybridge"), 0)])
    return rows


def percentiles(result: Result, side: str) -> list[str]:
    return [number(result.percentile(side, percent), 1) for percent in (50, 99)]


def number(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}"


def as_text(results: dict[str, Result], goals: list[Goal], facts: dict[str, Any]) -> str:
    """Return all figures for a terminal."""
    widths = (11, 11, 11, 8, 8, 8, 12, 10, 11)
    rows = [["", "", *HEADINGS], *table(results)]
    lines = ["".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    memory = ", ".join(f"{NAMES[side]} {size / 1e6:.0f} MB" for side, size in facts["memory"].items())
    client = max(
        (result.median(side, "client") or 0 for result in results.values() for side in result.rounds), default=0
    )
    lines += ["", f"Memory of two web workers and their parent (PSS, most): {memory}"]
    lines += [f"The client's own CPU: at most {client:.2f} ms per request, not in the figures"]
    lines += [f"Not replayed by pgbench: {name}: {why}" for name, why in facts["unreplayable"].items()]
    return "\n".join([*lines, "", *lines_of(goals)])


def as_markdown(results: dict[str, Result], goals: list[Goal]) -> str:
    """Return the tables of docs/performance.md."""
    lines = [f"| | | {' | '.join(HEADINGS)} |", "|---|---" + "|---:" * len(HEADINGS) + "|"]
    named = ""
    for row in table(results):
        name = "" if row[0] == named else f"{row[0]}: {results[row[0]].work.title}"
        lines.append(f"| {' | '.join([name, *row[1:]])} |")
        named = row[0]
    lines += ["", "| | measured | goal | further | |", "|---|---:|---:|---:|---|"]
    for goal in goals:
        sign = "≥" if goal.is_least else "≤"
        lines.append(f"| {goal.text} | {goal.value:.2f} | {sign} {goal.goal:g} | {goal.further:g} | {goal.verdict} |")
    return "\n".join(lines)


def save(path: Path, results: dict[str, Result], goals: list[Goal], facts: dict[str, Any]) -> None:
    """Write all that was measured as JSON."""
    judged = [
        {"text": g.text, "value": g.value, "goal": g.goal, "further": g.further, "verdict": g.verdict} for g in goals
    ]
    document = {"machine": machine(), **facts, "works": as_json(results), "goals": judged}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, default=str) + "\n")


def machine() -> dict[str, Any]:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "model": models[0] if models else "",
        "load": os.getloadavg(),
        "python": sys.version.split()[0],
        "kernel": platform.release(),
    }
