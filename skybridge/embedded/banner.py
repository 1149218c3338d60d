"""What `up` prints when all is up: addresses, demo users, keys, and calls to paste."""

import json
from pathlib import Path

PAGES = {
    "Site": "/",
    "API": "/docs",
    "Reference": "/redoc",
    "Admin": "/admin/",
    "Agents": "/login/",
    "Health": "/livez",
}


def show(directory: Path, host: str, port: int) -> None:
    demo = read_demo(directory)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    base = (demo.get("url") or f"http://{f'[{shown}]' if ':' in shown else shown}:{port}").rstrip("/")
    sections = [
        rows([*((name, base + path) for name, path in PAGES.items()), ("Logs", str(directory / "logs"))]),
        titled("Demo users", rows([(u["role"], f"{u['username']} / {u['password']}") for u in demo.get("users", [])])),
        titled("Demo agencies", rows([(a["name"], a["api_key"]) for a in demo.get("agencies", [])])),
        titled("Demo traveller", f"  the token is in {directory / 'demo.json'} (jwt)" if demo.get("jwt") else ""),
        titled("Search, book, confirm; ticket, check in: paste one after the other", "\n\n".join(demo.get("curl", []))),
        "Ctrl-C stops everything.",
    ]
    print("\n" + "\n\n".join(section for section in sections if section), flush=True)


def read_demo(directory: Path) -> dict:
    try:
        return json.loads((directory / "demo.json").read_text())
    except (OSError, ValueError):
        return {}


def rows(pairs: list[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"  {name:{width}}  {value}" for name, value in pairs)


def titled(title: str, text: str) -> str:
    return f"{title}\n{text}" if text else ""
