"""Child processes of the test runners: bounded in time, logged, and gone when the runner ends."""

from __future__ import annotations

import atexit
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


def free_port() -> int:
    """Returns a loopback port that nothing listens on at this moment.

    Peers that can report the port they were given listen on port 0 instead, which leaves no race.
    """
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Ended(Exception):
    """The process ended, or said nothing in time, while something was still expected from it."""


class Child:
    """A process in a group of its own, whose standard output is read line by line.

    Standard error goes to `log`; `tail` shows the end of it when something went wrong.
    """

    _living: set["Child"] = set()

    def __init__(self, args: list[str], log: Path, *, stdin: bool = False, env: dict[str, str] | None = None):
        log.parent.mkdir(parents=True, exist_ok=True)
        self.args = [str(arg) for arg in args]
        self.log = log
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            self.args,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._pump, daemon=True)
        self._reader.start()
        Child._living.add(self)

    def _pump(self) -> None:
        with self._process.stdout as lines, self._log as log:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                log.write(f"> {text[:2000]}\n".encode())
                log.flush()
                self._lines.put(text)
        self._lines.put(None)

    def line(self, seconds: float) -> str:
        """Returns the next line of output, or raises `Ended`."""
        try:
            line = self._lines.get(timeout=max(seconds, 0))
        except queue.Empty:
            raise Ended(f"{self.name} said nothing for {seconds:.0f} s\n{self.tail()}") from None
        if line is None:
            self._lines.put(None)
            raise Ended(f"{self.name} ended with status {self.wait(5)}\n{self.tail()}")
        return line

    def send(self, line: str) -> None:
        """Writes one line to the process's standard input."""
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise Ended(f"{self.name} no longer reads its input\n{self.tail()}") from error

    def end_input(self) -> None:
        """Closes the process's standard input."""
        self._process.stdin.close()

    def wait(self, seconds: float) -> int | None:
        """Returns the exit status, or None when the process still runs after `seconds`."""
        try:
            return self._process.wait(timeout=max(seconds, 0))
        except subprocess.TimeoutExpired:
            return None

    @property
    def name(self) -> str:
        return Path(self.args[0]).name

    @property
    def pid(self) -> int:
        return self._process.pid

    def tail(self, lines: int = 15) -> str:
        """Returns the last lines the process wrote, to either stream."""
        text = self.log.read_text("utf-8", "replace").splitlines()
        return "\n".join(f"    {self.name}: {line}" for line in text[-lines:])

    def kill(self) -> None:
        """Ends the whole process group at once, without a chance to say goodbye."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.wait(5)

    def stop(self) -> None:
        """Ends the whole process group: politely, then not."""
        for sig, grace in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
            if self._process.poll() is None or sig == signal.SIGTERM:
                try:
                    os.killpg(self._process.pid, sig)
                except (ProcessLookupError, PermissionError):
                    break
            if self.wait(grace) is not None:
                break
        if self._process.stdin:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass
        self._reader.join(timeout=1)
        Child._living.discard(self)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @staticmethod
    def stop_all() -> None:
        for child in list(Child._living):
            child.stop()


def wait_for_port(port: int, child: Child, seconds: float) -> None:
    """Returns once something accepts connections on `port`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            sock.settimeout(1)
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        if child.wait(0) is not None:
            break
        time.sleep(0.05)
    raise Ended(f"{child.name} does not listen on port {port}\n{child.tail()}")


def _interrupted(signum: int, _frame: object) -> None:
    sys.exit(128 + signum)


atexit.register(Child.stop_all)
for _signal in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_signal, _interrupted)
