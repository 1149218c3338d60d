"""Start everything in order, keep it running, and stop it in reverse: `manage.py up`."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from skybridge.embedded import addresses, banner
from skybridge.embedded.engines import Engine, Home, Postgres, Valkey, start_engines, stop_children
from skybridge.embedded.livez import answers_livez
from skybridge.embedded.processes import Child, Failure, end_with_parent, engine_account, kill_session
from skybridge.embedded.state import PROJECT, State, home_directory

WEB_READY_SECONDS = 30
LOOK_EVERY_SECONDS = 0.25
FIRST_PAUSE, LONGEST_PAUSE, STABLE_AFTER = 0.5, 30.0, 60.0  # between restarts of a child that keeps ending
PROGRAMS_STOP_SECONDS, ENGINES_STOP_SECONDS = 5.5, 3.0  # together with what they take to be killed: within 10 s

ENGINES: dict[str, type[Engine]] = {"REDIS_URL": Valkey, "DATABASE_URL": Postgres}


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C or asked us to end. Not an Exception: nobody but `main` may catch it."""


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    supervisor = Supervisor()
    try:
        listen_to_signals(end_with_make=options.end_with_parent)
        supervisor.start()
        supervisor.watch()
    except StopRequested:
        supervisor.say("Stopping")
        return 0
    except (Failure, OSError) as failure:
        print(f"skybridge: {failure}", file=sys.stderr)
        return 1
    finally:
        ignore_signals()
        supervisor.stop()
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    parser.add_argument("--end-with-parent", action="store_true", help="stop when the calling process (make) dies")
    return parser.parse_args(arguments)


def listen_to_signals(*, end_with_make: bool) -> None:
    def request_stop(*_) -> None:
        raise StopRequested

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, request_stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup asked us to outlive the terminal
        signal.signal(signal.SIGHUP, request_stop)
    if end_with_make:
        end_with_parent(signal.SIGTERM)


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class Supervisor:
    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self.programs: list[Child] = []
        self.errands: list[Child] = []  # run once, and are not started again
        self.began = time.monotonic()

    def start(self) -> None:
        refuse_production()
        self.host, self.port = addresses.chosen_host(), addresses.chosen_port()
        given = addresses.given_urls()
        self.state = State(home_directory())
        addresses.refuse_taken(self.host, self.port)
        self.say(f"SkyBridge in {self.state.directory}")
        self.environment = os.environ | self.shared_environment(given | self.start_engines(given))
        self.prepare()
        self.start_programs()
        banner.show(self.state.directory, self.host, self.port)
        self.start_errands()

    def start_engines(self, given: dict[str, str]) -> dict[str, str]:
        """Start the engines whose URL was not given, and return theirs."""
        engines = {name: self.engine(kind) for name, kind in ENGINES.items() if name not in given}
        self.engines = list(engines.values())
        start_engines(self.engines)
        self.state.keep(**{f"{engine.name.lower()}_port": engine.port for engine in self.engines})
        if engines:
            self.say(" and ".join(engine.name for engine in self.engines), "ready")
        return {name: engine.url for name, engine in engines.items()}

    def shared_environment(self, urls: dict[str, str]) -> dict[str, str]:
        """Return, and write down for later commands, where everything is."""
        variables = self.state.environment(
            database_url=urls["DATABASE_URL"], redis_url=urls["REDIS_URL"], port=self.port
        )
        self.state.write_environment(variables)
        return variables

    def engine(self, kind: type[Engine]) -> Engine:
        account = engine_account(self.state.directory / "postgres")
        home = Home.within(self.state.engines_directory(account), self.state.logs, account)
        name = kind.name.lower()
        return kind(
            home,
            password=self.state.secret(f"{name}_password"),
            port=self.state.kept.get(f"{name}_port"),
            inherited=(self.state.lock,),
        )

    def prepare(self) -> None:
        """Migrate and seed in one process that ends before the programs start."""
        child = self.child("prepare", ["manage.py", "prepare"])
        self.programs = [child]
        if not child.run():
            raise Failure(f"{child.last_words().removeprefix('CommandError: ')} (log: {child.log})")
        self.programs = []
        self.say("Database and demo data ready")

    def start_programs(self) -> None:
        """Start the web server alone first: all at once share the processors, and the first answer comes later."""
        for child in self.program_list():
            self.programs.append(child)
            child.start()
            if child.name == "web":
                child.await_ready(lambda: answers_livez(self.host, self.port), WEB_READY_SECONDS)
                self.say("Web ready")

    def start_errands(self) -> None:
        """Let the demo's week be sold when everything is up, so that nobody waits for it."""
        if self.environment.get("SKYBRIDGE_DEMO_SALES") == "0":
            return
        child = self.child("simulation", ["manage.py", "simulate_sales"])
        self.errands.append(child)
        child.start()

    def program_list(self) -> list[Child]:
        """Return web, worker and beat. Orphans are killed: what they had not committed counts as never done."""
        schedule = self.state.directory / "celerybeat-schedule"
        return [
            self.child("web", web_command(self.host, self.port)),
            self.child("worker", worker_command()),
            self.child("beat", beat_command(schedule)),
        ]

    def child(self, name: str, arguments: list[str]) -> Child:
        return Child(
            name,
            [sys.executable, *arguments],
            self.state.logs / f"{name}.log",
            environment=self.environment,
            directory=PROJECT,
            orphan_signal=signal.SIGKILL,
            inherited=(self.state.lock,),
        )

    def watch(self) -> None:
        watched = [Watched(child) for child in [*(engine.child for engine in self.engines), *self.programs]]
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            for one in watched:
                one.look(time.monotonic())
            self.errands = [errand for errand in self.errands if errand.running]  # asking lets one that has ended go

    def stop(self) -> None:
        stop_children([*self.errands, *self.programs[::-1]], PROGRAMS_STOP_SECONDS)
        stop_children([engine.child for engine in self.engines], ENGINES_STOP_SECONDS)

    def say(self, *words: str) -> None:
        print(f"{time.monotonic() - self.began:5.1f} s  {' '.join(words)}", flush=True)


def web_command(host: str, port: int) -> list[str]:
    address = ["--host", host, "--port", str(port)]
    capacity = ["--workers", "2", "--blocking-threads", "2", "--backpressure", "64"]
    # Idle threads stay, and with them their connections to the database.
    lives = ["--blocking-threads-idle-timeout", "600", "--respawn-failed-workers", "--workers-kill-timeout", "4"]
    application = ["--http", "1", "--no-ws", "--factory", "skybridge.embedded.web:make_application"]
    return ["-m", "skybridge.web", "--interface", "wsgi", *address, *capacity, *lives, *application]


def worker_command(app: str = "skybridge", *, pool: str = "threads", concurrency: int = 4) -> list[str]:
    capacity = ["-P", pool, "-c", str(concurrency)]
    return ["-m", "celery", "-A", app, "-q", "worker", *capacity, "-l", "info", "--without-gossip", "--without-mingle"]


def beat_command(schedule: Path) -> list[str]:
    return ["-m", "celery", "-A", "skybridge.beat", "-q", "beat", "-s", str(schedule), "--pidfile="]


def refuse_production() -> None:
    if os.environ.get("SKYBRIDGE_ENV") == "production":
        raise Failure("up serves demo data and is not for production: see compose.yaml.")


class Watched:
    """A child that is started again when it ends, after a pause that grows while it keeps ending.

    The engines too: they keep their port and their data, and their clients connect again.
    """

    def __init__(self, child: Child):
        self.child = child
        self.started = time.monotonic()
        self.pause = FIRST_PAUSE
        self.due: float | None = None

    def look(self, now: float) -> None:
        if self.child.running:
            return
        if self.due is None:
            self._plan(now)
        elif now >= self.due:
            self.child.start()
            self.started, self.due = now, None

    def _plan(self, now: float) -> None:
        process = self.child.process
        if process is not None:
            kill_session(process.pid)
        if now - self.started > STABLE_AFTER:
            self.pause = FIRST_PAUSE
        self.due = now + self.pause
        self.pause, pause = min(self.pause * 2, LONGEST_PAUSE), self.pause
        reason = f"ended with {process.returncode}" if process is not None else "did not start"
        print(f"{self.child.name} {reason}: starting it again in {pause:g} s (log: {self.child.log})", flush=True)
