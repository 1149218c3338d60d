"""The yardstick: what competent engineers would write with FastAPI, SQLAlchemy 2 (async ORM), asyncpg and uvicorn.

It works on SkyBridge's own tables, answers the calls that the benchmark makes with the same fields and statuses, and
writes the same rows, each call in one transaction. It is written as FastAPI's and SQLAlchemy's documentation has it: a
session (with its BEGIN) per request, declared response models, which FastAPI turns into JSON in one step, no lazy
loading, `expire_on_commit=False`, a pool as large as a worker's share of the load, the API key remembered in the
process for some seconds. Seats, stock, credit and boarding are guarded by SELECT ... FOR UPDATE, the account last.
Where the ORM leaves a choice it is the faster one: READ is one statement of joins, SEARCH selects columns.

    uvicorn yardstick.app:app --workers 2 --loop uvloop --http httptools --no-access-log  # in benchmarks/

It reads DATABASE_URL (postgres://user:password@host:port/name), DATABASE_POOL_SIZE (10), the terms of business under
SkyBridge's names (HOLD_MINUTES, SALES_CLOSE_MINUTES, BOARDING_OPENS_MINUTES, BOARDING_CLOSES_MINUTES, ACCOUNTING_CODE),
and BENCH_COUNT: with `BENCH_COUNT=1` each answer has the header `X-Statements`, the number of statements with BEGIN,
COMMIT and ROLLBACK. `python -m benchmarks.yardstick.same` proves that both answer alike.

What SkyBridge does and the yardstick leaves out, in its favour:

- no throttling and no quotas, no `RateLimit` headers; no travellers' tokens, no sessions: API keys alone;
- no idempotency keys;
- no access log, no request ids, no `ETag` and `If-Match`;
- of input it refuses what pydantic refuses: unknown fields, duplicate keys and the like pass;
- a key's last use is not noted;
- BOOK takes unnamed adults only and one flight; no seats, no names, no contact;
- holds that have run out are not looked for: neither does SEARCH count their seats, nor BOOK give them back;
- a route is searched for one date, with no other filter;
- LIST counts the orders at each call, so CONFIRM and ORDER keep no number of them;
- CONFIRM and ORDER send no message to a worker, ORDER knows payment on account and products for nobody in particular;
- a backup holds the order's own rows and those that the call has in its hands; SkyBridge keeps all rows that they
  refer to as well (agency, plan, account, fares, airports, carriers);
- SCAN looks the pass up by its text's digest and does not verify the signature, knows no offline devices, and does not
  move EMDs.
"""
