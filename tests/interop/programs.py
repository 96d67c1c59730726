#!/usr/bin/env python3
"""Holds our versions of what the Go packages document as examples against their originals, in both roles.

What a client reports when it talks to a server of its own package is what it has to report in any other pair.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "lib"))
from endpoint import PATIENCE  # noqa: E402
from process import Child, Ended  # noqa: E402

PROGRAMS = {
    "gorilla": ("chat", "discard", "echo", "ping", "stream"),
    "coder": ("close-read", "echo", "ping", "stream"),
}


@dataclass(frozen=True)
class Implementation:
    """A binary with all the programs, and how its flags are written."""

    name: str
    binary: str
    dashes: str = "-"

    def child(self, program: str, flag: str, value: str, log: Path) -> Child:
        return Child([self.binary, program, self.dashes + flag, value], log, stdin=True)


def transcript(program: str, client: Implementation, server: Implementation, out: Path) -> list[str]:
    """What the client says, from its first line to its last; anything but a clean end is `Ended`."""
    log = out / f"{program}-{client.name}-{server.name}"
    with server.child(program, "listen", "127.0.0.1:0", log.with_suffix(".server.log")) as listening:
        port = listening.line(PATIENCE).split(":")[1].strip(" }")
        with client.child(program, "dial", f"ws://127.0.0.1:{port}/", log.with_suffix(".client.log")) as dialing:
            lines = []
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    lines.append(dialing.line(deadline - time.monotonic()))
                except Ended:
                    status = dialing.wait(5)
                    if status != 0:
                        raise
                    return [line.replace(" ", "") for line in lines]


def main() -> int:
    args = arguments()
    ours = Implementation("ours", args.ours, "--")
    passed = failed = 0
    alone = set()
    for name, binary in (("gorilla", args.gorilla), ("coder", args.coder)):
        if not binary:
            continue
        original = Implementation(name, binary)
        for program in PROGRAMS[name]:
            expected = transcript(program, original, original, args.out)
            pairs = [(ours, original), (original, ours)]
            # Both packages have the same program under the same name.
            if program not in alone:
                pairs.append((ours, ours))
                alone.add(program)
            for client, server in pairs:
                problem = ""
                try:
                    said = transcript(program, client, server, args.out)
                    if said != expected or not said:
                        problem = f"the client said {said}, the original {expected}"
                except Ended as error:
                    problem = str(error)
                passed += not problem
                failed += bool(problem)
                print(f"{program}: {client.name} client, {server.name} server: {problem or 'as the original'}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, metavar="BIN", help="our programs")
    parser.add_argument("--gorilla", metavar="BIN", help="the program of go/src/gorilla")
    parser.add_argument("--coder", metavar="BIN", help="the program of go/src/coder")
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "target/interop/programs", help="logs go here")
    args = parser.parse_args()
    args.out = args.out.resolve()
    return args


if __name__ == "__main__":
    sys.exit(main())
