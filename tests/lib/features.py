#!/usr/bin/env python3
"""Lists the published crates and their feature combinations, and checks what a combination must not depend on."""

from __future__ import annotations

import json
import subprocess
import sys

# (crate, arguments) may not have any of these among its normal dependencies, however deep.
LAYERS: list[tuple[str, str, set[str]]] = [
    ("ws-core", "--no-default-features", {"tokio", "tokio-util", "http", "hyper", "getrandom", "futures-core"}),
    ("ws-core", "--no-default-features --features handshake", {"tokio", "tokio-util", "hyper", "getrandom"}),
    ("ws-core", "--all-features", {"hyper", "hyper-util", "tower-service", "rustls", "axum-core", "ws-tower", "ws-client"}),
    ("ws-tower", "--no-default-features", {"axum", "axum-core"}),
    ("ws-tower", "", {"h2", "rustls", "ws-client"}),
    ("ws-tower", "--all-features", {"axum", "ring", "ws-client"}),
    ("ws-client", "--no-default-features", {"cookie_store", "idna", "rustls", "tokio-rustls", "rustls-platform-verifier", "ring", "native-tls", "url"}),
    ("ws-client", "--no-default-features --features native-tls", {"rustls", "tokio-rustls", "ring"}),
    ("ws-client", "--no-default-features --features webpki-roots", {"native-tls", "openssl"}),
    ("ws-client", "", {"native-tls", "openssl", "webpki-roots"}),
    ("ws-hub", "--no-default-features", {"async-nats", "futures-util", "hyper", "redis", "rustls", "ws-client", "ws-tower"}),
    ("ws-hub", "--no-default-features --features redis", {"async-nats", "rand", "ring", "rustls"}),
    ("ws-hub", "--no-default-features --features nats", {"aws-lc-rs", "redis", "tokio-websockets"}),
    ("ws-proxy", "--no-default-features", {"axum", "axum-core", "clap", "h2", "lexopt", "proxy-header", "rustls", "serde", "toml"}),
    ("ws-proxy", "--all-features", {"aws-lc-rs", "axum", "axum-core"}),
    ("ws-obs", "--no-default-features", {"rustls", "native-tls", "rmp-serde"}),
    ("ws-obs", "--all-features", {"aws-lc-rs", "axum", "axum-core", "tower", "ws-tower"}),
    ("ws-wasm", "--no-default-features --target wasm32-unknown-unknown", {"getrandom", "http", "hyper", "serde", "tokio", "ws-client"}),
    ("ws-wasm", "--all-features --target wasm32-unknown-unknown", {"getrandom", "http", "hyper", "mio", "ws-client"}),
    ("ws-wasm", "--no-default-features", {"js-sys", "rustls", "wasm-bindgen", "web-sys"}),
    ("ws-client", "--all-features", {"aws-lc-rs", "axum", "axum-core", "tower", "ws-tower"}),
]


def cargo(*args: str) -> str:
    return subprocess.run(["cargo", *args], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def published() -> dict[str, list[str]]:
    """The crates that are published, and the names of their features."""
    data = json.loads(cargo("metadata", "--format-version", "1", "--locked", "--no-deps"))
    return {each["name"]: sorted(each["features"]) for each in data["packages"] if each["publish"] != []}


def combinations(crate: str, features: list[str]) -> list[str]:
    alone = [f"{crate} --no-default-features --features {name}" for name in features if name != "default"]
    return [f"{crate} --no-default-features", *alone, crate, f"{crate} --all-features"]


def dependencies(crate: str, args: str) -> set[str]:
    """The names of everything in the crate's tree of normal dependencies, but itself."""
    tree = cargo("tree", "--locked", "-e", "normal", "--prefix", "none", "--format", "{p}", "-p", crate, *args.split())
    return {line.split()[0] for line in tree.splitlines() if line} - {crate}


def layers() -> int:
    passed = failed = 0
    for crate, args, forbidden in LAYERS:
        found = dependencies(crate, args) & forbidden
        print(f"  {'FAIL' if found else 'ok  '} {crate} {args} is free of {', '.join(sorted(found or forbidden))}")
        passed, failed = (passed, failed + 1) if found else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main() -> int:
    match sys.argv[1:]:
        case ["published"]:
            print("\n".join(published()))
        case ["combinations"]:
            for crate, features in published().items():
                print("\n".join(combinations(crate, features)))
        case ["layers"]:
            return layers()
        case _:
            sys.exit(f"usage: {sys.argv[0]} published | combinations | layers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
