"""One endpoint of a scripted session: a child process that takes commands and reports events, in JSON lines."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from process import Child, Ended  # noqa: E402

SHORT = 64
PATIENCE = 20.0
"""Seconds an event may take; the loopback needs milliseconds, a busy machine more."""


class Unexpected(Exception):
    """Another event than the script expects, or none."""


class Any:
    """Stands for a value that a script leaves open."""

    def __repr__(self) -> str:
        return "anything"


ANY = Any()


def describe_text(text: str) -> str:
    data = text.encode()
    return text if len(data) <= SHORT else describe_binary(data)


def describe_binary(data: bytes) -> str:
    return f"{len(data)} bytes, sha1 {hashlib.sha1(data).hexdigest()}"


def pattern(length: int, seed: int) -> bytes:
    """The payload that `send_binary` means: no two neighbours alike, and no period of a power of two."""
    return bytes((seed + index) % 251 for index in range(length))


def noise(length: int, seed: int) -> bytes:
    """The payload that `send_noise` means: it cannot be compressed."""
    data = bytearray(length)
    for index in range(length):
        seed = (seed * 1103515245 + 12345) & 0xFFFFFFFF
        data[index] = seed >> 16 & 255
    return bytes(data)


class Endpoint:
    """A peer implementation in one role."""

    def __init__(self, name: str, args: list[str], log: Path, *, env: dict[str, str], shows_pings: bool):
        self.name = name
        self.shows_pings = shows_pings
        self.child = Child(args, log, stdin=True, env=env)

    def listening(self) -> int:
        return self._event(PATIENCE)["listening"]

    def tell(self, **command: object) -> None:
        self.child.send(json.dumps(command))

    def opened(self) -> dict:
        """Takes the event that tells what the opening handshake agreed on."""
        event = self._event(PATIENCE)
        if list(event) != ["open"]:
            raise Unexpected(f"{self.name} reported {short(event)}, expected that it is open")
        return event["open"]

    def expect(self, **event: object) -> None:
        """Takes the next event, which must be this one."""
        got = self._event(PATIENCE)
        if list(event) != list(got) or not same(event, got):
            raise Unexpected(f"{self.name} reported {short(got)}, expected {short(event)}")

    def _event(self, seconds: float) -> dict:
        began = time.monotonic()
        line = self.child.line(seconds)
        try:
            return json.loads(line)
        except ValueError:
            took = time.monotonic() - began
            raise Ended(f"{self.name} printed {line!r} after {took:.1f} s, which is no event") from None

    def close(self) -> None:
        self.child.stop()


def same(expected: object, got: object) -> bool:
    if expected is ANY:
        return True
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(expected[key], got[key]) for key in expected)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    return expected == got


def short(event: dict) -> str:
    text = ", ".join(f"{key} {value!r}" for key, value in event.items())
    return text if len(text) < 300 else text[:300] + "…"
