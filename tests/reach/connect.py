"""Runs of the example `connect`, and what must come of one along a way that leads to an echo."""

from __future__ import annotations

import os
import time
from pathlib import Path

from process import Child
from servers import PASSWORD, PATIENCE
from table import Failure, Way

TEXT = "grüße 🦀"
LARGE_TEXT = "0123456789abcdef" * (1 << 16)
LARGE_BINARY = bytes(range(256)) * (1 << 12)


class Connect:
    """A run of `connect` with an environment that holds no proxies but those of the row."""

    def __init__(self, binary: str, row: Way | Failure, places: dict[str, object], log: Path, *more: str):
        fill = lambda text: text.format(**places)  # noqa: E731
        # Filled in word by word: a path may hold a space.
        self.args = [binary, fill(row.url), *map(fill, row.options.split()), *more]
        cleared = {name: "" for name in os.environ if name.lower().endswith("_proxy")}
        self.env = {**cleared, **{name: fill(value) for name, value in row.env.items()}}
        self.says = [fill(word) for word in row.says]
        self.log = log

    def start(self) -> Child:
        return Child(self.args, self.log, stdin=True, env=self.env)

    def check_said(self, said: str) -> None:
        """What has to be said is, and no secret is."""
        for word in self.says:
            require(word.lower() in said.lower(), f"it does not say {word!r}")
        require(PASSWORD not in said, "it tells the password")
        require("panicked" not in said, "it panicked")


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)


def follow(run: Connect) -> None:
    """Echoes along a way: a file of 1 MiB, a short text, a long one; then the closing handshake with a code."""
    deadline = time.monotonic() + PATIENCE
    with run.start() as child:
        child.send(TEXT)
        child.send(LARGE_TEXT)
        # The input stays open until all is back: not every server answers a ping behind what came before it.
        back = [child.line(deadline - time.monotonic()) for _ in range(3)]
        child.end_input()
        status = child.wait(deadline - time.monotonic())
    start = " ".join(f"{byte:02x}" for byte in LARGE_BINARY[:32])
    require(back[0] == f"[binary, {len(LARGE_BINARY)} bytes] {start} …", f"instead of the file came {back[0][:100]!r}")
    require(back[1] == TEXT, f"instead of the text came {back[1][:100]!r}")
    require(back[2] == LARGE_TEXT, f"instead of the long text came {len(back[2])} bytes")
    require(status == 0, f"it ended with status {status}")
    said = run.log.read_text("utf-8", "replace")
    run.check_said(said)
    require("closed by the peer with code 4000" in said, "the server did not close with 4000")
