"""Processor time of server processes on this machine, from /proc (Linux)."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def listeners(port: int) -> set[int]:
    """Return the processes that listen on a port, as far as we may see them."""
    sockets = {f"socket:[{inode}]" for inode in listening_inodes(port)}
    return {pid for pid in all_processes() if sockets & open_files(pid)} if sockets else set()


def listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
        found |= {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    return found


def all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def open_files(pid: int) -> set[str]:
    try:
        return {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


def stat(pid: int) -> tuple[int, int]:
    """Return a process's parent and the ticks that it and its ended children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15]))


def seconds_of(roots: set[int]) -> float:
    """Return the processor time of processes and all their descendants."""
    parents, ticks = {}, {}
    for pid in all_processes():
        try:
            parents[pid], ticks[pid] = stat(pid)
        except OSError:
            continue
    members = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in members} - members:
        members |= more
    return sum(ticks.get(pid, 0) for pid in members) / TICKS
