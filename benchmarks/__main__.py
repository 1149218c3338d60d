"""Measure SkyBridge beside the yardstick and the bare SQL: `make bench`, see docs/performance.md.

python -m benchmarks                                    # everything, some 25 minutes on two quiet processors
python -m benchmarks --scale 0.02 --rounds 2            # a quick look at a fiftieth of the data
python -m benchmarks --works BOOK,READ --markdown       # two works, tables for the documentation
python -m benchmarks --growth                           # SEARCH among 10 million flights against 340,000
python -m benchmarks --workflow                         # orders that one worker completes
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import growth, picture, report, sides
from benchmarks.cluster import DURABLE, Cluster
from benchmarks.compare import Comparison, count_statements, stampede
from benchmarks.floor import DATABASE as FLOOR
from benchmarks.floor import Floor
from benchmarks.goals import goals_of
from benchmarks.template import NAME as TEMPLATE
from benchmarks.template import make_databases
from benchmarks.works import Work, make_works, prepare, stampedes
from skybridge.embedded.state import PROJECT, home_directory

WORKFLOW_ORDERS = 2000
SIDES = ("skybridge", "yardstick", FLOOR)
RESULTS = PROJECT / "benchmarks" / "results"
PICTURE = PROJECT / "docs" / "images" / "performance.svg"


def main() -> None:
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    options.data.mkdir(parents=True, exist_ok=True)
    if options.growth:
        growth.measure(options)
    elif options.workflow:
        run_workflow()
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Measure all sides on databases of their own."""
    sides.install_yardstick()
    variables = sides.production(options.data)
    sides.collect_static(variables)
    make_databases(options.data, options.scale, SIDES, variables)
    with Cluster(options.data).running(DURABLE, valkey=True) as cluster:
        measure(cluster, options, variables)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--works", default="", help="names, with commas between; all unless given")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the data")
    parser.add_argument("--data", type=Path, default=home_directory() / "bench", help="where the databases are kept")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown too")
    parser.add_argument("--growth", action="store_true", help="measure how SEARCH grows, and nothing else")
    parser.add_argument("--workflow", action="store_true", help="measure how many orders a worker completes")
    options = parser.parse_args()
    options.data = options.data.resolve()
    return options


def run_workflow() -> None:
    """Measure one worker with two processes, with orders of products and of bookings."""
    command = [sys.executable, "-m", "benchmarks.workflow", "--pool", "prefork", "--concurrency", "2"]
    for sells in ("product", "booking"):
        subprocess.run([*command, "--sells", sells, "--orders", str(WORKFLOW_ORDERS)], cwd=PROJECT, check=True)


def measure(cluster: Cluster, options: argparse.Namespace, variables: dict[str, str]) -> None:
    """Record, measure and report."""
    assert cluster.valkey
    prepare(cluster, TEMPLATE, list(SIDES))
    wanted = {name for name in options.works.upper().split(",") if name}
    works = [work for work in make_works(cluster, TEMPLATE, options.scale) if not wanted or work.name in wanted]
    floor = Floor(cluster, options.data, variables | {"REDIS_URL": cluster.valkey.url})
    print("Recording SkyBridge's statements", flush=True)
    floor.record(works, min(1.0, options.rounds * (options.seconds + 1) / 20))
    rivals = [work for work in works if work.has_rival]
    with sides.yardstick(cluster, options.data, counts=True) as counting:
        counts = count_statements(counting, rivals)
    with ExitStack() as stack:
        ours = stack.enter_context(sides.skybridge(cluster, options.data, variables))
        rival = stack.enter_context(sides.yardstick(cluster, options.data))
        comparison = Comparison(cluster, [ours, rival], floor, works, options)
        for name, result in comparison.results.items():
            result.trips = {"skybridge": floor.replays[name].trips}
            result.trips |= {"yardstick": counts[name]} if name in counts else {}
        print(f"Measuring {', '.join(work.name for work in works)}", flush=True)
        comparison.run()
        conclude(comparison, floor, run_stampedes(comparison, works), options)


def run_stampedes(comparison: Comparison, works: list[Work]) -> dict[str, list[dict[str, Any]]]:
    """Sell flights out to more callers than they have seats for."""
    if all(work.name != "HOT" for work in works):
        return {}
    chosen = stampedes(comparison.cluster, TEMPLATE)[: comparison.options.rounds]
    return {
        side.name: [
            stampede(side, comparison.cluster, cabin, requests, comparison.options.connections)
            for cabin, requests in chosen
        ]
        for side in comparison.sides
    }


def conclude(
    comparison: Comparison, floor: Floor, sold_out: dict[str, list[dict[str, Any]]], options: argparse.Namespace
) -> None:
    """Print, write and draw what was found."""
    memory = {side.name: side.most_memory for side in comparison.sides}
    goals = goals_of(comparison.results, memory, sold_out.get("skybridge", []))
    facts = {
        "options": vars(options),
        "memory": memory,
        "stampedes": sold_out,
        "unreplayable": floor.unreplayable,
        "statements": {name: replay.statements for name, replay in floor.replays.items()},
    }
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    report.save(path, comparison.results, goals, facts)
    print(f"\n{report.as_text(comparison.results, goals, facts)}\n\nWritten: {path}")
    if options.markdown:
        print(f"\n{report.as_markdown(comparison.results, goals)}")
    if options.scale == 1 and not options.works:
        PICTURE.write_text(picture.draw(json.loads(path.read_text())))
        print(f"Drawn: {PICTURE}")


if __name__ == "__main__":
    os.chdir(PROJECT)
    main()
