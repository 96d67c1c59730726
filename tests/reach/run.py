#!/usr/bin/env python3
"""Runs `connect` against real servers, through real proxies, along every way of `table.py`.

`tests/run reach` builds it, installs the others and calls this.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "lib"))
from connect import LARGE_BINARY, Connect, follow, require  # noqa: E402
from process import Child, Ended  # noqa: E402
from servers import PATIENCE, Servers  # noqa: E402
from table import FAILURES, RECONNECT, WAYS, Way  # noqa: E402

def fail(run: Connect, expected: int) -> None:
    with run.start() as child:
        child.end_input()
        status = child.wait(PATIENCE)
    said = run.log.read_text("utf-8", "replace")
    require(status == expected, f"it ended with status {status}, not {expected}")
    require(not re.search("^> ", said, re.MULTILINE), "it printed a message")
    run.check_said(said)


def come_back(run: Connect, server: Callable[[], Child]) -> None:
    """Loses its server in the middle of a conversation, and goes on with the next one."""
    deadline = time.monotonic() + 2 * PATIENCE
    with run.start() as child:
        for text in ("before", "after"):
            with server():
                child.send(text)
                said = child.line(deadline - time.monotonic())
                require(said == text, f"instead of {text!r} came {said!r}")
                if text == "after":
                    child.end_input()
                    status = child.wait(deadline - time.monotonic())
                    require(status == 0, f"it ended with status {status}")
    run.check_said(run.log.read_text("utf-8", "replace"))


def main() -> int:
    args = arguments()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    servers = Servers(args, out)
    print(f"  servers started in {time.monotonic() - began:.1f} s")
    file = out / "large"
    file.write_bytes(LARGE_BINARY)
    passed = failed = left_out = 0
    for row in (*WAYS, RECONNECT, *FAILURES):
        if args.only and args.only not in row.name:
            continue
        log = out / "connect" / f"{re.sub('[^a-zA-Z0-9]+', '-', row.name)}.log"
        more = ("--verbose", "--file", str(file), "--close", "4000:done") if row in WAYS else ()
        try:
            run = Connect(args.connect, row, servers.places, log, *more)
        except KeyError:
            # tests/run has said which server is missing.
            left_out += 1
            continue
        began = time.monotonic()
        try:
            if row is RECONNECT:
                come_back(run, servers.passing)
            elif isinstance(row, Way):
                follow(run)
            else:
                fail(run, row.status)
            passed += 1
            print(f"  ok   {row.name} ({time.monotonic() - began:.1f} s)")
        except (AssertionError, Ended) as error:
            failed += 1
            print(f"  FAIL {row.name}: {error}\n    {' '.join(run.args)}")
            print("\n".join(f"    {line[:300]}" for line in log.read_text("utf-8", "replace").splitlines()[-8:]))
    Child.stop_all()
    if left_out:
        print(f"  {left_out} ways left out, whose servers are not here")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connect", required=True, metavar="BIN", help="the example, built with all that it can")
    parser.add_argument("--echo", required=True, metavar="BIN", help="the example")
    parser.add_argument("--python", metavar="BIN", help="a Python that has `websockets`")
    parser.add_argument("--node", metavar="BIN", help="Node")
    parser.add_argument("--node-modules", default="", metavar="DIR", help="where Node finds `ws`")
    parser.add_argument("--gorilla", metavar="BIN", help="the program of tests/interop/go/src/gorilla")
    for name in ("nginx", "haproxy", "tinyproxy", "squid", "microsocks"):
        parser.add_argument(f"--{name}", metavar="BIN")
    parser.add_argument("--only", metavar="WORDS", help="the rows whose names hold these")
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "target/reach", help="logs go here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
