"""With BENCH_COUNT=1 each answer tells how many statements it took, with BEGIN, COMMIT and ROLLBACK."""

from contextvars import ContextVar
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


class Counter:
    def __init__(self) -> None:
        self.statements = 0
        self.in_transaction = False


counter: ContextVar[Counter | None] = ContextVar("counter", default=None)


def note(*, in_transaction: bool) -> None:
    if counted := counter.get():
        counted.statements += 1
        counted.in_transaction = in_transaction


def listen_to(engine: AsyncEngine) -> None:
    steps = {"begin": True, "before_cursor_execute": True, "commit": False, "rollback": False}
    for name, in_transaction in steps.items():
        event.listen(engine.sync_engine, name, lambda *_, then=in_transaction, **__: note(in_transaction=then))


class CountStatements:
    """ASGI middleware. A transaction that is still open is rolled back once the answer is out: one more."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        counted = Counter()
        counter.set(counted)

        async def send_with_count(message: Any) -> None:
            if message["type"] == "http.response.start":
                count = counted.statements + counted.in_transaction
                message["headers"] = [*message["headers"], (b"x-statements", str(count).encode())]
            await send(message)

        await self.app(scope, receive, send_with_count)
