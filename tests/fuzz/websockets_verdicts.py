#!/usr/bin/env python3
"""What the sans-IO layer of Python's `websockets` makes of bytes, for `ws_fuzz::differential`.

A line in is a role and pieces of input in hex. A line out is the close code that the connection failed with or `-`, and what
was told, each as kind:hex. The layer gives frames; messages are put together here, and text is decoded when it is complete, as
`websockets.sync` does it.
"""

from __future__ import annotations

import logging
import sys

from websockets.frames import Opcode
from websockets.protocol import Protocol, Side

NAMES = {Opcode.TEXT: "text", Opcode.BINARY: "binary", Opcode.PING: "ping", Opcode.PONG: "pong", Opcode.CLOSE: "close"}


class Endpoint:
    def __init__(self, role: str) -> None:
        self.protocol = Protocol(Side[role.upper()], max_size=1 << 24)
        self.told: list[str] = []
        self.kind = ""
        self.data = b""
        self.failed: int | None = None

    def feed(self, piece: bytes) -> None:
        self.protocol.receive_data(piece)
        for frame in self.protocol.events_received():
            self.take(frame.opcode, frame.fin, bytes(frame.data))
            if self.failed is not None:
                return
        if self.protocol.parser_exc is not None:
            self.failed = int(self.protocol.close_sent.code)

    def take(self, opcode: Opcode, fin: bool, data: bytes) -> None:
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            self.kind, self.data = NAMES[opcode], data
        elif opcode is Opcode.CONT:
            self.data += data
        else:
            self.told.append(f"{NAMES[opcode]}:{data.hex()}")
            return
        if fin:
            if self.kind == "text":
                try:
                    self.data.decode()
                except UnicodeDecodeError:
                    self.failed = 1007
                    return
            self.told.append(f"{self.kind}:{self.data.hex()}")


def verdict(line: str) -> str:
    role, *pieces = line.split()
    endpoint = Endpoint(role)
    for piece in pieces:
        if endpoint.failed is None:
            endpoint.feed(bytes.fromhex(piece))
    failed = "-" if endpoint.failed is None else str(endpoint.failed)
    return " ".join([failed, *endpoint.told])


def main() -> None:
    logging.disable()
    for line in sys.stdin:
        print(verdict(line), flush=True)


if __name__ == "__main__":
    main()
