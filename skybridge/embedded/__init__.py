"""The embedded start: PostgreSQL, Valkey, web, worker and beat as child processes of one supervisor.

Nothing here needs Django: the supervisor lives as long as the system and stays small.
"""
