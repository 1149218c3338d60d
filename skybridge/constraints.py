"""Telling which constraint of the database a change ran into."""

import psycopg
from django.db import IntegrityError


def violates(exc: IntegrityError, constraint: str) -> bool:
    cause = exc.__cause__
    return isinstance(cause, psycopg.Error) and cause.diag.constraint_name == constraint
