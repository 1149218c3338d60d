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


def ticks_of(roots: set[int]) -> dict[int, int]:
    """Return the ticks that processes and all their descendants have used, by process."""
    parents, ticks = {}, {}
    for pid in all_processes():
        try:
            parents[pid], ticks[pid] = stat(pid)
        except OSError:
            continue
    members = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in members} - members:
        members |= more
    return {pid: ticks[pid] for pid in members if pid in ticks}


def seconds_of(roots: set[int]) -> float:
    """Return the processor time of processes and all their descendants."""
    return sum(ticks_of(roots).values()) / TICKS


def memory_of(roots: set[int]) -> int:
    """Return the bytes of memory that processes and all their descendants have, shared pages by their share (PSS)."""
    return sum(pss(pid) for pid in ticks_of(roots))


def pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
