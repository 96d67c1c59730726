"""Starts what stands between a client and a server: servers of TLS, proxies, and servers that do not answer as they should.

Every server adds the ports it listens on to `places`, under the names by which `table.py` calls them.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import re
import socket
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from certificates import Certificates  # noqa: E402
from process import Child, free_port, wait_for_port  # noqa: E402

PATIENCE = 20.0
USER, PASSWORD = "ali", "open-sesame"


class Servers:
    """All servers that can be had here, and where they are."""

    def __init__(self, args: argparse.Namespace, out: Path):
        self.out = out
        self.certificates = Certificates(out)
        certificates = self.certificates
        self.places: dict[str, object] = {
            "ca": certificates.ca,
            "client_cert": certificates.client.cert,
            "client_key": certificates.client.key,
            "user": USER,
            "password": PASSWORD,
        }
        self._waiting: list[tuple[int, Child]] = []
        self._peer("echo", [args.echo, "--listen", "127.0.0.1:0", "--deflate"])
        passing = [args.echo, "--listen", f"127.0.0.1:{self._port('passing')}"]
        self.passing = lambda: Child(passing, out / "passing.log")
        self._oddities()
        if args.python:
            script = str(HERE / "echo_websockets.py")
            self._peer("python", [args.python, script])
            self._peer("python_tls", [args.python, script, certificates.good.cert, certificates.good.key])
        if args.node:
            script, env = str(HERE / "echo_ws.cjs"), {"NODE_PATH": args.node_modules}
            self._peer("node", [args.node, script], env)
            self._peer("node_tls", [args.node, script, certificates.good.cert, certificates.good.key], env)
        if args.gorilla:
            self._peer("gorilla", [args.gorilla, "echo", "-listen", "127.0.0.1:0"])
        if args.nginx:
            self._nginx(args.nginx)
        if args.haproxy:
            self._haproxy(args.haproxy)
        if args.tinyproxy:
            self._tinyproxy(args.tinyproxy)
        if args.squid:
            self._squid(args.squid)
        if args.microsocks:
            self._microsocks(args.microsocks)
        for port, child in self._waiting:
            wait_for_port(port, child, PATIENCE)

    def _port(self, name: str) -> int:
        self.places[name] = port = free_port()
        return port

    def _write(self, name: str, text: str) -> Path:
        path = self.out / name
        path.write_text(text)
        return path

    def _start(self, name: str, command: list[object], *ports: int) -> None:
        """Starts a server whose ports were chosen here."""
        child = Child(command, self.out / f"{name}.log")
        self._waiting.extend((port, child) for port in ports)

    def _peer(self, name: str, command: list[object], env: dict[str, str] | None = None) -> None:
        """Starts a server that chooses its port and prints it, in digits of four or more."""
        child = Child(command, self.out / f"{name}.log", stdin=True, env=env)
        self.places[name] = int(re.search(r"(?<!\d)\d{4,5}(?!\d)", child.line(PATIENCE)).group())

    def _oddities(self) -> None:
        """Ports that nobody listens on, where nobody speaks, or somebody speaks something else."""
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))
        # Kept bound, so that nobody else is given the port.
        self._nobody = nobody
        self.places["nobody"] = nobody.getsockname()[1]
        for name, greeting in (("silent", b""), ("ssh", b"SSH-2.0-OpenSSH_9.2\r\n")):
            listener = socket.create_server(("127.0.0.1", 0))
            self.places[name] = listener.getsockname()[1]
            threading.Thread(target=greet, args=(listener, greeting), daemon=True).start()

    def _nginx(self, binary: str) -> None:
        certificates = self.certificates
        tls = {
            "nginx_tls": ("ssl", certificates.good, ""),
            "nginx_h2": ("ssl http2", certificates.good, ""),
            "nginx_client": ("ssl", certificates.good, f"ssl_verify_client on; ssl_client_certificate {certificates.ca};"),
            # OpenSSL does not speak the old versions unless its own level of security is lowered for them.
            "nginx_old": ("ssl", certificates.good, "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"),
            "nginx_wrong_name": ("ssl", certificates.wrong_name, ""),
            "nginx_expired": ("ssl", certificates.expired, ""),
            "nginx_unknown": ("ssl", certificates.unknown, ""),
        }
        # Not under `out`: the path of a socket has room for a hundred bytes.
        self._sockets = tempfile.TemporaryDirectory()
        self.places["socket"] = path = Path(self._sockets.name) / "nginx"
        servers = [f"server {{ {listen(self._port('nginx'))} listen unix:{path}; include {self.out}/locations.conf; }}"]
        for name, (kind, certificate, more) in tls.items():
            servers.append(
                f"server {{ {listen(self._port(name), kind)} ssl_certificate {certificate.cert};"
                f" ssl_certificate_key {certificate.key}; {more} include {self.out}/locations.conf; }}"
            )
        self._write("locations.conf", NGINX_LOCATIONS.format(**self.places))
        temps = " ".join(
            f"{kind}_temp_path {self.out}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = self._write("nginx.conf", NGINX.format(user=getpass.getuser(), temps=temps, servers="\n".join(servers)))
        command = [binary, "-p", self.out, "-e", "stderr", "-c", config]
        self._start("nginx", command, self.places["nginx"], *(self.places[name] for name in tls))

    def _haproxy(self, binary: str) -> None:
        certificates = self.certificates
        h2, client = self._port("haproxy_h2"), self._port("haproxy_client")
        config = HAPROXY.format(
            h2=h2, client=client, cert=certificates.good.both, ca=certificates.ca, echo=self.places["echo"]
        )
        self._start("haproxy", [binary, "-db", "-f", self._write("haproxy.cfg", config)], h2, client)

    def _tinyproxy(self, binary: str) -> None:
        for name, more in (
            ("tinyproxy", ""),
            ("tinyproxy_auth", f"BasicAuth {USER} {PASSWORD}"),
            # Lets nobody through to a port of ours.
            ("tinyproxy_narrow", "ConnectPort 443"),
        ):
            port = self._port(name)
            config = self._write(f"{name}.conf", TINYPROXY.format(port=port, more=more))
            self._start(name, [binary, "-d", "-c", config], port)

    def _squid(self, binary: str) -> None:
        certificates = self.certificates
        ports = [self._port(name) for name in ("squid", "squid_auth", "squid_tls", "squid_tls_auth", "squid_wrong_name")]
        passwords = self._write("passwords", f"{USER}:{hashlib.md5(PASSWORD.encode()).hexdigest()}\n")
        config = SQUID.format(good=certificates.good, wrong_name=certificates.wrong_name, passwords=passwords, **self.places)
        self._start("squid", [binary, "-N", "-d", "1", "-f", self._write("squid.conf", config)], *ports)

    def _microsocks(self, binary: str) -> None:
        socks, auth = self._port("socks"), self._port("socks_auth")
        self._start("socks", [binary, "-i", "127.0.0.1", "-p", str(socks)], socks)
        self._start("socks_auth", [binary, "-i", "127.0.0.1", "-p", str(auth), "-u", USER, "-P", PASSWORD], auth)


def greet(listener: socket.socket, greeting: bytes) -> None:
    held = []
    while True:
        connection, _ = listener.accept()
        connection.sendall(greeting)
        # Never closed: that would be an answer.
        held.append(connection)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
            return True
    except OSError:
        return False


def listen(port: int, kind: str = "") -> str:
    """nginx's words for both loopbacks: `localhost` is either."""
    addresses = ["127.0.0.1", "[::1]"] if has_ipv6() else ["127.0.0.1"]
    return " ".join(f"listen {address}:{port} {kind};" for address in addresses)


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
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  {servers}
}}
"""

NGINX_LOCATIONS = """
location /ws {{
  proxy_pass http://127.0.0.1:{echo};
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
}}
# What happens when nobody told nginx of WebSockets.
location /forgotten {{ proxy_pass http://127.0.0.1:{echo}/ws; }}
location /upstream-down {{ proxy_pass http://127.0.0.1:{nobody}; }}
location /ok {{ return 200 "a page, no WebSocket"; }}
location /missing {{ return 404; }}
location /busy {{ return 503 "come back later"; }}
location /private {{ auth_basic "private"; auth_basic_user_file /dev/null; }}
location /moved {{ return 302 /ws; }}
location /round {{ return 302 /round; }}
location /secure {{ return 302 https://localhost:{nginx_tls}/ws; }}
location /insecure {{ return 302 http://localhost:{nginx}/ws; }}
location /sign-in {{ add_header Set-Cookie "session=members; Path=/"; return 302 /members; }}
location /members {{
  if ($cookie_session != members) {{ return 403; }}
  rewrite ^ /ws last;
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend h2
  bind 127.0.0.1:{h2} ssl crt {cert} alpn h2,http/1.1
  default_backend echo
frontend client
  bind 127.0.0.1:{client} ssl crt {cert} ca-file {ca} verify required
  default_backend echo
backend echo
  server echo 127.0.0.1:{echo}
"""

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 60
MaxClients 100
{more}
"""

SQUID = """
http_port 127.0.0.1:{squid} name=open
http_port 127.0.0.1:{squid_auth}
https_port 127.0.0.1:{squid_tls} name=open_tls tls-cert={good.cert} tls-key={good.key}
https_port 127.0.0.1:{squid_tls_auth} tls-cert={good.cert} tls-key={good.key}
https_port 127.0.0.1:{squid_wrong_name} name=wrong_name tls-cert={wrong_name.cert} tls-key={wrong_name.key}
auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}
auth_param basic children 1
auth_param basic realm proxy
acl open myportname open open_tls wrong_name
acl known proxy_auth REQUIRED
http_access allow open
http_access allow known
http_access deny all
cache deny all
access_log none
cache_log /dev/null
cache_store_log none
netdb_filename none
pid_filename none
pinger_enable off
visible_hostname localhost
shutdown_lifetime 0 seconds
"""
