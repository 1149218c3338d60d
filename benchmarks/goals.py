"""What is aimed at, as ratios within one run, and whether it is met."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.compare import Result

OURS, RIVAL = "skybridge", "yardstick"


@dataclass(frozen=True)
class Goal:
    """A figure with a goal and a further one; `is_least` tells that it must be at least so large."""

    text: str
    value: float | None
    goal: float
    further: float
    is_least: bool = False

    def meets(self, mark: float) -> bool:
        if self.value is None:
            return False
        return self.value >= mark if self.is_least else self.value <= mark

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        return "further goal met" if self.meets(self.further) else "met" if self.meets(self.goal) else "MISSED"


def goals_of(results: dict[str, Result], memory: dict[str, int], stampedes: list[dict[str, Any]]) -> list[Goal]:
    """Return the goals of the works that were measured."""
    found = [*book_goals(results), *rate_goals(results), *list_goals(results), *hot_goals(results, stampedes)]
    if OURS in memory and RIVAL in memory:
        found.append(Goal("memory of two web workers against the rival's", memory[OURS] / memory[RIVAL], 1.1, 1.0))
    return [goal for goal in found if goal.value is not None]


def book_goals(results: dict[str, Result]) -> list[Goal]:
    book = results.get("BOOK")
    if not book:
        return []
    cpu, floor = book.median(OURS, "cpu"), book.floor_cpu
    return [
        Goal("BOOK: CPU of web and database against its own SQL's", quotient(cpu, floor), 3.0, 2.3),
        Goal("BOOK: requests/s against the rival's", paired(book, "rate"), 2.5, 3.3, True),
        Goal("BOOK: round trips to the database", book.trips.get(OURS), 2, 2),
    ]


def rate_goals(results: dict[str, Result]) -> list[Goal]:
    marks = {"SEARCH": (3, 4), "READ": (4, 6), "ORDER": (2.5, 2.5), "CONFIRM": (2.5, 2.5)}
    return [
        Goal(f"{name}: requests/s against the rival's", paired(results[name], "rate"), *mark, True)
        for name, mark in marks.items()
        if name in results
    ]


def list_goals(results: dict[str, Result]) -> list[Goal]:
    goals = [
        Goal(f"{name}: CPU against the rival's", paired(results[name], "cpu"), 0.45, 0.35)
        for name in ("LIST", "LIST1000")
        if name in results
    ]
    if "LIST" in results and "LIST-SMALL" in results:
        large, small = (results[name].median(OURS, "cpu") for name in ("LIST", "LIST-SMALL"))
        goals.append(Goal("LIST: CPU with 100,000 orders against 1,000", quotient(large, small), 3, 1.5))
    return goals


def hot_goals(results: dict[str, Result], stampedes: list[dict[str, Any]]) -> list[Goal]:
    goals = []
    if "HOT" in results:
        hot = results["HOT"]
        goals.append(
            Goal("HOT: rate against the floor's", quotient(hot.median(OURS, "rate"), hot.floor_rate), 0.75, 0.9, True)
        )
    if stampedes:
        wrong = sum(not one["is_exact"] for one in stampedes)
        goals.append(Goal(f"HOT: of {len(stampedes)} flights, not sold out exactly", wrong, 0, 0))
    for name in ("SOLDOUT", "404", "429"):
        if name in results and "BOOK" in results:
            cost, book = (results[work].median(OURS, "cpu") for work in (name, "BOOK"))
            goals.append(Goal(f"{name}: CPU against a BOOK's", quotient(cost, book), 0.9, 0.5))
    if "SOLDOUT" in results:
        goals.append(Goal("SOLDOUT: bytes of WAL per answer", results["SOLDOUT"].median(OURS, "wal"), 0.9, 0.9))
    return goals


def quotient(value: float | None, of: float | None) -> float | None:
    return value / of if value is not None and of else None


def paired(result: Result, figure: str) -> float | None:
    """Return the median of the ratios of our rounds to the rival's of the same turn."""
    pairs = zip(result.rounds.get(OURS, []), result.rounds.get(RIVAL, []), strict=False)
    ratios = [getattr(ours, figure) / getattr(rival, figure) for ours, rival in pairs]
    return statistics.median(ratios) if ratios else None


def lines_of(goals: list[Goal]) -> list[str]:
    """Return a line for each goal."""
    width = max((len(goal.text) for goal in goals), default=0)
    return [f"{goal.text:{width}}  {marks(goal, lambda value: f'{value:.2f}')}" for goal in goals]


def marks(goal: Goal, form: Callable[[float], str]) -> str:
    sign = ">=" if goal.is_least else "<="
    assert goal.value is not None
    return f"{form(goal.value):>8}  {sign} {goal.goal:g} ({goal.further:g})  {goal.verdict}"
