#!/usr/bin/env python3
"""An echo by Python's websockets: prints its port. With two arguments, a certificate and its key, it speaks TLS."""

import asyncio
import ssl
import sys

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    context = None
    if sys.argv[1:]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*sys.argv[1:3])
    async with serve(echo, "127.0.0.1", 0, ssl=context, max_size=4 << 20) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
