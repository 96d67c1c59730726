"""The relay: it reads on while the other end does not, and passes on how a connection ends."""

from __future__ import annotations

import socket
import struct
import sys
import threading
import unittest
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from relay import Relay  # noqa: E402

# Far above what the buffers of the sockets hold.
LARGE = 32 << 20


class Through(unittest.TestCase):
    """`self.client` and `self.server` are the two ends of one connection through the relay."""

    def setUp(self):
        ends = ExitStack()
        self.addCleanup(ends.close)
        listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(10)
        relay = ends.enter_context(Relay(listener.getsockname()[1]))
        self.client = ends.enter_context(socket.create_connection(("127.0.0.1", relay.port), 10))
        self.server = ends.enter_context(listener.accept()[0])
        self.server.settimeout(10)

    def receive(self, end: socket.socket, count: int) -> bytes:
        return end.recv(count, socket.MSG_WAITALL)

    def test_bytes_pass_in_both_directions(self):
        self.client.sendall(b"ping")
        self.assertEqual(self.receive(self.server, 4), b"ping")
        self.server.sendall(b"pong")
        self.assertEqual(self.receive(self.client, 4), b"pong")

    def test_ends_that_send_before_they_read_do_not_wait_for_each_other(self):
        sender = threading.Thread(target=self.server.sendall, args=(b"s" * LARGE,))
        sender.start()
        self.client.sendall(b"c" * LARGE)
        sender.join(10)
        self.assertFalse(sender.is_alive())
        for end, byte in ((self.server, b"c"), (self.client, b"s")):
            left = LARGE
            while left:
                data = end.recv(min(left, 1 << 20))
                self.assertEqual(data, byte * len(data))
                self.assertTrue(data)
                left -= len(data)

    def test_end_of_one_direction_leaves_the_other_open(self):
        self.client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.server.recv(1), b"")
        self.server.sendall(b"still")
        self.assertEqual(self.receive(self.client, 5), b"still")

    def test_reset_ends_the_other_connection(self):
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()
        self.assertEqual(self.server.recv(1), b"")


if __name__ == "__main__":
    unittest.main()
