#!/usr/bin/env python3
"""Runs `ws-proxy` before real servers, and before and behind real proxies; `connect` is the client.

`tests/run proxy` builds both, installs the others and calls this.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reach"))
sys.path.insert(0, str(HERE.parent / "lib"))
from certificates import Certificates  # noqa: E402
from connect import LARGE_BINARY, Connect, follow, require  # noqa: E402
from process import Child, Ended, free_port, wait_for_port  # noqa: E402
from table import Way  # noqa: E402

REACH = HERE.parent / "reach"
PATIENCE = 20.0
DEFLATE = ("permessage-deflate",)

# Behind `ws-proxy`, by the first segment of the path; each as a tunnel and as a relay.
BACKENDS = ("ours", "python", "node", "nginx", "haproxy", "mtls", "h2", "proxy_v1", "proxy_v2")


def ways() -> list[Way]:
    rows = []
    for name in BACKENDS:
        for mode, path in (("tunnel", f"/{name}"), ("relay", f"/relay/{name}")):
            # The place is named so that the row is left out with it.
            rows.append(Way(f"{mode} to {name}", f"ws://127.0.0.1:{{proxy}}{path}#{{{name}}}"))
    for name in ("ours", "python", "node"):
        rows.append(Way(f"tunnel to {name}, compressed from end to end", f"ws://127.0.0.1:{{proxy}}/{name}#{{{name}}}", "--deflate", says=DEFLATE))
        rows.append(Way(f"relay to {name}, compressed", f"ws://127.0.0.1:{{proxy}}/relay/{name}#{{{name}}}", "--deflate", says=DEFLATE))
    rows += [
        Way("a subprotocol of the backend", "ws://127.0.0.1:{proxy}/node#{node}", "--subprotocol a --subprotocol b", says=("subprotocol b",)),
        Way("TLS to the proxy", "wss://localhost:{proxy_tls}/ours", "--ca {ca}", says=("TLS",)),
        Way("HTTP/2 to the proxy", "wss://localhost:{proxy_tls}/ours", "--ca {ca} --http2", says=("HTTP/2.0", "200 OK")),
        Way("HTTP/2 to the proxy, relayed", "wss://localhost:{proxy_tls}/relay/ours", "--ca {ca} --http2", says=("HTTP/2.0",)),
        Way("HTTP/2 to the proxy, Python behind it", "wss://localhost:{proxy_tls}/python#{python}", "--ca {ca} --http2 --deflate", says=("HTTP/2.0", *DEFLATE)),
        Way("HTTP/2 to the proxy and on to HAProxy", "wss://localhost:{proxy_tls}/h2#{h2}", "--ca {ca} --http2", says=("HTTP/2.0",)),
        Way("behind nginx", "ws://localhost:{front_nginx}/ours"),
        Way("behind nginx, relayed", "ws://localhost:{front_nginx}/relay/ours", "--deflate", says=DEFLATE),
        Way("behind HAProxy", "ws://127.0.0.1:{front_haproxy}/ours"),
        Way("behind HAProxy with HTTP/2", "wss://127.0.0.1:{front_haproxy_h2}/ours", "--ca {ca} --http2", says=("HTTP/2.0",)),
        Way("behind HAProxy with the PROXY protocol, version 1", "ws://127.0.0.1:{front_proxy_v1}/ours"),
        Way("behind HAProxy with the PROXY protocol, version 2", "ws://127.0.0.1:{front_proxy_v2}/ours"),
        Way("between nginx and HAProxy", "ws://localhost:{front_nginx}/haproxy#{haproxy}"),
    ]
    return rows


class Servers:
    """All that stands before and behind `ws-proxy`, and where it is."""

    def __init__(self, args: argparse.Namespace, out: Path):
        self.args, self.out = args, out
        self.certificates = Certificates(out)
        self.places: dict[str, object] = {"ca": self.certificates.ca}
        self._waiting: list[tuple[int, Child]] = []
        self._peer("ours", [args.echo, "--listen", "127.0.0.1:0", "--deflate"])
        self._peer("python", [args.python, REACH / "echo_websockets.py"])
        if args.node:
            self._peer("node", [args.node, REACH / "echo_ws.cjs"], {"NODE_PATH": args.node_modules})
        for name in ("proxy", "proxy_tls", "proxy_header"):
            self._port(name)
        if args.nginx:
            self._nginx()
        if args.haproxy:
            self._haproxy()
        for port, child in self._waiting:
            wait_for_port(port, child, PATIENCE)

    def _port(self, name: str) -> int:
        self.places[name] = port = free_port()
        return port

    def _peer(self, name: str, command: list[object], env: dict[str, str] | None = None) -> None:
        child = Child(command, self.out / f"{name}.log", stdin=True, env=env)
        self.places[name] = int(re.search(r"(?<!\d)\d{4,5}(?!\d)", child.line(PATIENCE)).group())

    def _start(self, name: str, command: list[object], *ports: str) -> None:
        child = Child(command, self.out / f"{name}.log")
        self._waiting.extend((int(self.places[port]), child) for port in ports)

    def _nginx(self) -> None:
        for name in ("front_nginx", "nginx", "mtls"):
            self._port(name)
        temps = " ".join(f"{kind}_temp_path {self.out}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = self.out / "nginx.conf"
        config.write_text(NGINX.format(user=getpass.getuser(), temps=temps, good=self.certificates.good, **self.places))
        self._start("nginx", [self.args.nginx, "-p", self.out, "-e", "stderr", "-c", config], "front_nginx", "nginx", "mtls")

    def _haproxy(self) -> None:
        names = ("front_haproxy", "front_haproxy_h2", "front_proxy_v1", "front_proxy_v2", "haproxy", "h2", "proxy_v1")
        for name in names:
            self._port(name)
        # HAProxy reads both versions at one port.
        self.places["proxy_v2"] = self.places["proxy_v1"]
        config = self.out / "haproxy.cfg"
        config.write_text(HAPROXY.format(good=self.certificates.good, **self.places))
        self._start("haproxy", [self.args.haproxy, "-db", "-f", config], *names)


class Proxy:
    """`ws-proxy` with a configuration of all backends that are here."""

    def __init__(self, args: argparse.Namespace, servers: Servers, name: str = "ws-proxy"):
        places, certificates = servers.places, servers.certificates
        self.config = servers.out / f"{name}.toml"
        good = f'certificate = "{certificates.good.cert}"\nkey = "{certificates.good.key}"'
        parts = [
            'access_log = true\nadmin = "127.0.0.1:0"\n[drain]\ncode = 1012\nreason = "back at once"',
            f'[[listen]]\naddress = "127.0.0.1:{places["proxy"]}"',
            f'[[listen]]\naddress = "127.0.0.1:{places["proxy_tls"]}"\n{good}',
            f'[[listen]]\naddress = "127.0.0.1:{places["proxy_header"]}"\nproxy_protocol = true',
        ]
        own = f'ca = "{certificates.ca}"\ncertificate = "{certificates.client.cert}"\nkey = "{certificates.client.key}"'
        more = {
            "mtls": own,
            "h2": f'http2 = true\nca = "{certificates.ca}"',
            "proxy_v1": 'send_proxy_protocol = "v1"',
            "proxy_v2": 'send_proxy_protocol = "v2"',
        }
        for backend in BACKENDS:
            if backend not in places:
                continue
            scheme = "wss" if backend in ("mtls", "h2") else "ws"
            # Behind the first segment every server has the path that it is used to.
            path = "" if backend in ("python", "node") else "/ws"
            for prefix, mode in ((f"/{backend}", ""), (f"/relay/{backend}", "relay = true\ncompression = true\nmax_message_size = 16777216")):
                rewrite = f'strip_prefix = "{prefix}"'
                parts.append(
                    f'[[route]]\nfor_path = "{prefix}"\nbackends = ["{scheme}://localhost:{places[backend]}{path}"]\n{rewrite}\n'
                    f"{more.get(backend, '')}\n{mode}"
                )
        self.config.write_text("\n\n".join(parts) + "\n")
        self.child = Child([args.proxy, "--config", self.config], servers.out / f"{name}.log")
        for port in ("proxy", "proxy_tls", "proxy_header"):
            wait_for_port(int(places[port]), self.child, PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.child._process.pid, number)

    def says(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.child.log.read_text("utf-8", "replace"):
            require(time.monotonic() < deadline, f"the proxy does not say {words!r}")
            time.sleep(0.02)


def starts_as_its_help_says(args: argparse.Namespace, servers: Servers) -> None:
    """A backend on the command line, and nothing else."""
    port = free_port()
    command = [args.proxy, "--listen", f"127.0.0.1:{port}", f"ws://127.0.0.1:{servers.places['ours']}"]
    with Child(command, servers.out / "by-flags.log") as proxy:
        wait_for_port(port, proxy, PATIENCE)
        way = Way("by flags", f"ws://127.0.0.1:{port}/ws")
        run = Connect(args.connect, way, servers.places, servers.out / "by-flags-connect.log", *MORE(servers))
        follow(run)


def says_what_is_wrong(args: argparse.Namespace, servers: Servers) -> None:
    for name, text in (("empty", ""), ("unknown", "nonsense = 1"), ("backend", '[[route]]\nbackends = ["nowhere"]')):
        config = servers.out / f"wrong-{name}.toml"
        config.write_text(text)
        child = Child([args.proxy, "--check", "--config", config], servers.out / f"wrong-{name}.log")
        require(child.wait(PATIENCE) == 2, f"{name}: the configuration is taken")


def reloads_and_drains(args: argparse.Namespace, servers: Servers, proxy: Proxy) -> None:
    """A connection goes on while the configuration changes, and ends with the close frame of the drain."""
    way = Way("open", "ws://127.0.0.1:{proxy}/ours")
    log = servers.out / "connect" / "open.log"
    with Connect(args.connect, way, servers.places, log, "--verbose").start() as open_one:
        open_one.send("before")
        require(open_one.line(PATIENCE) == "before", "no echo before")
        text = proxy.config.read_text()
        proxy.config.write_text("nonsense = 1")
        proxy.signal(signal.SIGHUP)
        proxy.says("not read again")
        proxy.config.write_text(text.replace('for_path = "/ours"', 'for_path = "/renamed"').replace('"/ours"', '"/renamed"'))
        proxy.signal(signal.SIGHUP)
        proxy.says("read again")
        # The old name leads nowhere now, and the new one does.
        gone = Child([args.connect, f"ws://127.0.0.1:{servers.places['proxy']}/ours"], servers.out / "connect/gone.log", stdin=True)
        gone.end_input()
        require(gone.wait(PATIENCE) == 4, "the old route is still there")
        renamed = Connect(args.connect, Way("", "ws://127.0.0.1:{proxy}/renamed"), servers.places, servers.out / "connect/renamed.log", *MORE(servers))
        follow(renamed)
        open_one.send("after")
        require(open_one.line(PATIENCE) == "after", "no echo after")
        proxy.signal(signal.SIGTERM)
        require(proxy.child.wait(PATIENCE) == 0, "the proxy did not end well")
        open_one.wait(PATIENCE)
    said = log.read_text("utf-8", "replace")
    require("1012" in said and "back at once" in said, f"the client was not told: {said[-300:]}")
    proxy.says("1 closed, 0 cut off")
    proxy.says("drained")


def MORE(servers: Servers) -> tuple[str, ...]:
    return ("--verbose", "--file", str(servers.out / "large"), "--close", "4000:done")


def main() -> int:
    args = arguments()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    (out / "large").write_bytes(LARGE_BINARY)
    servers = Servers(args, out)
    proxy = Proxy(args, servers)
    passed = failed = left_out = 0
    steps: list[tuple[str, Callable[[], None] | None]] = [("started by flags", lambda: starts_as_its_help_says(args, servers))]
    for row in ways():
        log = out / "connect" / f"{re.sub('[^a-zA-Z0-9]+', '-', row.name)}.log"
        try:
            run = Connect(args.connect, row, servers.places, log, *MORE(servers))
        except KeyError:
            # tests/run has said which server is missing.
            left_out += 1
            continue
        steps.append((row.name, lambda run=run: follow(run)))
    steps.append(("wrong configurations", lambda: says_what_is_wrong(args, servers)))
    steps.append(("reload and drain", lambda: reloads_and_drains(args, servers, proxy)))
    for name, step in steps:
        if args.only and args.only not in name:
            continue
        began = time.monotonic()
        try:
            step()
            passed += 1
            print(f"  ok   {name} ({time.monotonic() - began:.1f} s)")
        except (AssertionError, Ended) as error:
            failed += 1
            print(f"  FAIL {name}: {error}")
            print("\n".join(f"    {line[:300]}" for line in proxy.child.tail().splitlines()[-6:]))
    Child.stop_all()
    if left_out:
        print(f"  {left_out} ways left out, whose servers are not here")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", required=True, metavar="BIN", help="ws-proxy")
    parser.add_argument("--connect", required=True, metavar="BIN", help="the example, built with all that it can")
    parser.add_argument("--echo", required=True, metavar="BIN", help="the example")
    parser.add_argument("--python", required=True, metavar="BIN", help="a Python that has `websockets`")
    parser.add_argument("--node", metavar="BIN", help="Node")
    parser.add_argument("--node-modules", default="", metavar="DIR", help="where Node finds `ws`")
    parser.add_argument("--nginx", metavar="BIN")
    parser.add_argument("--haproxy", metavar="BIN")
    parser.add_argument("--only", metavar="WORDS", help="the steps whose names hold these")
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "target/proxy", help="logs go here")
    return parser.parse_args()


# It stands before the proxy, and behind it: there with TLS that asks for a certificate, too.
NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
user {user};
events {{ worker_connections 256; }}
http {{
  access_log off;
  {temps}
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection upgrade;
  server {{ listen 127.0.0.1:{front_nginx}; location / {{ proxy_pass http://127.0.0.1:{proxy}; }} }}
  server {{ listen 127.0.0.1:{nginx}; location / {{ proxy_pass http://127.0.0.1:{ours}; }} }}
  server {{
    listen 127.0.0.1:{mtls} ssl;
    ssl_certificate {good.cert};
    ssl_certificate_key {good.key};
    ssl_verify_client on;
    ssl_client_certificate {ca};
    location / {{ proxy_pass http://127.0.0.1:{ours}; }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{front_haproxy}
  default_backend proxy
frontend front_h2
  bind 127.0.0.1:{front_haproxy_h2} ssl crt {good.both} alpn h2,http/1.1
  default_backend proxy
frontend front_v1
  bind 127.0.0.1:{front_proxy_v1}
  default_backend proxy_v1
frontend front_v2
  bind 127.0.0.1:{front_proxy_v2}
  default_backend proxy_v2
backend proxy
  server proxy 127.0.0.1:{proxy}
backend proxy_v1
  server proxy 127.0.0.1:{proxy_header} send-proxy
backend proxy_v2
  server proxy 127.0.0.1:{proxy_header} send-proxy-v2
frontend plain
  bind 127.0.0.1:{haproxy}
  default_backend echo
frontend h2
  bind 127.0.0.1:{h2} ssl crt {good.both} alpn h2,http/1.1
  default_backend echo
frontend with_header
  bind 127.0.0.1:{proxy_v1} accept-proxy
  default_backend echo
backend echo
  server echo 127.0.0.1:{ours}
"""


if __name__ == "__main__":
    sys.exit(main())
