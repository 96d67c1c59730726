"""The scripted sessions: what one endpoint is told to do, and what the other must then report.

Every script runs over a connection of its own. Where a script has a sender and a receiver it runs both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from endpoint import ANY, Endpoint, describe_binary, describe_text, pattern

# Four lengths of UTF-8, a combining accent, a zero-width joiner sequence, NUL, and the ends of the code space.
UNICODE = "aé€𝄞 e\u0301 👩\u200d👩\u200d👧 \0 \ufeff \ud7ff\ue000 \U0010ffff"
LENGTHS = (0, 1, 125, 126, 127, 65535, 65536, 1 << 20)
CLOSES = (
    (1000, ""),
    (1000, "done"),
    (1001, "going away"),
    (3000, "registered"),
    (4999, "private – vie privée – 私用"),
    (4000, "r" * 123),
)


@dataclass
class Session:
    """Two endpoints with an open connection between them."""

    client: Endpoint
    server: Endpoint

    @property
    def ends(self) -> tuple[Endpoint, Endpoint]:
        return self.client, self.server

    def finish(self) -> None:
        """Ends the connection from the client, with nothing else left to report on either side."""
        self.client.tell(close=[1000, "finish"])
        self.server.expect(close=[1000, "finish"])
        self.client.expect(close=[1000, ANY])


@dataclass(frozen=True)
class Script:
    """A session's name, what happens in it, and what the client offers for it."""

    name: str
    play: Callable[[Session], None]
    offer: tuple[str, ...] = ()
    subprotocol: str | None = None


def messages(sender: Endpoint, receiver: Endpoint) -> None:
    for text in ("hello", "", UNICODE, "x" * 126):
        sender.tell(send_text=text)
        receiver.expect(text=describe_text(text))
    sender.tell(send_text_times=["€uro", 40_000])
    receiver.expect(text=describe_text("€uro" * 40_000))


def lengths(sender: Endpoint, receiver: Endpoint) -> None:
    for length in LENGTHS:
        sender.tell(send_binary=[length, length % 7])
        receiver.expect(binary=describe_binary(pattern(length, length % 7)))


def burst(sender: Endpoint, receiver: Endpoint) -> None:
    for number in range(200):
        sender.tell(send_text=f"message {number}")
    for number in range(200):
        receiver.expect(text=f"message {number}")


def fragments(sender: Endpoint, receiver: Endpoint) -> None:
    data = pattern(70_000, 3)
    parts = [data[:1], b"", data[1:126], data[126:65_000], data[65_000:]]
    sender.tell(send_fragments={"kind": "binary", "parts": [part.hex() for part in parts]})
    receiver.expect(binary=describe_binary(data))
    # Every byte on its own: all code points longer than one byte are cut.
    sender.tell(send_fragments={"kind": "text", "parts": [f"{byte:02x}" for byte in "é€𝄞".encode()]})
    receiver.expect(text="é€𝄞")


def ping_between_fragments(sender: Endpoint, receiver: Endpoint) -> None:
    parts = [b"be".hex(), {"ping": "in between"}, b"fore".hex()]
    sender.tell(send_fragments={"kind": "text", "parts": parts})
    # The pong is owed before the message is complete, and both travel in order.
    if receiver.shows_pings:
        receiver.expect(ping="in between")
    receiver.expect(text="before")
    sender.expect(pong="in between")


def pings(sender: Endpoint, receiver: Endpoint) -> None:
    for payload in ("", "p", "héartbeat", "x" * 125):
        sender.tell(ping=payload)
        if receiver.shows_pings:
            receiver.expect(ping=payload)
        sender.expect(pong=payload)


def both_at_once(session: Session) -> None:
    for number in range(50):
        for end in session.ends:
            end.tell(send_binary=[10_000, number])
    for end in session.ends:
        for number in range(50):
            end.expect(binary=describe_binary(pattern(10_000, number)))
    session.finish()


def closing(closer: Endpoint, other: Endpoint, code: int, reason: str) -> None:
    closer.tell(close=[code, reason])
    other.expect(close=[code, reason])
    # 5.5.1: the answer typically echoes the code; the reason may be left out.
    closer.expect(close=[code, ANY])


def closing_without_code(closer: Endpoint, other: Endpoint) -> None:
    closer.tell(close=None)
    other.expect(close=[1005, ""])
    closer.expect(close=[ANY, ""])


def last_words(closer: Endpoint, other: Endpoint) -> None:
    closer.tell(send_binary=[300_000, 1])
    closer.tell(send_text="last")
    closer.tell(close=[1000, "bye"])
    other.expect(binary=describe_binary(pattern(300_000, 1)))
    other.expect(text="last")
    other.expect(close=[1000, "bye"])
    closer.expect(close=[1000, ANY])


def lost(dropper: Endpoint, other: Endpoint) -> None:
    dropper.tell(send_text="still here")
    other.expect(text="still here")
    dropper.tell(drop=True)
    other.expect(lost=True)
    dropper.expect(lost=True)


def both_ways(name: str, play: Callable[..., None], *args: object, ends: bool = False, **more: object) -> list[Script]:
    """One script with the client as the sender, one with the server; `ends` says that the script closes by itself."""

    def from_client(session: Session) -> None:
        play(session.client, session.server, *args)
        if not ends:
            session.finish()

    def from_server(session: Session) -> None:
        play(session.server, session.client, *args)
        if not ends:
            session.finish()

    return [Script(f"{name}, from the client", from_client, **more), Script(f"{name}, from the server", from_server, **more)]


SCRIPTS: list[Script] = [
    *both_ways("text: ASCII, empty, Unicode, 126 bytes, 280 KB", messages),
    *both_ways(f"binary of {', '.join(map(str, LENGTHS))} bytes", lengths),
    *both_ways("200 messages in a row", burst),
    Script("messages both ways at once", both_at_once),
    *(script for code, reason in CLOSES for script in both_ways(f"close {code} {reason[:24]!r}", closing, code, reason, ends=True)),
    *both_ways("close without a code", closing_without_code, ends=True),
    *both_ways("messages right before a close", last_words, ends=True),
    *both_ways("connection lost", lost, ends=True),
    Script("subprotocol: the first both know", Session.finish, ("chat.v3", "chat.v2", "chat.v1"), "chat.v2"),
    Script("subprotocol: none offered", Session.finish),
]

# The client is the first end of these scripts, then the server is: only ends that can do what they are about are asked to.
PINGED: list[Script] = both_ways("pings of 0, 1, 10 and 125 bytes", pings)
FRAGMENTED: list[Script] = both_ways("fragmented messages", fragments)
PINGED_BETWEEN_FRAGMENTS: list[Script] = both_ways("ping between fragments", ping_between_fragments)

SERVER_SUBPROTOCOLS = ("chat.v1", "chat.v2")
