"""A relay between two ends of TCP connections that takes whatever either sends, even while the other does not read."""

from __future__ import annotations

import asyncio
import threading


class Relay:
    """Listens on `port`, a free one, and passes each connection on to `target`, a port of loopback; until the block ends."""

    def __init__(self, target: int):
        self.target = target
        self.port = 0
        self.passed = [0, 0]
        """Bytes that were passed on, to the target and back."""
        self._listens = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "Relay":
        self._thread.start()
        if not self._listens.wait(10):
            raise OSError("the relay does not listen")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._ended.wait()
        server.close()
        # What is connected still is cancelled by `asyncio.run`.

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(self._pump(0, reader, back), self._pump(1, there, writer))
        except (OSError, asyncio.CancelledError):
            # A reset, or the end of the relay.
            writer.transport.abort()
            back.transport.abort()
        # What is not sent yet leaves first.
        writer.close()
        back.close()

    async def _pump(self, way: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes bytes on, then their end."""
        while data := await reader.read(1 << 16):
            self.passed[way] += len(data)
            # Without `drain`: the relay holds what the other end does not read yet.
            writer.write(data)
        writer.write_eof()
