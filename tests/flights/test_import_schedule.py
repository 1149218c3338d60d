import gzip

import pytest
from django.core.management import CommandError, call_command

from flights import imports
from flights.management.commands.import_schedule import Command
from flights.models import Flight
from flights.schedules import EXAMPLE
from skybridge.models import Event
from skybridge.progress import ProgressBar
from tests.flights.conftest import HEADER, row


@pytest.fixture
def file(tmp_path, airports):
    """Return a maker of schedule files."""

    def make(*rows: str, zipped: bool = False):
        path = tmp_path / "schedule"
        content = "\n".join([HEADER, *rows, ""]).encode()
        path.write_bytes(gzip.compress(content) if zipped else content)
        return path

    return make


@pytest.mark.parametrize("zipped", [False, True])
def test_the_summary(file, capsys, zipped):
    call_command("import_schedule", file(row(), row(seats="x"), zipped=zipped))
    shown = capsys.readouterr()
    assert shown.out == "read 2, new 1, changed 0, unchanged 0, refused 1\n"
    assert shown.err == "line 3: refused: seats 'x' is not a whole number\n"


def test_twenty_refusals_are_listed_and_the_rest_counted(file, capsys):
    call_command("import_schedule", file(*[row(seats="x")] * 1_234))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 1,214 more (refused)"


def test_a_dry_run(file, capsys):
    call_command("import_schedule", file(row()), dry_run=True)
    assert capsys.readouterr().out == "dry run: read 1, new 1, changed 0, unchanged 0, refused 0\n"
    assert not Flight.objects.exists()


def test_a_file_that_cannot_be_read_is_one_clear_line(file, tmp_path):
    path = tmp_path / "none.csv"
    with pytest.raises(CommandError, match=r"none.csv cannot be read as a schedule: .*No such file"):
        call_command("import_schedule", path)
    with pytest.raises(CommandError, match="no flight leg"):
        call_command("import_schedule", file(row()), format="ssim")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("date,carrier,flight_number,seats", "the header lacks flight_date, origin, destination, sched_dep_local"),
        ("From;To;Day", r"neither our CSV \(a header with flight_date, carrier, flight_number"),
    ],
)
def test_a_file_that_is_something_else_is_told_the_columns(tmp_path, airports, text, says):
    path = tmp_path / "other.csv"
    path.write_text(f"{text}\n1,2,3,4\n")
    with pytest.raises(CommandError, match=says) as refusal:
        call_command("import_schedule", path)
    assert "before that" not in str(refusal.value)


def test_the_help_has_an_example(capsys):
    with pytest.raises(SystemExit):
        Command().create_parser("manage.py", "import_schedule").parse_args(["--help"])
    assert "\n".join(EXAMPLE) in capsys.readouterr().out


def test_a_file_that_breaks_off_says_what_went_in(file, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 100)
    path = file(
        *[row(flight_number=number, tail_number=f"N{number * 7919}") for number in range(1, 2_000)], zipped=True
    )
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(CommandError, match=r"end-of-stream marker was reached \(before that: read [\d,]+00, new"):
        call_command("import_schedule", path)
    went_in = Flight.objects.count()
    assert 100 <= went_in < 2_000
    assert Event.objects.get(action="schedule.imported").after["new"] == went_in


class Terminal:
    def __init__(self, is_terminal: bool):
        self.text, self.is_terminal = "", is_terminal

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...


def test_progress_is_drawn_on_a_terminal_only():
    for terminal in (Terminal(True), Terminal(False)):
        bar = ProgressBar("file", terminal)  # type: ignore[arg-type]
        bar(0, 200)
        bar(100, 200)  # too soon after the first
        bar(200, 200)
        drawn = terminal.text
        bar.close()
        assert ("100%" in drawn, "  0%" in drawn, " 50%" in drawn) == (
            terminal.is_terminal,
            terminal.is_terminal,
            False,
        )
        assert (terminal.text == "") is not terminal.is_terminal
