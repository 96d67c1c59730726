#!/usr/bin/env python3
"""What the sans-IO layer of Python's `websockets` makes of bytes, for `ws_fuzz::differential`.

A line in is a role, with what was agreed on of permessage-deflate if anything was, and pieces of input in hex. A line out is the
close code that the connection failed with or `-`, and what was told, each as kind:hex; a `~` stands before a message that was
taken though its compressed form does not end where a block ends, or goes on behind a final one. The layer gives frames; messages
are put together here, and text is decoded when it is complete, as `websockets.sync` does it.
"""

from __future__ import annotations

import logging
import sys
import zlib

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

NAMES = {Opcode.TEXT: "text", Opcode.BINARY: "binary", Opcode.PING: "ping", Opcode.PONG: "pong", Opcode.CLOSE: "close"}
DATA = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)


class Watched(PerMessageDeflate):
    """Looks at the decompressor at the end of each message."""

    def __init__(self, *agreed: int) -> None:
        super().__init__(*agreed)
        self.whole: list[bool] = []

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        is_compressed = self.decode_cont_data if frame.opcode is Opcode.CONT else frame.rsv1
        decoded = super().decode(frame, max_size=max_size)
        if frame.fin and frame.opcode in DATA:
            self.whole.append(not is_compressed or ends_with_a_block(getattr(self, "decoder", None) or self.used))
        return decoded

    def __delattr__(self, name: str) -> None:
        if name == "decoder":
            self.used = self.decoder
        super().__delattr__(name)


def ends_with_a_block(decoder: zlib._Decompress) -> bool:
    if decoder.eof:
        # The tail that was appended is left.
        return decoder.unused_data in (b"", b"\x00\x00\xff\xff")
    behind = decoder.copy()
    try:
        behind.decompress(b"\x01\x00\x00\xff\xff")
    except zlib.error:
        return False
    return behind.eof


class Endpoint:
    def __init__(self, setup: str) -> None:
        role, *agreed = setup.split(",")
        self.protocol = Protocol(Side[role.upper()], max_size=1 << 24)
        self.deflate: Watched | None = None
        if agreed:
            no_remote, remote_bits, no_local, local_bits = map(int, agreed)
            self.deflate = Watched(bool(no_remote), bool(no_local), remote_bits, local_bits)
            self.protocol.extensions = [self.deflate]
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
            odd = "~" if self.deflate and not self.deflate.whole.pop(0) else ""
            if self.kind == "text":
                try:
                    self.data.decode()
                except UnicodeDecodeError:
                    self.failed = 1007
                    return
            self.told.append(f"{odd}{self.kind}:{self.data.hex()}")


def verdict(line: str) -> str:
    setup, *pieces = line.split()
    endpoint = Endpoint(setup)
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
