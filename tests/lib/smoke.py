#!/usr/bin/env python3
"""Starts the examples as a person would, and checks that they answer: pages, echoes, a chat, an upload, a terminal, refusals."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import ssl
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

sys.path.insert(0, str(Path(__file__).resolve().parent))
from process import Child, Ended, free_port  # noqa: E402

PATIENCE = 20.0


class Example:
    """A running example and the address it printed."""

    def __init__(self, binary: Path, log: Path, *options: str):
        self.child = Child([str(binary), "--listen", "127.0.0.1:0", *options], log)
        deadline = time.monotonic() + PATIENCE
        while True:
            found = re.search(r"(https?)://(127\.0\.0\.1:\d+)", self.child.line(deadline - time.monotonic()))
            if found:
                break
        scheme, self.host = found.groups()
        self.origin = f"{scheme}://{self.host}"
        self.url = f"{scheme.replace('http', 'ws')}://{self.host}/ws"
        self.tls = unverified() if scheme == "https" else None

    def page(self, path: str = "/") -> str:
        https = urllib.request.HTTPSHandler(context=self.tls)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with opener.open(self.origin + path, timeout=PATIENCE) as response:
            assert response.status == 200, response.status
            assert response.headers.get_content_type() == "text/html", response.headers.get_content_type()
            return response.read().decode("utf-8")

    def open(self, **options: object) -> connect:
        return connect(self.url, origin=self.origin, proxy=None, ssl=self.tls, **options)


def unverified() -> ssl.SSLContext:
    """Takes any certificate: those of the examples are made at their start."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def next_event(connection: ClientConnection) -> dict:
    return json.loads(await asyncio.wait_for(connection.recv(), PATIENCE))


async def echo_serves_its_page(echo: Example) -> None:
    page = echo.page()
    assert "<!doctype html>" in page.lower() and "WebSocket" in page, page[:200]


async def echo_serves_the_pages_that_it_is_given(echo: Example) -> None:
    assert "anywhere.js" in echo.page("/pages/anywhere.html"), "not the page of examples/browser/anywhere"


async def echo_echoes(echo: Example) -> None:
    async with echo.open() as connection:
        for message in ("hello", "", "grüße 🦀", b"\x00\xff", "x" * 70_000):
            await connection.send(message)
            assert await asyncio.wait_for(connection.recv(), PATIENCE) == message


async def echo_refuses_other_origins(echo: Example) -> None:
    await refused(connect(echo.url, origin="http://elsewhere.example", proxy=None), 403)


async def upload_serves_its_page(upload: Example) -> None:
    page = upload.page()
    assert "<!doctype html>" in page.lower() and "WebSocket" in page, page[:200]


async def upload_answers_with_size_and_checksum(upload: Example) -> None:
    file = bytes(range(256)) * (32 << 10)
    async with upload.open() as connection:
        # In one frame, and in fragments.
        for message in (file, [file[at : at + 100_000] for at in range(0, len(file), 100_000)], b""):
            await connection.send(message)
            whole = b"".join(message) if isinstance(message, list) else message
            answer = await asyncio.wait_for(connection.recv(), PATIENCE)
            assert answer == f"{len(whole)} bytes, SHA-1 {hashlib.sha1(whole).hexdigest()}", answer


async def cuts_off_clients_that_do_not_ask(example: Example) -> None:
    """Ten seconds for the head, whatever has come of it; the examples promise that."""
    host, port = example.host.split(":")

    async def held(beginning: bytes) -> float:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(beginning)
        start = time.monotonic()
        await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return time.monotonic() - start

    times = await asyncio.gather(*map(held, (b"", b"PRI * HT", b"GET /ws HTTP/1.1\r\nHost: a\r\n")))
    # The lower bound: a server that cuts off everybody at once would pass otherwise.
    assert all(8 < held_for < 15 for held_for in times), times


async def chat_serves_its_page(chat: Example) -> None:
    page = chat.page()
    assert "<!doctype html>" in page.lower() and "WebSocket" in page, page[:200]


async def send_frame(connection: ClientConnection, **frame: object) -> None:
    await connection.send(json.dumps(frame))


async def next_of(connection: ClientConnection, kind: str) -> dict:
    """The next frame of this type; others that come before it are of no interest."""
    while (event := await next_event(connection))["type"] != kind:
        assert event["type"] != "error", event
    return event


@contextlib.asynccontextmanager
async def chatting(chat: Example, name: str) -> AsyncIterator[ClientConnection]:
    """Somebody who has said a name and joined the lobby."""
    async with chat.open() as connection:
        await send_frame(connection, type="auth", id=1, token=f"key-of-{name:-<20} {name}")
        answer = await next_of(connection, "ok")
        assert re.fullmatch(f"{name}#[0-9a-f]{{16}}", answer["user"]), answer
        await send_frame(connection, type="join", id=2, room="lobby", newest=10, presence={}, watch=True)
        assert (await next_of(connection, "joined"))["recovered"]
        yield connection


async def chat_carries_lines_between_two(chat: Example) -> None:
    async with chatting(chat, "Ada") as ada, chatting(chat, "Grace") as grace:
        came = await next_of(ada, "presence")
        assert (came["event"], came["name"].split("#")[0]) == ("join", "Grace"), came
        line = {"id": "1", "text": "hello <b>"}
        await send_frame(grace, type="publish", id=3, room="lobby", data=line)
        for each in (ada, grace):
            said = await next_of(each, "message")
            assert said["from"]["user"].startswith("Grace#") and said["data"] | line == said["data"], said
    async with chatting(chat, "Lin") as lin:
        assert (await next_of(lin, "message"))["data"]["text"] == "hello <b>"


async def chat_refuses_a_name_that_cannot_be_seen(chat: Example) -> None:
    async with chat.open() as connection:
        await send_frame(connection, type="auth", id=1, token=f"{'k' * 32} Ada\u200b")
        await next_of(connection, "welcome")
        refusal = await next_event(connection)
        assert (refusal["type"], refusal["code"]) == ("error", "name"), refusal
        await send_frame(connection, type="join", id=2, room="lobby")
        refusal = await next_event(connection)
        assert (refusal["type"], refusal["code"]) == ("error", "denied"), refusal


async def subprotocols_choose_the_newest_version(server: Example) -> None:
    for offered, chosen, reply in (
        (["shout.v1", "shout.v2"], "shout.v2", '{"said":"HELLO"}'),
        (["shout.v1"], "shout.v1", "HELLO"),
    ):
        async with server.open(subprotocols=offered) as connection:
            assert connection.subprotocol == chosen, connection.subprotocol
            await connection.send("hello")
            assert await asyncio.wait_for(connection.recv(), PATIENCE) == reply


async def subprotocols_require_one(server: Example) -> None:
    await refused(server.open(), 400)
    await refused(server.open(subprotocols=["shout.v3"]), 400)


async def auth_greets_whoever_has_the_token(auth: Example) -> None:
    login = urllib.request.Request(auth.origin + "/login", method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(login, timeout=PATIENCE) as response:
        cookie = response.headers["Set-Cookie"].split(";")[0]
    for options in (
        {"additional_headers": {"Authorization": "Bearer open-sesame"}},
        {"additional_headers": {"Cookie": cookie}},
        {"subprotocols": ["greet", "token.open-sesame"]},
    ):
        async with auth.open(**options) as connection:
            assert await asyncio.wait_for(connection.recv(), PATIENCE) == "hello Ali Baba"
            assert connection.subprotocol in (None, "greet"), connection.subprotocol


async def auth_refuses_everybody_else(auth: Example) -> None:
    await refused(auth.open(), 401)
    await refused(auth.open(additional_headers={"Authorization": "Bearer open"}), 401)
    await refused(auth.open(subprotocols=["greet", "token.open"]), 401)
    cookie = {"Cookie": "session=open-sesame"}
    await refused(connect(auth.url, origin="http://elsewhere.example", proxy=None, additional_headers=cookie), 403)


async def migrate_from_axum_says_goodbye(server: Example) -> None:
    async with server.open() as connection:
        for number in (1, 2, 3):
            assert await asyncio.wait_for(connection.recv(), PATIENCE) == f"message {number}"
        try:
            await asyncio.wait_for(connection.recv(), PATIENCE)
            raise AssertionError("the server did not close")
        except ConnectionClosed as closed:
            assert closed.rcvd is not None and (closed.rcvd.code, closed.rcvd.reason) == (1000, "Goodbye"), closed


async def refused(connecting: connect, status: int) -> None:
    try:
        async with connecting:
            raise AssertionError(f"was let in and not refused with {status}")
    except InvalidStatus as answer:
        assert answer.response.status_code == status, answer.response.status_code


async def graceful_shutdown_says_1001_to_everybody_and_ends(server: Example) -> None:
    connections = [await server.open() for _ in range(10)]
    for connection in connections:
        await connection.send("hello")
        assert await asyncio.wait_for(connection.recv(), PATIENCE) == "hello"
    os.kill(server.child.pid, signal.SIGTERM)
    for connection in connections:
        try:
            await asyncio.wait_for(connection.recv(), PATIENCE)
            raise AssertionError("a message that nobody sent")
        except ConnectionClosed as closed:
            assert closed.rcvd is not None and closed.rcvd.code == 1001, closed
    said = [server.child.line(PATIENCE) for _ in range(2)]
    assert said == ["closing 10 connections", "10 closed, 0 aborted, 0 panics"], said
    assert server.child.wait(PATIENCE) == 0, server.child.tail()


def connect_example(binary: Path, log: Path, url: str, lines: list[str]) -> tuple[int | None, list[str], str]:
    """Runs `connect URL` with these lines as its input; gives its status, its output, and what it said besides."""
    with Child([str(binary), url], log, stdin=True) as child:
        for line in lines:
            child.send(line)
        child.end_input()
        status = child.wait(PATIENCE)
        output = []
        try:
            while True:
                output.append(child.line(1))
        except Ended:
            pass
        return status, output, log.read_text("utf-8", "replace")


def reconnect_comes_back_to_a_server_that_was_restarted(bins: Path, logs: Path) -> None:
    server = Example(bins / "echo", logs / "reconnect-echo.log")
    with Child([str(bins / "reconnect"), server.url], logs / "reconnect.log") as client:

        def hears(beginning: str) -> None:
            while not client.line(PATIENCE).startswith(beginning):
                pass

        hears("up, at attempt 1")
        hears('Text("number 0")')
        server.child.stop()
        hears("down: ")
        hears("failed: ")
        with Child([str(bins / "echo"), "--listen", server.host], logs / "reconnect-echo-2.log"):
            hears("up, at attempt ")
            hears('Text("number ')
            os.kill(client.pid, signal.SIGTERM)
            hears("down: the connection was closed by this end")
            assert client.wait(PATIENCE) == 0, client.tail()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, metavar="DIR", help="where the built examples are")
    args = parser.parse_args()
    logs = args.bin.parent / "tests"
    passed, problems = 0, []

    def check(name: str, work: Callable[[], object]) -> None:
        nonlocal passed
        try:
            work()
            passed += 1
            print(f"  ok   {name}")
        except Exception as error:  # an assertion, a refused connection, a time-out: each is a failed check
            problems.append(name)
            print(f"  FAIL {name}: {error!r}")

    def check_on(example: Example, script: Callable[[Example], Awaitable[None]]) -> None:
        bounded = lambda: asyncio.run(asyncio.wait_for(script(example), 2 * PATIENCE))  # noqa: E731
        name = script.__name__.replace("_", " ")
        kind = example.child.name
        check(name if name.startswith(kind.replace("-", " ")) else f"{kind}: {name}", bounded)

    def terminal_prints_what_comes_back() -> None:
        status, output, said = connect_example(binary, logs / "connect-1.log", echo.url, ["one", "zwei ü"])
        assert (status, output) == (0, ["one", "zwei ü"]), (status, output, said)

    def terminal_says_why_it_cannot_connect() -> None:
        url = f"ws://127.0.0.1:{free_port()}/ws"
        status, output, said = connect_example(binary, logs / "connect-2.log", url, [])
        assert status == 3 and not output and "refused" in said and "panicked" not in said, (status, output, said)

    def terminal_says_how_it_was_refused() -> None:
        url = f"ws://{echo.host}/nowhere"
        status, output, said = connect_example(binary, logs / "connect-3.log", url, [])
        assert status == 4 and not output and "404" in said and "panicked" not in said, (status, output, said)

    def http2_opens_three_on_one_connection() -> None:
        with Child([str(args.bin / "http2")], logs / "http2.log") as child:
            said = [child.line(PATIENCE) for _ in range(4)]
            assert said == [f"hello from {n}" for n in range(3)] + ["3 WebSockets over 1 connection"], said
            assert child.wait(PATIENCE) == 0, child.tail()

    def own_transport_is_answered_over_each() -> None:
        with Child([str(args.bin / "own-transport")], logs / "own-transport.log") as child:
            said = [child.line(PATIENCE) for _ in range(3)]
            assert said == [f"{way}: HELLO" for way in ("over a Unix socket", "in memory", "with a child process")], said
            assert child.wait(PATIENCE) == 0, child.tail()

    binary = args.bin / "connect"
    pages = Path(__file__).resolve().parents[2] / "examples/browser/anywhere"
    echo = Example(args.bin / "echo", logs / "echo.log", "--pages", str(pages))
    for script in (
        echo_serves_its_page,
        echo_serves_the_pages_that_it_is_given,
        echo_echoes,
        echo_refuses_other_origins,
    ):
        check_on(echo, script)
    check("connect prints what comes back", terminal_prints_what_comes_back)
    check("connect says why it cannot connect", terminal_says_why_it_cannot_connect)
    check("connect says how it was refused", terminal_says_how_it_was_refused)
    check(
        "reconnect comes back to a server that was restarted",
        lambda: reconnect_comes_back_to_a_server_that_was_restarted(args.bin, logs),
    )
    chat = Example(args.bin / "chat", logs / "chat.log")
    for script in (chat_serves_its_page, chat_carries_lines_between_two, chat_refuses_a_name_that_cannot_be_seen):
        check_on(chat, script)
    upload = Example(args.bin / "upload", logs / "upload.log")
    for script in (upload_serves_its_page, upload_answers_with_size_and_checksum):
        check_on(upload, script)
    scripts = {
        "subprotocols": (subprotocols_choose_the_newest_version, subprotocols_require_one),
        "auth": (auth_greets_whoever_has_the_token, auth_refuses_everybody_else),
        "migrate-from-axum": (migrate_from_axum_says_goodbye, echo_refuses_other_origins),
        "echo-hyper": (echo_echoes, echo_refuses_other_origins),
        "echo-tower": (echo_echoes, echo_refuses_other_origins),
        "tls": (echo_serves_its_page, echo_echoes),
    }
    others = {name: Example(args.bin / name, logs / f"{name}.log") for name in scripts}
    for name, example in others.items():
        for script in scripts[name]:
            check_on(example, script)
    check("http2 opens three on one connection", http2_opens_three_on_one_connection)
    check("own-transport is answered over each", own_transport_is_answered_over_each)
    server = Example(args.bin / "graceful-shutdown", logs / "graceful-shutdown.log")
    check_on(server, graceful_shutdown_says_1001_to_everybody_and_ends)
    server.child.stop()
    for example in (echo, chat, upload):
        check_on(example, cuts_off_clients_that_do_not_ask)
    for example in (echo, chat, upload, *others.values()):
        check(f"{example.child.name} still runs", lambda: require(example.child.wait(0) is None, example.child.tail()))
        example.child.stop()
    print(f"{passed} passed, {len(problems)} failed")
    return 1 if problems else 0


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
