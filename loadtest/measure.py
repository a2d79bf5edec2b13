#!/usr/bin/env python3
"""Measures what Fleetgate costs a request, beside nginx as a bare proxy, on this machine; README.md says how to read it.

    ./measure.py                                  # all but paced10k, three rounds
    ./measure.py --only plain,burst --rounds 5
    ./measure.py --only paced10k                  # needs `ulimit -n 20000`
    ./measure.py --json > figures.json

The server under test runs on core 1, the load generator and the upstream on core 0. Needs Linux, make and a C compiler;
nginx is left out where it is not installed. Nothing but the standard library is used here.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
KEY = "sk-load-0123456789abcdef0123"
LOAD_CORE, SERVER_CORE = 0, 1
VOCABULARY = (
    "agent", "asks", "the", "model", "to", "read", "one", "file", "call", "a", "tool", "and", "wait", "for", "its", "result",
    "before", "next", "step", "of", "this", "plan", "so", "that", "tests", "pass", "errors", "are", "found", "early",
)  # fmt: skip


# ---------------------------------------------------------------- what is asked
@dataclass(frozen=True)
class Workload:
    """A request and how it is repeated. `pace`: chunks a second of each stream; 0 where the answer comes at once."""

    name: str
    model: str
    size: int
    stream: bool = False
    connections: int = 32
    seconds: float = 4.0
    warmup: float = 1.0
    stagger: float = 0.0
    pace: int = 0
    with_nginx: bool = True

    def body(self) -> bytes:
        """The request: an agent's conversation of `size` bytes, the same at every run."""
        turns = max(1, self.size // 1500)
        room = self.size - len(self._written([""] * turns))
        words = random.Random(self.size)
        return self._written([text(room // turns + (room % turns if turn == 0 else 0), words) for turn in range(turns)])

    def _written(self, texts: Sequence[str]) -> bytes:
        roles = ("user", "assistant")
        messages = [{"role": "system", "content": "You are a coding agent."}]
        messages += [{"role": roles[turn % 2], "content": said} for turn, said in enumerate(texts)]
        fields = {
            "model": self.model,
            "messages": messages,
            "temperature": 0.7,
            "max_tokens": 512,
            "stream": self.stream,
            "user": "agent-17",
        }
        return json.dumps(fields, separators=(",", ":")).encode()


def text(size: int, words: random.Random) -> str:
    """Words and line ends that take `size` bytes as JSON."""
    drawn = words.choices(VOCABULARY, k=size)
    lines = [" ".join(drawn[at : at + 9]) for at in range(0, size, 9)]
    escaped = "\\n".join(lines)[:size]
    return escaped.removesuffix("\\").replace("\\n", "\n").ljust(size - escaped.count("\\n"), ".")


WORKLOADS = (
    Workload("plain", "gpt-4o-mini", 1024),
    Workload("large", "gpt-4o-mini", 20 * 1024),
    Workload("burst", "burst", 1024, stream=True),
    Workload("paced", "p100", 1024, True, connections=2000, seconds=5, warmup=4, stagger=3, pace=10),
    Workload("paced10k", "p1000", 1024, True, connections=9800, seconds=5, warmup=9, stagger=7, pace=1, with_nginx=False),
)


# ---------------------------------------------------------------- processes
@dataclass(frozen=True)
class Subject:
    """A server under test."""

    name: str
    port: int
    pid: int
    ready_s: float


@contextlib.contextmanager
def running(command: Sequence[object], core: int, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    """A process on one core, ended at the end."""
    pinned = ["taskset", "-c", str(core % (os.cpu_count() or 1)), *map(str, command)]
    process = subprocess.Popen(pinned, text=True, **settings)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_ready(process: subprocess.Popen[str], url: str, limit_s: float = 20.0) -> float:
    """Waits until the URL answers 200; returns how long that took."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit_s:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return time.monotonic() - begun
        time.sleep(0.01)
    raise SystemExit(f"{process.args!r} does not answer at {url}; exit code {process.poll()}")


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def resident_mb(pids: Sequence[int]) -> float:
    """Memory in RAM of all of them."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return total * resource.getpagesize() / 2**20


# ---------------------------------------------------------------- the servers
NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile {files}; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections {files}; }}
http {{
  access_log off; client_body_buffer_size 256k; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream mock {{ server 127.0.0.1:{mock}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Authorization "Bearer sk-upstream";
    }}
  }}
}}
"""

FLEETGATE = """
providers:
  openai: {{ wire: openai, base_url: "${{OPENAI_BASE_URL}}", api_keys: [ "${{OPENAI_API_KEY}}" ] }}
models:
  "*": openai/*
tenants:
  load: {{ keys: [ {{ name: load, key: {key} }} ] }}
"""


@contextlib.contextmanager
def nginx(folder: Path, mock: int, port: int) -> Iterator[Subject]:
    """nginx as a bare proxy: what forwarding costs where nothing else is done."""
    settings = folder / "nginx.conf"
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    settings.write_text(NGINX.format(folder=folder, mock=mock, port=port, files=files))
    with running(["nginx", "-e", folder / "nginx.log", "-c", settings], SERVER_CORE) as process:
        yield Subject("nginx", port, process.pid, wait_ready(process, f"http://127.0.0.1:{port}/v1/models"))


@contextlib.contextmanager
def fleetgate(folder: Path, mock: int, port: int) -> Iterator[Subject]:
    """Fleetgate with one worker and one key."""
    settings = folder / "fleetgate.yaml"
    settings.write_text(FLEETGATE.format(key=KEY))
    where = {"OPENAI_BASE_URL": f"http://127.0.0.1:{mock}/v1", "OPENAI_API_KEY": "sk-upstream"}
    command = [sys.executable, "-m", "gateway", "serve", "--config", settings, "-p", str(port)]
    with (
        (folder / "fleetgate.log").open("w") as log,
        running(command, SERVER_CORE, cwd=HERE.parent, env=os.environ | where, stdout=log, stderr=log) as process,
    ):
        try:
            ready_s = wait_ready(process, f"http://127.0.0.1:{port}/readyz")
        except SystemExit:
            sys.stderr.write((folder / "fleetgate.log").read_text())
            raise
        yield Subject("fleetgate", port, process.pid, ready_s)


SERVERS: Mapping[str, Callable[[Path, int, int], contextlib.AbstractContextManager[Subject]]] = {
    "nginx": nginx,
    "fleetgate": fleetgate,
}


# ---------------------------------------------------------------- one run, and all of them
Figures = dict[str, float]


def run(subject: Subject, workload: Workload, folder: Path) -> Figures:
    """One workload on one server."""
    body = folder / "body.json"
    body.write_bytes(workload.body())
    pids = family(subject.pid)
    options = {
        "port": subject.port,
        "body": body,
        "key": KEY,
        "connections": workload.connections,
        "seconds": workload.seconds,
        "warmup": workload.warmup,
        "stagger": workload.stagger,
        "pids": ",".join(map(str, pids)),
    }
    command = [HERE / "bin/loadgen", *(part for name, value in options.items() for part in (f"--{name}", value))]
    mb_before = mb_peak = resident_mb(pids)
    with running(command, LOAD_CORE, stdout=subprocess.PIPE) as generator:
        while generator.poll() is None:
            mb_peak = max(mb_peak, resident_mb(pids))
            time.sleep(0.2)
        output = generator.communicate()[0]
    return figures(workload, json.loads(output), mb_before, mb_peak)


def figures(workload: Workload, got: Mapping[str, Any], mb_before: float, mb_peak: float) -> Figures:
    """What is kept of a run. CPU is user and system time of the server and its children in the measured window.

    A paced stream has no requests to divide by: its unit is the chunk, as many as the upstream's pace makes.
    """
    found: Figures = {"errors": got["errors"] + got["not_200"], "mb_peak": mb_peak}
    if workload.pace:
        due = workload.connections * workload.pace
        found["cpu_us"] = got["cpu_load"] * 1e6 / due
        found["kb_per_stream"] = (mb_peak - mb_before) * 1024 / workload.connections
        found["chunks_arrived"] = got["events"] / got["seconds"] / due
    else:
        found["cpu_us"] = got["cpu_us_per_request"]
        found["rps"] = got["rps"]
        found["p50_us"], found["p99_us"] = got["latency_us"]["p50"], got["latency_us"]["p99"]
        found["first_byte_p50_us"] = got["first_byte_us"]["p50"]
    return found


def summary(workload: Workload, rounds: Mapping[str, Sequence[Figures]]) -> list[dict[str, Any]]:
    """A line for each server: medians over the rounds, errors added up, and the CPU time over nginx's.

    Memory per stream is the largest: only the first round grows the server, later ones find what it has kept.
    """
    lines = []
    for name, runs in rounds.items():
        middle = {key: round(statistics.median(one[key] for one in runs), 2) for key in runs[0]}
        line: dict[str, Any] = {
            "workload": workload.name,
            "server": name,
            "unit": "chunk" if workload.pace else "request",
            **middle,
        }
        line["errors"] = int(sum(one["errors"] for one in runs))
        if workload.pace:
            line["kb_per_stream"] = round(max(one["kb_per_stream"] for one in runs), 1)
        line["cpu_us_each_round"] = [round(one["cpu_us"], 2) for one in runs]
        if name != "nginx" and "nginx" in rounds:
            line["cpu_over_nginx"] = round(middle["cpu_us"] / statistics.median(one["cpu_us"] for one in rounds["nginx"]), 2)
        lines.append(line)
    return lines


def measure(subjects: Sequence[Subject], workloads: Sequence[Workload], rounds: int, folder: Path) -> list[dict[str, Any]]:
    """All workloads on all servers, taking turns, so that a busy minute of the machine hits everybody."""
    kept: dict[str, dict[str, list[Figures]]] = {workload.name: {} for workload in workloads}
    for turn in range(rounds):
        for workload in workloads:
            for subject in subjects:
                if subject.name == "nginx" and not workload.with_nginx:
                    continue
                sys.stderr.write(f"round {turn + 1} of {rounds}: {workload.name} on {subject.name}\n")
                kept[workload.name].setdefault(subject.name, []).append(run(subject, workload, folder))
    return [line for workload in workloads for line in summary(workload, kept[workload.name])]


# ---------------------------------------------------------------- the command
COLUMNS = (
    "workload", "server", "unit", "cpu_us", "cpu_over_nginx", "rps", "p50_us", "p99_us", "kb_per_stream", "mb_peak",
    "chunks_arrived", "errors",
)  # fmt: skip


def print_table(lines: Sequence[Mapping[str, Any]]) -> None:
    """The lines for people, as a Markdown table."""
    rows = [COLUMNS, *([str(line.get(column, "")) for column in COLUMNS] for line in lines)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


def options() -> argparse.Namespace:
    """The command line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [workload.name for workload in WORKLOADS]
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--only", default="plain,large,burst,paced", help=f"workloads, of {','.join(names)}")
    ask.add_argument("--servers", default=",".join(SERVERS), help="of nginx,fleetgate")
    ask.add_argument("--port", type=int, default=9151, help="the first of three ports to use")
    ask.add_argument("--json", action="store_true", help="one JSON line for each workload and server")
    chosen = ask.parse_args()
    for given, known in ((chosen.only, names), (chosen.servers, list(SERVERS))):
        if unknown := set(given.split(",")) - set(known):
            ask.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return chosen


def main() -> None:
    """Builds the tools, starts the servers, measures, prints."""
    chosen = options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    subprocess.run(["make", "--quiet", "-C", HERE], check=True)
    workloads = [workload for workload in WORKLOADS if workload.name in chosen.only.split(",")]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mock = stack.enter_context(running([HERE / "bin/mock", chosen.port], LOAD_CORE, stdout=subprocess.DEVNULL))
        wait_ready(mock, f"http://127.0.0.1:{chosen.port}/v1/models")
        subjects = []
        for at, name in enumerate(chosen.servers.split(","), 1):
            if name == "nginx" and shutil.which("nginx") is None:
                sys.stderr.write("nginx is not installed: no baseline\n")
                continue
            subjects.append(stack.enter_context(SERVERS[name](folder, chosen.port, chosen.port + at)))
        starts = [
            {"server": one.name, "ready_s": round(one.ready_s, 2), "mb_idle": round(resident_mb(family(one.pid)), 1)}
            for one in subjects
        ]
        lines = measure(subjects, workloads, chosen.rounds, folder)
    if chosen.json:
        print(*map(json.dumps, (*starts, *lines)), sep="\n")
        return
    print_table(lines)
    for start in starts:
        print(f"{start['server']}: ready after {start['ready_s']} s, {start['mb_idle']} MB")


if __name__ == "__main__":
    main()
