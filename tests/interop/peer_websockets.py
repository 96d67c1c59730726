#!/usr/bin/env python3
"""Python's `websockets` as an endpoint that is told what to do in JSON lines; README.md lists them."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

SHORT = 64


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


def describe_text(data: bytes) -> str:
    return data.decode() if len(data) <= SHORT else describe_binary(data)


def describe_binary(data: bytes) -> str:
    return f"{len(data)} bytes, sha1 {hashlib.sha1(data).hexdigest()}"


def pattern(length: int, seed: int) -> bytes:
    return bytes((seed + index) % 251 for index in range(length))


def noise(length: int, seed: int) -> bytes:
    data = bytearray(length)
    for index in range(length):
        seed = (seed * 1103515245 + 12345) & 0xFFFFFFFF
        data[index] = seed >> 16 & 255
    return bytes(data)


def settings(words: str) -> dict[str, bool | int]:
    """What `--deflate` says, in the names of `websockets`. There the threshold is not a setting."""
    items = (word.partition("=") for word in words.split(",") if word)
    return {name: int(value) if value else True for name, _, value in items if name != "threshold"}


class Endpoint:
    """Carries out commands on the current connection; reports what happens on it."""

    def __init__(self, deflate: str | None) -> None:
        self.connection: Connection | None = None
        self.deflate = deflate
        self.background: set[asyncio.Task] = set()

    async def session(self, connection: Connection) -> None:
        self.connection = connection
        extensions = ", ".join(extension.name for extension in connection.protocol.extensions)
        agreed = {} if self.deflate is None else {"deflate": self.agreed(connection)}
        say(open={"subprotocol": connection.subprotocol, "extensions": extensions, **agreed})
        try:
            async for message in connection:
                if isinstance(message, str):
                    say(text=describe_text(message.encode()))
                else:
                    say(binary=describe_binary(message))
        except ConnectionClosed:
            pass
        await connection.wait_closed()
        received = connection.protocol.close_rcvd
        if received is None:
            say(lost=True)
        else:
            say(close=[int(received.code), received.reason])

    @staticmethod
    def agreed(connection: Connection) -> list | None:
        found = [extension for extension in connection.protocol.extensions if extension.name == "permessage-deflate"]
        if not found:
            return None
        remote = [found[0].remote_no_context_takeover, found[0].remote_max_window_bits]
        local = [found[0].local_no_context_takeover, found[0].local_max_window_bits]
        server, client = (local, remote) if isinstance(connection, ServerConnection) else (remote, local)
        return [server[0], client[0], server[1], client[1]]

    async def command(self, command: dict) -> None:
        (name, value), *_ = command.items()
        connection = self.connection
        if name == "connect":
            protocols = command.get("subprotocols") or None
            extensions = None if self.deflate is None else [ClientPerMessageDeflateFactory(**settings(self.deflate))]
            compression = {} if self.deflate is None else {"extensions": extensions, "compression": None}
            connection = await connect(value, subprotocols=protocols, max_size=None, proxy=None, **compression)
            self.spawn(self.session(connection))
            await asyncio.sleep(0)
        elif name == "send_text":
            await connection.send(value)
        elif name == "send_text_times":
            await connection.send(value[0] * value[1])
        elif name == "send_binary":
            await connection.send(pattern(*value))
        elif name == "send_noise":
            await connection.send(noise(*value))
        elif name == "send_fragments":
            await connection.send(self.fragments(value["parts"]), text=value["kind"] == "text")
        elif name == "ping":
            self.spawn(self.ping(value))
        elif name == "close" and value is None:
            self.spawn(connection.close(None))
        elif name == "close":
            self.spawn(connection.close(*value))
        elif name == "drop":
            connection.transport.abort()
        else:
            raise ValueError(f"unknown command {name}")

    async def fragments(self, parts: list[str | dict]):
        for part in parts:
            if isinstance(part, dict):
                self.spawn(self.ping(part["ping"]))
                await asyncio.sleep(0)
            else:
                yield bytes.fromhex(part)

    async def ping(self, payload: str) -> None:
        await (await self.connection.ping(payload))
        say(pong=payload)

    def spawn(self, work) -> None:
        task = asyncio.ensure_future(work)
        self.background.add(task)
        task.add_done_callback(self.finished)

    def finished(self, task: asyncio.Task) -> None:
        self.background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            say(error=repr(task.exception()))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", metavar="HOST:PORT", help="serve; without it the endpoint is a client")
    parser.add_argument("--subprotocol", action="append", help="a subprotocol the server speaks; may be repeated")
    parser.add_argument("--deflate", help="permessage-deflate with these parameters, joined by commas; may be empty")
    args = parser.parse_args()
    endpoint = Endpoint(args.deflate)
    commands = asyncio.StreamReader(limit=1 << 22)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    if args.listen:
        host, port = args.listen.rsplit(":", 1)

        def select(_connection: ServerConnection, offered: list[str]) -> str | None:
            # The default refuses a client that offers nothing the server knows.
            return next((name for name in offered if name in (args.subprotocol or [])), None)

        extensions = None if args.deflate is None else [ServerPerMessageDeflateFactory(**settings(args.deflate))]
        compression = {} if args.deflate is None else {"extensions": extensions, "compression": None}
        server = await serve(endpoint.session, host, int(port), select_subprotocol=select, max_size=None, **compression)
        say(listening=next(iter(server.sockets)).getsockname()[1])
    while line := await commands.readline():
        try:
            await endpoint.command(json.loads(line))
        except Exception as error:  # whatever went wrong belongs to the script that asked for it
            say(error=repr(error))


asyncio.run(main())
