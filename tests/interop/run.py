#!/usr/bin/env python3
"""Plays scripted sessions between our endpoint and implementations from elsewhere, in both roles.

`tests/run interop` builds our endpoint, installs the others and calls this. README.md lists commands and events.
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
from endpoint import ANY, Endpoint, Unexpected  # noqa: E402
from process import Ended  # noqa: E402
from scripts import FRAGMENTED, PINGED, PINGED_BETWEEN_FRAGMENTS, SCRIPTS, SERVER_SUBPROTOCOLS, Script, Session  # noqa: E402


@dataclass(frozen=True)
class Implementation:
    """How an implementation is started, and what it can show or do beyond messages."""

    name: str
    args: list[str]
    env: dict[str, str] = field(default_factory=dict)
    shows_pings: bool = True
    # It can send a ping with a payload of the script's, and shows the pong.
    pings: bool = True
    fragments: bool = True
    # As a server it takes the first subprotocol of its own list, not of the client's.
    own_order: bool = False

    def subprotocol(self, script: Script) -> str | None:
        """What it selects as a server."""
        if self.own_order:
            return next((name for name in SERVER_SUBPROTOCOLS if name in script.offer), None)
        return script.subprotocol

    def start(self, role: str, log: Path) -> Endpoint:
        args = list(self.args)
        if role == "server":
            args += ["--listen", "127.0.0.1:0"]
            for name in SERVER_SUBPROTOCOLS:
                args += ["--subprotocol", name]
        return Endpoint(f"{self.name} ({role})", args, log, env=self.env, shows_pings=self.shows_pings)


class Pair:
    """A client and a server of two implementations, started again after whatever went wrong."""

    def __init__(self, client: Implementation, server: Implementation, out: Path):
        self.implementations = client, server
        self.name = f"{client.name} client, {server.name} server"
        self.out = out / f"{client.name}-{server.name}"
        self.session: Session | None = None
        self.url = ""
        self.starts = itertools.count(1)

    def open(self, script: Script) -> Session:
        if self.session is None:
            client, server = self.implementations
            number = next(self.starts)
            self.session = Session(
                client.start("client", self.out / f"client-{number}.log"),
                server.start("server", self.out / f"server-{number}.log"),
            )
            self.url = f"ws://127.0.0.1:{self.session.server.listening()}/"
        session = self.session
        session.client.tell(connect=self.url, subprotocols=list(script.offer))
        # permessage-deflate is agreed on between the others, never with ours: the offer is declined.
        ours = any(implementation.name == "ours" for implementation in self.implementations)
        subprotocol = self.implementations[1].subprotocol(script)
        for end in session.ends:
            end.expect(open={"subprotocol": subprotocol, "extensions": "" if ours else ANY})
        return session

    def close(self) -> None:
        if self.session is not None:
            for end in self.session.ends:
                end.close()
            self.session = None

    def play(self, script: Script) -> str | None:
        """Plays one script; returns what went wrong."""
        try:
            script.play(self.open(script))
        except (Unexpected, Ended) as error:
            self.close()
            return str(error)
        return None


def scripts_for(client: Implementation, server: Implementation) -> list[Script]:
    scripts = list(SCRIPTS)
    for number, sender in enumerate((client, server)):
        if sender.pings:
            scripts.append(PINGED[number])
        if sender.fragments:
            scripts.append(FRAGMENTED[number])
        if sender.pings and sender.fragments:
            scripts.append(PINGED_BETWEEN_FRAGMENTS[number])
    return scripts


def main() -> int:
    args = arguments()
    ours = Implementation("ours", [args.ours])
    others = []
    if args.python:
        others.append(Implementation("websockets", [args.python, str(HERE / "peer_websockets.py")], shows_pings=False))
    if args.node:
        env = {"NODE_PATH": args.node_modules}
        others.append(Implementation("ws", [args.node, str(HERE / "peer_ws.cjs")], env=env))
    if args.gorilla:
        others.append(Implementation("gorilla", [args.gorilla, "endpoint"], fragments=False, own_order=True))
    if args.coder:
        coder = Implementation("coder", [args.coder, "endpoint"], shows_pings=False, pings=False, own_order=True)
        others.append(coder)
    if args.control:
        # coder's client refuses the window size that Python's server chooses.
        quarrels = ("coder", "websockets")
        pairs = [pair for pair in itertools.permutations(others, 2) if (pair[0].name, pair[1].name) != quarrels]
    else:
        pairs = [pair for other in others for pair in ((other, ours), (ours, other))]
    passed = failed = 0
    for client, server in pairs:
        pair = Pair(client, server, args.out.resolve())
        began = time.monotonic()
        scripts = scripts_for(client, server)
        problems = []
        for script in scripts:
            problem = pair.play(script)
            if problem is not None:
                problems.append(f"{script.name}: {problem}")
        # A process that died or complained after its last script has failed too.
        pair.close()
        passed += len(scripts) - len(problems)
        failed += len(problems)
        took = time.monotonic() - began
        print(f"{pair.name}: {len(scripts) - len(problems)} of {len(scripts)} sessions in {took:.1f} s")
        for problem in problems:
            print(f"  not as scripted: {problem}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default="interop-peer", metavar="BIN", help="our endpoint")
    parser.add_argument("--python", metavar="BIN", help="a Python that has `websockets`")
    parser.add_argument("--node", metavar="BIN", help="Node")
    parser.add_argument("--node-modules", default="", metavar="DIR", help="where Node finds `ws`")
    parser.add_argument("--gorilla", metavar="BIN", help="gorilla/websocket: the program of go/src/gorilla")
    parser.add_argument("--coder", metavar="BIN", help="coder/websocket: the program of go/src/coder")
    parser.add_argument("--control", action="store_true", help="play between the others only, to check the scripts")
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "target/interop", help="logs go here")
    args = parser.parse_args()
    if not (args.python or args.node or args.gorilla or args.coder):
        parser.error("name at least one other implementation")
    return args


if __name__ == "__main__":
    sys.exit(main())
