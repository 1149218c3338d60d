"""The application: routers, refusals, and nothing else."""

from fastapi import FastAPI

from . import bookings, config, counting, flights, problems
from .database import engine

app = FastAPI(title="Yardstick")
app.include_router(flights.router)
app.include_router(bookings.router)
problems.register(app)
if config.COUNTS_STATEMENTS:
    counting.listen_to(engine)
    app.add_middleware(counting.CountStatements)
