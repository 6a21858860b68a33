"""A real node in its own process, on free ports, and the HTTP side of talking to it."""

import asyncio
import base64
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "target" / "debug" / "tillside"

# The key of development mode, which the node accepts on loopback only (signaling/src/config.rs).
KEY = "dev"
SECRET = "tillside development key: everybody knows it"
TENANT = "demo"

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10


@dataclass
class Answer:
    """An HTTP answer, its headers' names in lower case."""

    status: int
    headers: dict
    text: str

    def json(self):
        return json.loads(self.text)


class Node:
    """Started by the constructor; `stop` must be called."""

    def __init__(self, *settings):
        self.tcp_port = free_tcp_port()
        free = ["signaling.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0", "media.udp_port_base=0"]
        # Many clients come from one address here.
        roomy = ["limits.joins_per_second_per_address=1000", "limits.greetings_per_address=100", "limits.drain_s=0"]
        sets = [*free, *roomy, f"media.tcp_port={self.tcp_port}", "log.format=json", *settings]
        command = [str(BINARY), "serve", "--dev", *(word for setting in sets for word in ("--set", setting))]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log = []
        # Read to the end: a full pipe would stop the node.
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.reader.start()
        up = self._wait_until_up()
        self.http, self.admin = up["http"], up["admin"]

    def _wait_until_up(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log:
                fields = json.loads(line).get("fields", {}) if line.startswith("{") else {}
                if fields.get("message") == "node is up":
                    return fields
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError("the node did not start:\n" + "".join(self.log))

    def stop(self):
        """Ends the node, which must end well."""
        self.process.terminate()
        try:
            code = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join()
        self.process.stderr.close()
        assert code == 0, f"the node ended with {code}:\n" + "".join(self.log[-20:])

    async def request(self, method, path, headers=None, body=None, to=None):
        """One HTTP request; without blocking the media of this process."""
        return await asyncio.to_thread(exchange, to or self.http, method, path, headers or {}, body)

    async def sdp(self, path, token, offer):
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
        return await self.request("POST", path, headers, offer)

    async def token(self, role="agent", publish=("microphone", "camera"), room=None):
        """A token as a store's back end gets it: by REST, with the API key."""
        grants = {"publish": list(publish)} | ({"room": room} if room else {})
        body = json.dumps({"sub": "interop", "name": "Interop", "role": role, "grants": grants})
        headers = {"Content-Type": "application/json", "Authorization": basic(KEY, SECRET)}
        answer = await self.request("POST", "/v1/tokens", headers, body)
        assert answer.status == 201, answer
        return answer.json()["token"]

    async def room(self, room):
        """What the store's back end is told of a room: the HTTP answer."""
        return await self.request("GET", f"/v1/rooms/{room}", {"Authorization": basic(KEY, SECRET)})

    async def metric(self, name):
        """The sum of a metric over its labels; media is counted in once a second."""
        answer = await self.request("GET", "/metrics", to=self.admin)
        values = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\d+)", answer.text, re.MULTILINE)
        assert values, f"there is no metric {name}"
        return sum(map(int, values))

    async def metric_above(self, name, floor, patience_s=10):
        """Waits until a metric is above `floor`."""
        async with asyncio.timeout(patience_s):
            while await self.metric(name) <= floor:
                await asyncio.sleep(0.2)


def exchange(address, method, path, headers, body):
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
    finally:
        connection.close()


def signed_token(secret=SECRET, **claims):
    """A token as a store signs it itself (HS256), with any claim replaced."""
    now = int(time.time())
    grants = {"room": "show", "publish": ["microphone", "camera"]}
    usual = {"iss": KEY, "sub": "interop", "nbf": now - 7200, "exp": now + 3600, "jti": "t_interop"}
    usual |= {"tenant": TENANT, "name": "Interop", "role": "agent", "grants": grants}
    parts = [{"alg": "HS256", "typ": "JWT", "kid": KEY}, usual | claims]
    text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    return f"{text}.{base64url(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def free_tcp_port():
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


def candidates(answer_sdp, protocol):
    """Addresses that an SDP answer names, as (host, port)."""
    lines = re.findall(r"^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+) ", answer_sdp, re.MULTILINE)
    return [(host, int(port)) for kind, host, port in lines if kind.lower() == protocol]
