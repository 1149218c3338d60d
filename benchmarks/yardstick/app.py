"""The application: routers, refusals, and nothing else."""

from fastapi import FastAPI

from . import bookings, config, confirmation, counting, flights, gates, orders, problems
from .database import engine

app = FastAPI(title="Yardstick")
for part in (flights, bookings, confirmation, orders, gates):
    app.include_router(part.router)
problems.register(app)
if config.COUNTS_STATEMENTS:
    counting.listen_to(engine)
    app.add_middleware(counting.CountStatements)
