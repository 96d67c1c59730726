#!/usr/bin/env python3
"""Plays sessions with permessage-deflate between our endpoint and others: every combination of takeover, several windows.

`tests/run interop` calls this as well. Both ends have to tell of the same parameters, every payload is compared, and a relay
between them counts the bytes, so that a handshake that agrees on nothing does not pass.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "lib"))
sys.path.insert(0, str(HERE.parent / "conformance"))
from endpoint import Endpoint, Unexpected, describe_binary, describe_text, noise, pattern  # noqa: E402
from process import Ended  # noqa: E402
from relay import Relay  # noqa: E402
from scripts import Session, fragments  # noqa: E402

# The windows of server and client, in bits; nothing where an end is left to its default.
WINDOWS = [(None, None), (9, 9), (10, 15), (15, 11), (12, 12)]
TAKEOVER = list(itertools.product((False, True), repeat=2))


@dataclass(frozen=True)
class Parameters:
    """What both ends are told to agree on."""

    server_no_context_takeover: bool
    client_no_context_takeover: bool
    server_max_window_bits: int | None
    client_max_window_bits: int | None

    @property
    def words(self) -> str:
        flags = [name for name in ("server_no_context_takeover", "client_no_context_takeover") if getattr(self, name)]
        for name in ("server_max_window_bits", "client_max_window_bits"):
            if getattr(self, name) is not None:
                flags.append(f"{name}={getattr(self, name)}")
        return ",".join([*flags, "threshold=0"])

    def fits(self, agreed: list) -> bool:
        """Whether the ends agreed on what they were told to."""
        told = [self.server_no_context_takeover, self.client_no_context_takeover]
        bits = zip((self.server_max_window_bits, self.client_max_window_bits), agreed[2:])
        return agreed[:2] == told and all(value in (None, got) for value, got in bits)


@dataclass(frozen=True)
class Implementation:
    name: str
    args: list[str]
    env: dict[str, str] = field(default_factory=dict)
    shows_pings: bool = True
    fragments: bool = True

    def start(self, role: str, parameters: Parameters, log: Path) -> Endpoint:
        listen = ["--listen", "127.0.0.1:0"] if role == "server" else []
        args = [*self.args, *listen, "--deflate", parameters.words]
        return Endpoint(f"{self.name} ({role})", args, log, env=self.env, shows_pings=self.shows_pings)


def messages(sender: Endpoint, receiver: Endpoint, fragmented: bool) -> None:
    for text in ("hello", "", "hello", "x" * 126, "wörld"):
        sender.tell(send_text=text)
        receiver.expect(text=describe_text(text))
    for length in (0, 1, 125, 126, 127, 1000, 65535, 65536):
        sender.tell(send_binary=[length, length % 7])
        receiver.expect(binary=describe_binary(pattern(length, length % 7)))
        # What cannot be compressed stands between what can.
        sender.tell(send_noise=[length, length + 1])
        receiver.expect(binary=describe_binary(noise(length, length + 1)))
    for number in range(30):
        sender.tell(send_text=f'{{"id": {number}, "name": "message {number}", "of": "thirty that are alike"}}')
    for number in range(30):
        receiver.expect(text=describe_text(f'{{"id": {number}, "name": "message {number}", "of": "thirty that are alike"}}'))
    if fragmented:
        fragments(sender, receiver)


def large(sender: Endpoint, receiver: Endpoint) -> None:
    # Alike at a distance that the smallest window holds.
    sender.tell(send_text_times=["compress", 1 << 17])
    receiver.expect(text=describe_text("compress" * (1 << 17)))


def play(client: Implementation, server: Implementation, parameters: Parameters, out: Path) -> str | None:
    """Plays all sessions with these parameters; returns what went wrong."""
    ends: list[Endpoint] = []
    try:
        ends.append(server.start("server", parameters, out / "server.log"))
        with Relay(ends[0].listening()) as relay:
            ends.append(client.start("client", parameters, out / "client.log"))
            session = Session(ends[1], ends[0])
            session.client.tell(connect=f"ws://127.0.0.1:{relay.port}/", subprotocols=[])
            agreed = [end.opened()["deflate"] for end in session.ends]
            if agreed[0] is None or agreed[0] != agreed[1] or not parameters.fits(agreed[0]):
                return f"told {parameters.words}, the client has {agreed[0]} and the server {agreed[1]}"
            for way, (sender, receiver) in enumerate((session.ends, session.ends[::-1])):
                messages(sender, receiver, (client, server)[way].fragments)
                before = relay.passed[way]
                large(sender, receiver)
                took = relay.passed[way] - before
                if took > 100_000:
                    return f"a megabyte from the {'client' if way == 0 else 'server'} took {took} bytes"
            session.finish()
    except (Unexpected, Ended, OSError) as error:
        return str(error)
    finally:
        for end in ends:
            end.close()
    return None


def main() -> int:
    args = arguments()
    ours = Implementation("ours", [args.ours])
    others = []
    if args.python:
        others.append(Implementation("websockets", [args.python, str(HERE / "peer_websockets.py")], shows_pings=False))
    if args.node:
        others.append(Implementation("ws", [args.node, str(HERE / "peer_ws.cjs")], env={"NODE_PATH": args.node_modules}))
    pairs = [pair for other in others for pair in ((other, ours), (ours, other))]
    if args.chromium:
        chromium = [args.node, str(HERE / "peer_chromium.cjs"), "--browser", args.chromium]
        pairs.append((Implementation("chromium", chromium, env={"NODE_PATH": args.node_modules}, fragments=False), ours))
    passed = failed = 0
    for client, server in pairs:
        began, good, problems = time.monotonic(), 0, []
        for takeover, windows in itertools.product(TAKEOVER, WINDOWS):
            parameters = Parameters(*takeover, *windows)
            problem = play(client, server, parameters, args.out.resolve() / f"{client.name}-{server.name}")
            if problem is None:
                good += 1
            else:
                problems.append(f"{parameters.words}: {problem}")
        passed, failed = passed + good, failed + len(problems)
        took = time.monotonic() - began
        print(f"{client.name} client, {server.name} server: {good} of {good + len(problems)} sets of parameters in {took:.1f} s")
        for problem in problems:
            print(f"  not as told: {problem}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default="interop-peer", metavar="BIN", help="our endpoint")
    parser.add_argument("--python", metavar="BIN", help="a Python that has `websockets`")
    parser.add_argument("--node", metavar="BIN", help="Node")
    parser.add_argument("--node-modules", default="", metavar="DIR", help="where Node finds `ws`")
    parser.add_argument("--chromium", metavar="BIN", help="Chromium, driven with `playwright-core` by Node")
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "target/interop/deflate", help="logs go here")
    args = parser.parse_args()
    if not args.python and not args.node:
        parser.error("name at least one implementation")
    return args


if __name__ == "__main__":
    sys.exit(main())
