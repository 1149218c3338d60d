from collections.abc import Sequence
from typing import Any

from django.db.backends.postgresql import base
from psycopg._preparing import Prepare, PrepareManager
from psycopg.pq import Format
from psycopg.pq.abc import PGresult

FORGETTING = (b"DROP", b"ALTER", b"DISCARD ALL", b"DEALLOCATE ALL")


class KeptStatements(PrepareManager):
    """Statements stay prepared when a transaction or a savepoint is rolled back, as PostgreSQL itself has it.

    psycopg would drop all of them, lest one names a table that the rollback took away: we make none on the way. Each
    would be planned anew six times, which takes several times as long as to run it.
    """

    def clear(self) -> bool:
        """Do nothing: this is what psycopg calls after a rollback."""
        return False

    def forget(self) -> None:
        """Let the next statement drop all that are prepared."""
        super().clear()

    def _should_discard(self, prep: Prepare, results: Sequence[PGresult], *more: Any) -> bool:
        is_gone = any((result.command_status or b"").startswith(FORGETTING) for result in results)
        return is_gone and super().clear()


class DatabaseWrapper(base.DatabaseWrapper):
    kept_reader = None

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        kept = KeptStatements()
        kept.prepare_threshold, kept.prepared_max = connection.prepare_threshold, connection.prepared_max
        connection._prepared = kept
        self.kept_reader = None
        return connection

    def is_usable(self):
        """Forget what is prepared, too: after an error a statement may have been made for a table that has changed."""
        if self.connection is not None:
            self.connection._prepared.forget()
        return super().is_usable()

    def reader(self):
        """Return a cursor that reads rows in PostgreSQL's binary format.

        The connection has one, for as long as it lasts: it knows how to read each type that it has seen.
        """
        self.ensure_connection()
        if self.kept_reader is None:
            self.kept_reader = self.create_cursor()
            self.kept_reader.format = Format.BINARY
        return self._prepare_cursor(self.kept_reader)  # type: ignore[attr-defined]
