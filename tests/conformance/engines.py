"""The two programs that run Autobahn's cases: wstest, the original, on Python 2.7, and kosoku on Python 3."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from process import Child, Ended, free_port, wait_for_port  # noqa: E402


class Engine:
    """Runs the cases against a server, or serves them to a client, and leaves index.json in `out`."""

    name = ""

    def __init__(self, program: str):
        self.program = program

    def fuzz_server(self, address: str, agent: str, cases: list[str], out: Path, seconds: float) -> None:
        """Runs the fuzzing client against the server at `address`: host, port and path."""
        raise NotImplementedError

    def fuzz_client(self, client: Callable[[int], None], cases: list[str], out: Path, seconds: float) -> None:
        """Runs the fuzzing server and calls `client` with its port; returns when the report is written."""
        raise NotImplementedError

    def _fresh(self, out: Path) -> Path:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        return out.parent / f"{out.name}.log"

    @staticmethod
    def _await_report(out: Path, child: Child, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not complete(out / "index.json"):
            if time.monotonic() > deadline:
                raise Ended(f"{child.name} wrote no report to {out}\n{child.tail()}")
            time.sleep(0.1)


class Kosoku(Engine):
    """The case files of Autobahn under a runner written in Rust. Its exit status repeats what the report says.

    It takes no name for a server, and reports on it under its host and port.
    """

    name = "kosoku"

    def fuzz_server(self, address: str, agent: str, cases: list[str], out: Path, seconds: float) -> None:
        log = self._fresh(out)
        with Child(self._args("fuzzingclient", address, cases, out), log) as child:
            if child.wait(seconds) is None:
                raise Ended(f"kosoku did not finish in {seconds:.0f} s\n{child.tail()}")
            self._await_report(out, child, 5)

    def fuzz_client(self, client: Callable[[int], None], cases: list[str], out: Path, seconds: float) -> None:
        log = self._fresh(out)
        port = free_port()
        with Child(self._args("fuzzingserver", f"127.0.0.1:{port}", cases, out), log) as child:
            wait_for_port(port, child, 20)
            client(port)
            # It writes the report and ends by itself once the client has asked for it.
            child.wait(20)
            self._await_report(out, child, 5)

    def _args(self, mode: str, address: str, cases: list[str], out: Path) -> list[str]:
        include = [word for case in cases for word in ("-i", case)]
        # One case at a time: its time limits are meant for an endpoint that is not kept busy by other cases.
        return [self.program, "-m", mode, "-p", "1", *include, "-o", str(out), address]


class Wstest(Engine):
    """autobahntestsuite itself."""

    name = "wstest"

    def fuzz_server(self, address: str, agent: str, cases: list[str], out: Path, seconds: float) -> None:
        log = self._fresh(out)
        servers = [{"agent": agent, "url": f"ws://{address}"}]
        spec = self._spec(out, cases, servers=servers)
        with Child([self.program, "-m", "fuzzingclient", "-s", str(spec)], log) as child:
            if child.wait(seconds) is None:
                raise Ended(f"wstest did not finish in {seconds:.0f} s\n{child.tail()}")
            self._await_report(out, child, 5)

    def fuzz_client(self, client: Callable[[int], None], cases: list[str], out: Path, seconds: float) -> None:
        log = self._fresh(out)
        port = free_port()
        spec = self._spec(out, cases, url=f"ws://127.0.0.1:{port}")
        # -u 0: no second port for a web page.
        with Child([self.program, "-m", "fuzzingserver", "-u", "0", "-s", str(spec)], log) as child:
            wait_for_port(port, child, 30)
            client(port)
            self._await_report(out, child, 20)

    @staticmethod
    def _spec(out: Path, cases: list[str], **more: object) -> Path:
        spec = {"outdir": str(out), "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}, **more}
        path = out.parent / f"{out.name}.json"
        path.write_text(json.dumps(spec))
        return path


def complete(index: Path) -> bool:
    """Tells whether the report is there and not half written."""
    try:
        json.loads(index.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True
