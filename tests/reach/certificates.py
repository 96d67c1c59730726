"""Certificates of an authority of our own: a good one for servers, one for clients, and those that must be refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificate:
    """Files in PEM: the certificate, its key, and both in one as HAProxy wants them."""

    cert: Path
    key: Path
    both: Path


class Certificates:
    """All of them, as files of a directory."""

    def __init__(self, out: Path):
        self.out = out
        authority = trustme.CA(organization_name="tests of ws-client")
        stranger = trustme.CA(organization_name="somebody else")
        self.ca = out / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        names = ("localhost", "127.0.0.1", "::1")
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        self.good = self._write("good", authority.issue_cert(*names))
        self.client = self._write("client", authority.issue_cert("client@tests.example"))
        self.wrong_name = self._write("wrong-name", authority.issue_cert("elsewhere.example"))
        expired = authority.issue_cert(*names, not_before=yesterday - timedelta(days=30), not_after=yesterday)
        self.expired = self._write("expired", expired)
        self.unknown = self._write("unknown", stranger.issue_cert(*names))

    def _write(self, name: str, leaf: trustme.LeafCert) -> Certificate:
        written = Certificate(*(self.out / f"{name}{end}" for end in (".pem", ".key", ".both")))
        leaf.cert_chain_pems[0].write_to_path(written.cert)
        leaf.private_key_pem.write_to_path(written.key)
        leaf.private_key_and_cert_chain_pem.write_to_path(written.both)
        return written
