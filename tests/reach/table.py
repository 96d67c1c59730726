"""The ways to a server and what must come out, each for one run of `connect`.

Names in braces are places of `servers.py`: a row is left out where its servers cannot be had.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

# The exit statuses of `connect`.
USAGE, UNREACHABLE, REFUSED = 2, 3, 4


@dataclass(frozen=True)
class Way:
    """A way that leads to an echo."""

    name: str
    url: str
    options: str = ""
    env: dict[str, str] = field(default_factory=dict)
    # What `--verbose` has to say.
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A way that leads nowhere: the status, and what a person has to be told."""

    name: str
    url: str
    status: int
    says: tuple[str, ...]
    options: str = ""
    env: dict[str, str] = field(default_factory=dict)


TRUST = "--ca {ca}"
DIRECT = [
    Way("ws, our server", "ws://127.0.0.1:{echo}/ws"),
    Way("ws, compressed", "ws://127.0.0.1:{echo}/ws", "--deflate", says=("permessage-deflate",)),
    Way("ws, a name with two addresses", "ws://localhost:{echo}/ws"),
    Way("ws, Python websockets", "ws://127.0.0.1:{python}/", "--deflate", says=("permessage-deflate",)),
    Way("ws, Node ws", "ws://127.0.0.1:{node}/", "--subprotocol a --subprotocol b", says=("subprotocol b",)),
    Way("ws, gorilla", "ws://127.0.0.1:{gorilla}/"),
    Way("ws, nginx before our server", "ws://localhost:{nginx}/ws"),
    Way("ws, a Unix socket of nginx", "ws://localhost/ws", "--unix {socket}"),
    Way("http:// for ws://", "http://localhost:{nginx}/ws"),
    Way("ws, a redirect that sets a cookie", "ws://localhost:{nginx}/sign-in", "--redirects 1", says=("/members",)),
    Way("wss, a redirect from ws", "ws://localhost:{nginx}/secure", f"{TRUST} --redirects 3", says=("wss://localhost:{nginx_tls}/ws",)),
    Way("wss, nginx", "wss://localhost:{nginx_tls}/ws", TRUST, says=("TLS",)),
    Way("wss, nginx, by address", "wss://127.0.0.1:{nginx_tls}/ws", TRUST),
    Way("https:// for wss://", "https://localhost:{nginx_tls}/ws", TRUST),
    Way("wss, nginx with HTTP/2, which is not asked for", "wss://localhost:{nginx_h2}/ws", TRUST, says=("http/1.1",)),
    Way("wss, HAProxy with HTTP/2, which is not asked for", "wss://127.0.0.1:{haproxy_h2}/ws", TRUST, says=("http/1.1",)),
    Way("HTTP/2, HAProxy", "wss://127.0.0.1:{haproxy_h2}/ws", f"{TRUST} --http2", says=("HTTP/2.0", "200 OK")),
    Way("HTTP/2, HAProxy, compressed", "wss://127.0.0.1:{haproxy_h2}/ws", f"{TRUST} --http2 --deflate",
        says=("HTTP/2.0", "permessage-deflate")),
    Way("HTTP/2, nginx has no WebSockets there", "wss://localhost:{nginx_h2}/ws", f"{TRUST} --http2", says=("HTTP/1.1",)),
    Way("HTTP/2, a server without", "wss://localhost:{nginx_tls}/ws", f"{TRUST} --http2", says=("HTTP/1.1",)),
    Way("HTTP/2, a server without TLS", "ws://localhost:{nginx}/ws", "--http2", says=("HTTP/1.1",)),
    Way("wss, Python websockets", "wss://127.0.0.1:{python_tls}/", TRUST),
    Way("wss, Node ws, compressed", "wss://127.0.0.1:{node_tls}/", f"{TRUST} --deflate", says=("permessage-deflate",)),
    Way("wss, nginx wants a certificate of ours", "wss://localhost:{nginx_client}/ws",
        f"{TRUST} --cert {{client_cert}} --key {{client_key}}"),
    Way("wss, HAProxy wants a certificate of ours", "wss://127.0.0.1:{haproxy_client}/ws",
        f"{TRUST} --cert {{client_cert}} --key {{client_key}}"),
    Way("wss, any certificate", "wss://localhost:{nginx_unknown}/ws", "--insecure", says=("warning",)),
    Way("wss, any certificate, of another name", "wss://localhost:{nginx_wrong_name}/ws", "--insecure"),
]

AUTH = "{user}:{password}@127.0.0.1"
PROXY_TRUST = f"{TRUST} --proxy-ca {{ca}}"
PROXIES = {
    "tinyproxy": "--proxy http://127.0.0.1:{tinyproxy}",
    "tinyproxy with a password": f"--proxy http://{AUTH}:{{tinyproxy_auth}}",
    "squid": "--proxy http://127.0.0.1:{squid}",
    "squid with a password": f"--proxy http://{AUTH}:{{squid_auth}}",
    "squid over TLS": "--proxy https://localhost:{squid_tls} --proxy-ca {ca}",
    "squid over TLS with a password": f"--proxy https://{AUTH}:{{squid_tls_auth}} --proxy-ca {{ca}}",
    "SOCKS": "--proxy socks5h://127.0.0.1:{socks}",
    "SOCKS, the name resolved here": "--proxy socks5://127.0.0.1:{socks}",
    "SOCKS with a password": f"--proxy socks5h://{AUTH}:{{socks_auth}}",
}
PROXIED = [
    Way(f"{scheme} through {name}", url, f"{TRUST} {options}")
    for name, options in PROXIES.items()
    for scheme, url in (("ws", "ws://127.0.0.1:{nginx}/ws"), ("wss", "wss://localhost:{nginx_tls}/ws"))
]
PROXIED += [
    Way(f"HTTP/2 through {name}", "wss://127.0.0.1:{haproxy_h2}/ws", f"{TRUST} --http2 {PROXIES[name]}", says=("HTTP/2.0",))
    for name in ("tinyproxy", "squid over TLS", "SOCKS")
]
ENVIRONMENT = [
    Way("ws, HTTP_PROXY", "ws://127.0.0.1:{nginx}/ws", env={"HTTP_PROXY": "http://127.0.0.1:{squid}"}, says=("to 127.0.0.1:{squid}",)),
    Way("wss, https_proxy", "wss://localhost:{nginx_tls}/ws", TRUST, {"https_proxy": "http://127.0.0.1:{squid}"},
        ("to 127.0.0.1:{squid}",)),
    Way("wss, ALL_PROXY", "wss://localhost:{nginx_tls}/ws", TRUST, {"ALL_PROXY": "socks5h://127.0.0.1:{socks}"},
        ("to 127.0.0.1:{socks}",)),
    Way("ws, the host is in NO_PROXY", "ws://127.0.0.1:{nginx}/ws",
        env={"HTTP_PROXY": "http://127.0.0.1:{nobody}", "NO_PROXY": "127.0.0.0/8"}, says=("to 127.0.0.1:{nginx}",)),
    Way("ws, --no-proxy", "ws://127.0.0.1:{nginx}/ws", "--no-proxy", {"HTTP_PROXY": "http://127.0.0.1:{nobody}"}),
]

WAYS = [*DIRECT, *PROXIED, *ENVIRONMENT]

# Its server comes and goes.
RECONNECT = Way("ws, a server that is started again", "ws://127.0.0.1:{passing}/ws", "--reconnect", says=("next attempt",))

CERTIFICATES = {
    # What is wrong with the server, its place, and the word that tells.
    "a certificate of another name": ("nginx_wrong_name", "name"),
    "an expired certificate": ("nginx_expired", "expired"),
    "a certificate of an unknown authority": ("nginx_unknown", "issuer"),
    "only old versions of TLS": ("nginx_old", "version"),
    "no TLS": ("nginx", "ws://"),
}
PATHS = {
    "directly": "",
    "through CONNECT": PROXIES["tinyproxy"],
    "through a proxy over TLS": PROXIES["squid over TLS"],
    "through SOCKS": PROXIES["SOCKS"],
}

TLS_FAILURES = [
    Failure(f"{what}, {how}", f"wss://localhost:{{{place}}}/ws", UNREACHABLE, ("TLS with localhost", word), f"{TRUST} {options}")
    for (what, (place, word)), (how, options) in itertools.product(CERTIFICATES.items(), PATHS.items())
]

FAILURES = [
    *TLS_FAILURES,
    Failure("an authority that the system does not know", "wss://localhost:{nginx_tls}/ws", UNREACHABLE, ("issuer", "--ca")),
    Failure("an authority that Mozilla does not know", "wss://localhost:{nginx_tls}/ws", UNREACHABLE, ("issuer",),
            "--webpki-roots"),
    Failure("nginx wants a certificate, and there is none", "wss://localhost:{nginx_client}/ws", REFUSED,
            ("400", "No required SSL certificate was sent"), TRUST),
    Failure("HAProxy wants a certificate, and there is none", "wss://127.0.0.1:{haproxy_client}/ws", UNREACHABLE,
            ("certificate", "required"), TRUST),
    Failure("ws:// to a port of TLS", "ws://localhost:{nginx_tls}/ws", REFUSED, ("400", "sent to HTTPS port")),
    Failure("a file of certificates that holds none", "wss://localhost:{nginx_tls}/ws", USAGE, ("no certificate",),
            "--ca {client_key}"),

    Failure("a name without an address", "ws://nothing.invalid/ws", UNREACHABLE, ("address", "nothing.invalid")),
    Failure("a port that nobody listens on", "ws://127.0.0.1:{nobody}/ws", UNREACHABLE, ("127.0.0.1:{nobody}", "refused")),
    Failure("a socket that is not there", "ws://localhost/ws", UNREACHABLE, ("/nowhere", "No such file"), "--unix /nowhere"),
    Failure("a server that says nothing", "ws://127.0.0.1:{silent}/ws", UNREACHABLE,
            ("timed out", "response", "127.0.0.1:{silent}"), "--timeout 0.5"),
    Failure("a server that says nothing to TLS", "wss://127.0.0.1:{silent}/ws", UNREACHABLE,
            ("timed out", "TLS"), "--timeout 0.5"),
    Failure("a server of something else", "ws://127.0.0.1:{ssh}/ws", UNREACHABLE, ("no HTTP/1.1", "check the port")),

    Failure("a page", "ws://localhost:{nginx}/ok", REFUSED, ("200", "check the path", "a page, no WebSocket")),
    Failure("a path that is not there", "ws://localhost:{nginx}/missing", REFUSED, ("404", "check the path")),
    Failure("a server that is busy", "ws://localhost:{nginx}/busy", REFUSED, ("503", "come back later")),
    Failure("a server that wants to know who asks", "ws://localhost:{nginx}/private", REFUSED, ("401", "credentials")),
    Failure("a redirect", "ws://localhost:{nginx}/moved", REFUSED, ("302", "/ws", "--redirects")),
    Failure("a redirect without the cookie", "ws://localhost:{nginx}/members", REFUSED, ("403",)),
    Failure("a redirect that leads back", "ws://localhost:{nginx}/round", REFUSED, ("too many",), "--redirects 5"),
    Failure("a redirect that leaves TLS", "wss://localhost:{nginx_tls}/insecure", REFUSED, ("TLS",), f"{TRUST} --redirects 5"),
    Failure("a server behind nginx that is down", "ws://localhost:{nginx}/upstream-down", REFUSED, ("502",)),
    Failure("nginx that does not know WebSockets", "ws://localhost:{nginx}/forgotten", REFUSED, ("400",)),
    Failure("an origin that is not allowed", "ws://127.0.0.1:{echo}/ws", REFUSED, ("403", "Origin"),
            "--origin http://elsewhere.example"),

    Failure("a path that is not there, over HTTP/2", "wss://127.0.0.1:{haproxy_h2}/nowhere", REFUSED, ("404", "check the path"),
            f"{TRUST} --http2"),

    Failure("a URL without a scheme", "localhost:{nginx}/ws", USAGE, ("ws://",)),
    Failure("a header of the handshake", "ws://127.0.0.1:{echo}/ws", USAGE, ("upgrade", "belongs to the handshake"),
            "--header upgrade:h2c"),

    Failure("a proxy that is not there", "ws://localhost:{nginx}/ws", UNREACHABLE,
            ("proxy 127.0.0.1:{nobody}", "localhost:{nginx}", "refused"), "--proxy http://127.0.0.1:{nobody}"),
    Failure("a proxy without an address", "ws://localhost:{nginx}/ws", UNREACHABLE, ("address", "nothing.invalid"),
            "--proxy http://nothing.invalid:3128"),
    Failure("a proxy that says nothing", "ws://localhost:{nginx}/ws", UNREACHABLE,
            ("timed out", "proxy", "127.0.0.1:{silent}"), "--timeout 0.5 --proxy http://127.0.0.1:{silent}"),
    Failure("a SOCKS proxy that says nothing", "ws://localhost:{nginx}/ws", UNREACHABLE,
            ("timed out", "proxy", "127.0.0.1:{silent}"), "--timeout 0.5 --proxy socks5h://127.0.0.1:{silent}"),
    Failure("a proxy that speaks something else", "ws://localhost:{nginx}/ws", UNREACHABLE,
            ("proxy 127.0.0.1:{ssh}", "no HTTP/1.1"), "--proxy http://127.0.0.1:{ssh}"),
    Failure("a SOCKS proxy that speaks something else", "ws://localhost:{nginx}/ws", REFUSED,
            ("127.0.0.1:{ssh}", "no SOCKS5"), "--proxy socks5h://127.0.0.1:{ssh}"),
    Failure("a proxy that is a web server", "ws://localhost:{nginx}/ws", REFUSED, ("127.0.0.1:{echo}", "check"),
            "--proxy http://127.0.0.1:{echo}"),
    Failure("http:// to a proxy over TLS", "ws://localhost:{nginx}/ws", UNREACHABLE, ("127.0.0.1:{squid_tls}", "https://"),
            "--proxy http://127.0.0.1:{squid_tls}"),
    Failure("https:// to a proxy without TLS", "ws://localhost:{nginx}/ws", UNREACHABLE, ("TLS with proxy", "http://"),
            "--proxy https://localhost:{squid} --proxy-ca {ca}"),
    Failure("a proxy whose certificate has another name", "wss://localhost:{nginx_tls}/ws", UNREACHABLE,
            ("TLS with proxy localhost:{squid_wrong_name}", "name"),
            f"{TRUST} --proxy https://localhost:{{squid_wrong_name}} --proxy-ca {{ca}}"),
    Failure("a proxy of an authority that is trusted for the server only", "wss://localhost:{nginx_tls}/ws", UNREACHABLE,
            ("TLS with proxy", "issuer"), f"{TRUST} --proxy https://localhost:{{squid_tls}}"),
    Failure("tinyproxy wants a password, and there is none", "ws://localhost:{nginx}/ws", REFUSED,
            ("proxy 127.0.0.1:{tinyproxy_auth}", "credentials"), "--proxy http://127.0.0.1:{tinyproxy_auth}"),
    Failure("squid wants a password, and there is none", "wss://localhost:{nginx_tls}/ws", REFUSED,
            ("proxy 127.0.0.1:{squid_auth}", "407", "credentials"), "--proxy http://127.0.0.1:{squid_auth}"),
    Failure("squid wants another password", "wss://localhost:{nginx_tls}/ws", REFUSED,
            ("407", "credentials"), "--proxy http://{user}:wrong@127.0.0.1:{squid_auth}"),
    Failure("squid over TLS wants a password, and there is none", "wss://localhost:{nginx_tls}/ws", REFUSED,
            ("407", "credentials"), "--proxy https://localhost:{squid_tls_auth} --proxy-ca {ca}"),
    Failure("SOCKS wants a password, and there is none", "ws://localhost:{nginx}/ws", REFUSED,
            ("proxy 127.0.0.1:{socks_auth}", "credentials"), "--proxy socks5h://127.0.0.1:{socks_auth}"),
    Failure("SOCKS wants another password", "ws://localhost:{nginx}/ws", REFUSED,
            ("proxy 127.0.0.1:{socks_auth}", "password is wrong"), "--proxy socks5h://{user}:wrong@127.0.0.1:{socks_auth}"),
    Failure("a port that the proxy does not allow", "ws://localhost:{nginx}/ws", REFUSED,
            ("proxy 127.0.0.1:{tinyproxy_narrow}", "403", "port"), "--proxy http://127.0.0.1:{tinyproxy_narrow}"),
    Failure("a server that is down behind tinyproxy", "ws://127.0.0.1:{nobody}/ws", REFUSED,
            ("proxy 127.0.0.1:{tinyproxy}", "127.0.0.1:{nobody}", "500"), PROXIES["tinyproxy"]),
    Failure("a server that is down behind squid", "ws://127.0.0.1:{nobody}/ws", REFUSED,
            ("proxy 127.0.0.1:{squid}", "127.0.0.1:{nobody}", "could not reach"), PROXIES["squid"]),
    Failure("a server that is down behind SOCKS", "ws://127.0.0.1:{nobody}/ws", REFUSED,
            ("proxy 127.0.0.1:{socks}", "127.0.0.1:{nobody}", "refused the connection"), PROXIES["SOCKS"]),
    Failure("a name that the proxy does not know", "ws://nothing.invalid/ws", REFUSED, ("proxy", "nothing.invalid"),
            PROXIES["tinyproxy"]),
    Failure("a server that refuses behind a proxy", "ws://localhost:{nginx}/busy", REFUSED, ("503", "come back later"),
            PROXIES["squid"]),
    Failure("a proxy of the environment that is no URL", "ws://localhost:{nginx}/ws", UNREACHABLE,
            ("environment", "cannot be used"), env={"HTTP_PROXY": "gopher://127.0.0.1:1"}),
    Failure("a proxy that is no URL", "ws://localhost:{nginx}/ws", USAGE, ("--proxy",), "--proxy gopher://127.0.0.1:1"),
]
