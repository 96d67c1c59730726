#!/usr/bin/env python3
"""Starts OBS itself on a screen in memory, and has `obs-session` control it; ends OBS hard in between, and starts it again.

`tests/run obs` builds it, installs OBS and Xvfb and calls this.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from process import Child, Ended, free_port, wait_for_port  # noqa: E402

PATIENCE = 60.0
# OBS 29.0.2 corrupts its heap in about one of four runs, while sources are made and removed.
ATTEMPTS = 4

# What keeps OBS from asking its user anything. It listens on every interface, so it has to have a password.
SETTINGS = """\
[General]
FirstRun=true
LastVersion=486539266

[OBSWebSocket]
FirstLoad=false
ServerEnabled=true
ServerPort={port}
AlertsEnabled=false
AuthRequired=true
ServerPassword={password}
"""


class Obs:
    """OBS with a home of its own."""

    def __init__(self, binary: str, display: str, out: Path):
        self.binary, self.port, self.password = binary, free_port(), secrets.token_urlsafe(16)
        self.home, self.runtime, self.log = out / "home", out / "runtime", out / "obs.log"
        shutil.rmtree(self.home, ignore_errors=True)
        config = self.home / ".config/obs-studio"
        config.mkdir(parents=True)
        (config / "global.ini").write_text(SETTINGS.format(port=self.port, password=self.password))
        self.runtime.mkdir(mode=0o700, exist_ok=True)
        self.env = {
            "DISPLAY": display,
            "HOME": str(self.home),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_RUNTIME_DIR": str(self.runtime),
        }

    def start(self) -> Child:
        args = ["--minimize-to-tray", "--multi", "--collection", "Untitled", "--profile", "Untitled"]
        child = Child([self.binary, *args], self.log, env=self.env)
        wait_for_port(self.port, child, PATIENCE)
        return child


def start_screen(binary: str, out: Path) -> str:
    """Starts Xvfb on a display that is free, and returns its name."""
    screen = Child([binary, "-displayfd", "1", "-screen", "0", "1280x720x24", "+extension", "GLX", "-nolisten", "tcp"], out / "xvfb.log")
    return f":{screen.line(PATIENCE).strip()}"


class Examples:
    """The examples, run as a person would."""

    def __init__(self, folder: Path, obs: Obs, out: Path):
        self.folder, self.url, self.out = folder, f"ws://127.0.0.1:{obs.port}", out
        self.env = {"OBS_PASSWORD": obs.password}

    def start(self, name: str, *args: str) -> Child:
        return Child([str(self.folder / name), *args, self.url], self.out / f"{name}.log", stdin=True, env=self.env)

    def record(self, command: str) -> str:
        with self.start("obs-record", command) as child:
            line = child.line(PATIENCE)
            assert child.wait(PATIENCE) == 0, child.tail()
            return line

    def recording_is_controlled_and_logged(self) -> None:
        with self.start("obs-events") as events:
            deadline = time.monotonic() + PATIENCE
            while "connected" not in events.log.read_text("utf-8", "replace"):
                assert time.monotonic() < deadline, events.tail()
                time.sleep(0.05)
            assert self.record("status") == "not recording"
            assert self.record("start") == "recording"
            assert self.record("status").startswith("recording for ")
            path = self.record("stop")
            assert Path(path).is_file(), path
            while '"OBS_WEBSOCKET_OUTPUT_STOPPED"' not in events.line(PATIENCE):
                pass

    def scenes_are_listed_and_switched(self) -> None:
        with self.start("obs-scenes") as child:
            assert child.line(PATIENCE) == "* 1  Scene"
            child.send("none")
            child.send("1")
            child.end_input()
            assert child.wait(PATIENCE) == 0, child.tail()
            assert "RESOURCE_NOT_FOUND" in child.tail(), child.tail()


def try_examples(examples: Examples) -> list[str]:
    said = []
    for check in (examples.scenes_are_listed_and_switched, examples.recording_is_controlled_and_logged):
        name = check.__name__.replace("_", " ")
        try:
            check()
            said.append(f"  ok   {name}")
        except (AssertionError, Ended) as error:
            said.append(f"  FAIL {name}: {error}")
    return said


def attempt(args: argparse.Namespace, display: str, out: Path) -> tuple[list[str], int | None]:
    """Starts OBS, the session and the examples; returns what came of them, and with what OBS ended if nobody asked it to."""
    began = time.monotonic()
    obs = Obs(args.obs, display, out)
    said: list[str] = []
    running = obs.start()
    print(f"  OBS started in {time.monotonic() - began:.1f} s")
    # The password goes by the environment, so that no list of processes shows it.
    env = {"OBS_PASSWORD": obs.password, "OBS_DIRECTORY": str(out)}
    with Child([args.session, f"ws://127.0.0.1:{obs.port}"], out / "session.log", stdin=True, env=env) as session:
        try:
            while not said or " passed, " not in said[-1]:
                match session.line(PATIENCE):
                    case "end":
                        running.kill()
                        session.send("ended")
                    case "start":
                        running = obs.start()
                    case line:
                        said.append(line)
            # Its own sum, of what is counted below.
            said.pop()
        except Ended as ended:
            said.append(f"  FAIL {ended}")
    said += try_examples(Examples(args.examples, obs, out))
    crashed = running.wait(0)
    running.stop()
    return said, crashed


def main() -> int:
    args = arguments()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    display = start_screen(args.xvfb, out)
    for left in reversed(range(ATTEMPTS)):
        try:
            said, crashed = attempt(args, display, out)
        except Ended as ended:
            said, crashed = [f"  FAIL {ended}"], None
        if crashed is None or not left:
            break
        # Versions of OBS differ in how much they bear; a client that lost its server has shown nothing.
        print(f"  OBS crashed, with status {crashed}, so all of it again; the log is {out}/obs.log")
    Child.stop_all()
    print("\n".join(said))
    passed, failed = (sum(line.startswith(f"  {word}") for line in said) for word in ("ok ", "FAIL"))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obs", required=True, metavar="BIN", help="OBS Studio, 28 or later")
    parser.add_argument("--xvfb", required=True, metavar="BIN", help="Xvfb")
    parser.add_argument("--session", required=True, metavar="BIN", help="obs-session")
    parser.add_argument("--examples", required=True, type=Path, metavar="DIR", help="where the examples are")
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "target/obs", help="logs go here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
