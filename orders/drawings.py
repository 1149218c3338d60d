"""Where everything goes when an execution is drawn: the graph of its states, and beside it their attempts over time.

All lengths are whole units of the drawing's own, so that no locale writes them with a comma.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from orders.captions import attempts_text, duration_text, picture_text, step_text, time_text
from orders.pictures import Condition, Picture, Run, Step, Try, by_run, status_condition

GRAPH_WIDTH, NODE_LEFT, NODE_WIDTH, NODE_HEIGHT, PITCH = 344, 12, 320, 60, 86
PILL_HEIGHT, FIRST_TOP = 34, 66
TIME_WIDTH, TIME_LEFT, TIME_RIGHT, BREAK = 620, 14, 606, 34
BAR_HEIGHT, BAR_DROP, LEAST_BAR, LEAST_MARKED = 18, 25, 5, 18
TICK_ROOM = 110
MOST_LETTERS = 42
LEAST_SHARE = 0.25
SCALE = [
    timedelta(seconds=seconds)
    for seconds in (
        *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
        *(60, 120, 300, 600, 1200, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600),
    )
]


class Node(NamedTuple):
    """A box of the graph; its text lies on two lines."""

    name: str
    condition: Condition
    text: str
    top: int

    @property
    def middle(self) -> int:
        return self.top + NODE_HEIGHT // 2


class Edge(NamedTuple):
    """An arrow from one box down to the next."""

    top: int
    bottom: int
    is_taken: bool
    text: str = ""


class Bar(NamedTuple):
    """An attempt in time, with its sign inside of a long bar and below a short one."""

    left: int
    width: int
    top: int
    condition: Condition
    title: str

    @property
    def is_marked_inside(self) -> bool:
        return self.width >= LEAST_MARKED

    @property
    def mark_left(self) -> int:
        return self.left + self.width // 2 - 7

    @property
    def mark_top(self) -> int:
        return self.top + 2 if self.is_marked_inside else self.top + BAR_HEIGHT


class Wait(NamedTuple):
    """A pause between two attempts, or before the next one."""

    left: int
    right: int
    y: int


class Lane(NamedTuple):
    """The row of a state in the timeline."""

    name: str
    text: str
    text_x: int
    is_late: bool
    top: int
    bars: Sequence[Bar]
    waits: Sequence[Wait]


class Tick(NamedTuple):
    """A word at the time axis, and a line up from it."""

    x: int
    text: str
    has_line: bool = True


class Span(NamedTuple):
    """A run's part of the time axis, with a scale of its own."""

    run: Run
    ends_at: datetime
    left: int
    right: int

    def x(self, moment: datetime) -> int:
        share = (moment - self.run.started_at) / (self.ends_at - self.run.started_at)
        return round(self.left + min(max(share, 0), 1) * (self.right - self.left))

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def name(self) -> str:
        return f"Redrive {self.run.redrive}" if self.run.redrive else "Start"

    @property
    def time(self) -> str:
        return time_text(self.run.started_at)

    @property
    def ticks(self) -> list[Tick]:
        """Return the marks of the axis, at round times with room for their words."""
        length = self.ends_at - self.run.started_at
        step = next((step for step in SCALE if self.width * (step / length) >= TICK_ROOM), length)
        if step > length:  # no room for two: the whole length in the middle
            return [Tick((self.left + self.right) // 2, duration_text(length), has_line=False)]
        moments = [step * number for number in range(int(length / step) + 1)]
        return [Tick(self.x(self.run.started_at + moment), duration_text(moment)) for moment in moments]


class Drawing(NamedTuple):
    """All that is drawn of an execution."""

    status: str
    status_condition: Condition
    text: str
    took: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    spans: Sequence[Span]
    lanes: Sequence[Lane]
    graph_width: int = GRAPH_WIDTH
    node_left: int = NODE_LEFT
    node_width: int = NODE_WIDTH
    node_height: int = NODE_HEIGHT
    time_width: int = TIME_WIDTH

    @property
    def end_top(self) -> int:
        return FIRST_TOP + len(self.nodes) * PITCH

    @property
    def height(self) -> int:
        return self.end_top + PILL_HEIGHT + 6

    @property
    def end_text(self) -> str:
        return f"still {self.status}" if self.status_condition is Condition.RUNNING else self.status


def drawing_of(picture: Picture) -> Drawing:
    """Return where everything goes when an execution is drawn."""
    spans = spans_of(picture)
    return Drawing(
        status=picture.status,
        status_condition=status_condition(picture.status),
        text=picture_text(picture),
        took=took_text(picture),
        nodes=[node_of(step, number, picture.at) for number, step in enumerate(picture.steps)],
        edges=edges_of(picture),
        spans=spans,
        lanes=[lane_of(step, number, spans, picture.at) for number, step in enumerate(picture.steps)],
    )


def took_text(picture: Picture) -> str:
    """Return how long it took, and after redrives how much of that it ran."""
    whole = duration_text(picture.took) + ("" if picture.stopped_at else " so far")
    return f"{whole}, {duration_text(picture.ran)} of it running" if len(picture.runs) > 1 else whole


def shortened(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1].rstrip() + "…"


# --- The graph ---


def node_of(step: Step, number: int, at: datetime) -> Node:
    return Node(step.name, step.condition, shortened(step_text(step, at)), FIRST_TOP + number * PITCH)


def edges_of(picture: Picture) -> list[Edge]:
    """Return the arrows: from the start, between the states, to the end."""
    taken = [bool(step.tries) for step in picture.steps]
    first = Edge(PILL_HEIGHT, FIRST_TOP, taken[0])
    edges = [edge_after(step, number, taken[number + 1]) for number, step in enumerate(picture.steps[:-1])]
    return [first, *edges, edge_after(picture.steps[-1], len(taken) - 1, picture.stopped_at is not None and taken[-1])]


def edge_after(step: Step, number: int, is_taken: bool) -> Edge:
    bottom = FIRST_TOP + number * PITCH + NODE_HEIGHT
    text = "went on without it" if is_taken and step.condition is Condition.PASSED_OVER else ""
    return Edge(bottom, bottom + PITCH - NODE_HEIGHT, is_taken, text)


# --- The timeline ---


def spans_of(picture: Picture) -> list[Span]:
    """Share the width among the runs by their length; a short one beside a long one gets a readable part too."""
    ends = [max(end_of(run, picture), run.started_at + timedelta(milliseconds=1)) for run in picture.runs]
    lengths = [(end - run.started_at).total_seconds() for run, end in zip(picture.runs, ends, strict=True)]
    weights = [max(length, max(lengths) * LEAST_SHARE) for length in lengths]
    pause = min(BREAK, (TIME_RIGHT - TIME_LEFT) // (2 * len(weights)))
    scale = (TIME_RIGHT - TIME_LEFT - pause * (len(weights) - 1)) / sum(weights)
    spans, left = [], float(TIME_LEFT)
    for run, end, weight in zip(picture.runs, ends, weights, strict=True):
        spans.append(Span(run, end, round(left), round(left + weight * scale)))
        left += weight * scale + pause
    return spans


def end_of(run: Run, picture: Picture) -> datetime:
    """Return until when a run is drawn: its end, or now, or the retry that it waits for."""
    retries = [step.retry_at for step in picture.steps if step.retry_at]
    return run.ended_at or max([picture.at, *retries])


def lane_of(step: Step, number: int, spans: Sequence[Span], at: datetime) -> Lane:
    top = FIRST_TOP + number * PITCH
    bars = [bar_of(attempt, spans[attempt.redrive], top, at) for attempt in step.tries]
    left = bars[0].left if bars else TIME_LEFT
    is_late = left > TIME_WIDTH * 3 // 4
    text_x = bars[-1].left + bars[-1].width if is_late else left
    return Lane(step.name, lane_text(step, at), text_x, is_late, top, bars, waits_of(step, spans, top))


def lane_text(step: Step, at: datetime) -> str:
    """Return how many attempts a state has, how long they took, and when the next one is."""
    again = f", again at {time_text(step.retry_at)}" if step.retry_at else ""
    return f"{attempts_text(step.tries)}, {duration_text(step.took(at))}{again}" if step.tries else ""


def bar_of(attempt: Try, span: Span, top: int, at: datetime) -> Bar:
    left = span.x(attempt.started_at)
    width = max(span.x(attempt.ended_at or at) - left, LEAST_BAR)
    error = f", {attempt.error}" if attempt.error else ""
    title = f"{attempt.state}, attempt {attempt.name}: {attempt.result}{error}, {duration_text(attempt.took(at))}"
    return Bar(min(left, TIME_RIGHT - width), width, top + BAR_DROP, attempt.result.condition, title)


def waits_of(step: Step, spans: Sequence[Span], top: int) -> list[Wait]:
    """Return the pauses between attempts of one run, and the one that lasts."""
    y = top + BAR_DROP + BAR_HEIGHT // 2
    waits = []
    for tries in by_run(step.tries):
        span = spans[tries[0].redrive]
        waits += [Wait(span.x(a.ended_at), span.x(b.started_at), y) for a, b in pairwise(tries) if a.ended_at]
    if step.retry_at and step.last_try and step.last_try.ended_at:
        span = spans[-1]
        waits.append(Wait(span.x(step.last_try.ended_at), span.x(step.retry_at), y))
    return waits
