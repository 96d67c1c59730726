#!/usr/bin/env python3
"""Runs Autobahn's cases against our server and our client, and judges the reports.

`tests/run conformance` builds the peers, installs the engines and calls this. README.md says what the peers must do.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
sys.path.insert(0, str(HERE))
from engines import Engine, Kosoku, Wstest  # noqa: E402
from process import Child, Ended  # noqa: E402
from relay import Relay  # noqa: E402
from verdict import Case, Expected, Verdict, agree, judge, read_report, table  # noqa: E402


def main() -> int:
    args = arguments()
    expected = Expected.load(HERE / "expected.toml")
    engines: list[Engine] = []
    if args.kosoku:
        engines.append(Kosoku(args.kosoku))
    if args.wstest:
        engines.append(Wstest(args.wstest))
    total = Verdict()
    if args.proxy:
        for mode in MODES:
            args.mode = mode
            run_roles(args, expected.through(mode), engines, total)
    else:
        run_roles(args, expected, engines, total)
    print("informational cases:")
    for name, entry in expected.informational.items():
        print(f"  {name}: {entry['note']}")
    print(f"{total.passed} passed, {len(total.problems)} failed")
    return 1 if total.problems or not total.passed else 0


def run_roles(args: argparse.Namespace, expected: Expected, engines: list[Engine], total: Verdict) -> None:
    for role in [role for role in ("server", "client") if getattr(args, role)]:
        styles = {} if args.only_deflate else expected.styles
        for style, names in styles.items():
            if args.style and style != args.style:
                continue
            chosen = [engine for engine in engines if engine.name in names]
            reports: dict[str, dict[str, Case]] = {}
            for engine in chosen:
                cases = run_and_judge(role, style, engine, args, expected, total)
                if cases:
                    reports[engine.name] = cases
            if len(chosen) > 1:
                report(agree(reports), total, f"{role} role, {style}")
            if not chosen:
                print(f"{role} role, {style}: not run, it is for {' and '.join(names)}")
        for engine in [engine for engine in engines if engine.name == "wstest"]:
            run_deflate(role, engine, args, expected, total)


def run_and_judge(
    role: str, style: str, engine: Engine, args: argparse.Namespace, expected: Expected, total: Verdict
) -> dict[str, Case] | None:
    """Runs one engine against one peer that echoes in one style, and adds the judgement to `total`."""
    where = f"{role} role, {style}, {engine.name}{through(args)}"
    out = args.out.resolve() / f"{role}-{style}-{engine.name}{args.mode and f'-{args.mode}'}"
    began = time.monotonic()
    try:
        faults = run(role, style, engine, args, expected, out)
        cases = read_report(out)
    except (Ended, OSError, ValueError) as error:
        print(f"{where}: no result\n    {error}")
        total.problems.append(f"{where}: no result")
        return None
    print(f"{where}: {len(cases)} cases in {time.monotonic() - began:.0f} s")
    print(table(cases, expected))
    report(judge(cases, expected), total, where)
    report(faults, total, where)
    return cases


def run_deflate(role: str, engine: Engine, args: argparse.Namespace, expected: Expected, total: Verdict) -> None:
    """Runs the cases of permessage-deflate, in shards side by side, and judges them as one run."""
    style, cases = "messages", expected.deflate_cases(args.all_deflate)
    where = f"{role} role, permessage-deflate, {engine.name}{through(args)}"
    began = time.monotonic()

    def shard(number: int) -> tuple[Verdict, dict[str, Case]]:
        out = args.out.resolve() / f"{role}-deflate-{number}{args.mode and f'-{args.mode}'}"
        faults = run(role, style, engine, args, expected, out, cases[number::SHARDS])
        return faults, read_report(out)

    seen: dict[str, Case] = {}
    with ThreadPoolExecutor(SHARDS) as threads:
        for number, future in enumerate([threads.submit(shard, number) for number in range(SHARDS)]):
            try:
                faults, part = future.result()
            except (Ended, OSError, ValueError) as error:
                print(f"{where}, shard {number}: no result\n    {error}")
                total.problems.append(f"{where}, shard {number}: no result")
                continue
            report(faults, total, where)
            seen |= part
    wanted = expected.of_deflate(cases)
    print(f"{where}: {len(seen)} cases in {time.monotonic() - began:.0f} s")
    print(table(seen, wanted))
    report(judge(seen, wanted), total, where)


def run(
    role: str,
    style: str,
    engine: Engine,
    args: argparse.Namespace,
    expected: Expected,
    out: Path,
    cases: list[str] | None = None,
) -> Verdict:
    """Runs one engine against one peer; the verdict is on the peer as a process."""
    patterns = cases or expected.patterns
    peer, agent = getattr(args, role), f"{role}-{style}"
    log = out.parent / f"{out.name}-peer.log"
    verdict = Verdict()
    if role == "server":
        with Child([peer, "--listen", "127.0.0.1:0"], log) as server:
            port = int(server.line(30).rsplit(":", 1)[1])
            # Other paths are refused, so a run cannot be of another style than it says.
            with relayed(port, style, expected) as port, proxied(port, args, log) as port:
                engine.fuzz_server(f"127.0.0.1:{port}/{style}", agent, patterns, out, args.seconds)
            verdict.check(server.wait(0) is None, f"the server ended during the run\n{server.tail()}")
    else:

        def client(port: int) -> None:
            with relayed(port, style, expected) as port:
                run_client(f"ws://127.0.0.1:{port}")

        def run_client(url: str) -> None:
            with Child([peer, "--url", url, "--agent", agent, "--style", style], log) as child:
                status = child.wait(args.seconds)
                verdict.check(status == 0, f"the client ended with status {status}\n{child.tail()}")

        engine.fuzz_client(client, patterns, out, args.seconds)
    panics = [line for line in log.read_text("utf-8", "replace").splitlines() if "panicked at" in line]
    verdict.check(not panics, f"{len(panics)} panics: {panics[:3]}")
    return verdict


@contextmanager
def relayed(port: int, style: str, expected: Expected) -> Iterator[int]:
    """Gives the port to connect to in place of `port`: another one for the styles that need a relay."""
    if style not in expected.relayed:
        yield port
        return
    with Relay(port) as relay:
        yield relay.port


@contextmanager
def proxied(port: int, args: argparse.Namespace, log: Path) -> Iterator[int]:
    """Gives the port of ws-proxy in front of `port`, if it is to be tested."""
    if not args.mode:
        yield port
        return
    config = log.with_suffix(".toml")
    config.write_text(PROXY.format(port=port, mode=MODES[args.mode]))
    with Child([args.proxy, "--config", config], log.with_suffix(".proxy.log")) as proxy:
        deadline = time.monotonic() + 30
        while not (told := re.search(r"listening on ws://127\.0\.0\.1:(\d+)", proxy.log.read_text("utf-8", "replace"))):
            if time.monotonic() > deadline or proxy.wait(0) is not None:
                raise Ended(f"ws-proxy does not listen\n{proxy.tail()}")
            time.sleep(0.05)
        yield int(told.group(1))


def through(args: argparse.Namespace) -> str:
    return f", through a {args.mode} of ws-proxy" if args.mode else ""


def report(verdict: Verdict, total: Verdict, where: str) -> None:
    for problem in verdict.problems:
        print(f"  not as expected: {problem}")
        total.problems.append(f"{where}: {problem}")
    total.passed += verdict.passed


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", metavar="BIN", help="our echo server; without it the server role does not run")
    parser.add_argument("--client", metavar="BIN", help="our client; without it the client role does not run")
    parser.add_argument("--kosoku", metavar="BIN", help="kosoku's console script")
    parser.add_argument("--wstest", metavar="BIN", help="wstest of a Python 2.7 environment")
    parser.add_argument("--proxy", metavar="BIN", help="ws-proxy, to stand before our server: once as a tunnel, once as a relay")
    parser.add_argument("--style", help="this one alone")
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "target/conformance", help="reports go here")
    parser.add_argument("--all-deflate", action="store_true", help="all cases of permessage-deflate, not only those that always run")
    parser.add_argument("--only-deflate", action="store_true", help="nothing but permessage-deflate")
    parser.add_argument("--seconds", type=float, default=600, help="the most one engine may take for one style in one role")
    args = parser.parse_args()
    args.mode = ""
    if args.proxy and args.client:
        parser.error("a proxy stands before a server")
    if not (args.server or args.client) or not (args.kosoku or args.wstest):
        parser.error("name at least one peer and one engine")
    return args


# The modes of ws-proxy, and what makes them.
MODES = {"tunnel": "", "relay": "relay = true\nmax_message_size = 67108864\ncompression = true"}
PROXY = """
[[listen]]
address = "127.0.0.1:0"
[[route]]
backends = ["ws://127.0.0.1:{port}"]
origins = ["any"]
{mode}
"""

# The suite is the slower end, and uses one core.
SHARDS = 2


if __name__ == "__main__":
    sys.exit(main())
