"""Whatever strangers and broken clients send gets its documented answer, or none, and a call beside it goes on."""

import asyncio
import json
import random
import socket
import unittest

from clients import Player, Publisher
from node import KEY, SECRET, Node, basic, candidates, signed_token
from websocket import BINARY, WebSocket

FOREIGN = "https://evil.example"
# Claims of a token that was good in 2023.
EXPIRED = {"nbf": 1_699_990_000, "exp": 1_700_000_000}
# The length of the longest frame that RFC 4571 §2 can express; no message to the node is so long.
LONGEST = b"\xff\xff"


def setUpModule():
    global node
    node = Node("signaling.hello_timeout_ms=1000")
    unittest.addModuleCleanup(node.stop)


def bearer(token):
    return {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}


class Abuse(unittest.IsolatedAsyncioTestCase):
    """Every test runs beside a call, which must play on while it lasts and afterwards."""

    async def asyncSetUp(self):
        token = await node.token(room="call")
        self.publisher = Publisher(node, token)
        self.addAsyncCleanup(self.publisher.close)
        await self.publisher.start("call")
        self.player = Player(node, token)
        self.addAsyncCleanup(self.player.close)
        await self.player.start("call")
        await self.player.more(10)
        self.watch = asyncio.create_task(self.watch_call())

    async def watch_call(self):
        while True:
            await self.player.more(5, patience_s=10)

    async def asyncTearDown(self):
        await self.player.more(20)
        if self.watch.done():
            self.watch.result()
        self.watch.cancel()
        self.assertEqual(await self.player.delete(), 200)
        self.assertEqual(await self.publisher.delete(), 200)
        self.assertEqual(await node.metric("tillside_panics_total"), 0)

    async def test_http_requests_get_the_documented_status(self):
        show, anywhere = await node.token(room="show"), await node.token()
        silent = await node.token(room="show", publish=())
        observer = await node.token(room="show", role="observer", publish=())
        offer = self.publisher.connection.localDescription.sdp
        receiving = offer.replace("a=sendonly", "a=recvonly")
        sdp, json_type = {"Content-Type": "application/sdp"}, {"Content-Type": "application/json"}
        expired = signed_token(**EXPIRED)
        key = json_type | {"Authorization": basic(KEY, SECRET)}
        whip, whep = "/v1/whip/show", "/v1/whep/show"
        cases = [
            ("no SDP", 422, whip, bearer(show), "hello"),
            ("empty", 422, whip, bearer(show), ""),
            ("not text", 422, whip, bearer(show), b"v=0\r\n\xff\xfe"),
            ("cut off", 422, whip, bearer(show), offer[: len(offer) // 3]),
            ("unencrypted", 422, whip, bearer(show), offer.replace("UDP/TLS/RTP/SAVPF", "RTP/AVPF")),
            ("sends nothing", 422, whip, bearer(show), receiving),
            ("too large", 413, whip, bearer(show), offer + "a=x\r\n" * 200_000),
            ("another type", 415, whip, bearer(show) | {"Content-Type": "text/plain"}, offer),
            ("no type", 415, whip, {"Authorization": f"Bearer {show}"}, offer),
            ("no token", 401, whip, sdp, offer),
            ("no JWT", 401, whip, bearer("x.y.z"), offer),
            ("signed by another", 401, whip, bearer(signed_token("another secret of the same length")), offer),
            ("expired", 401, whip, bearer(expired), offer),
            ("not yet valid", 401, whip, bearer(signed_token(nbf=4_000_000_000, exp=4_000_003_600)), offer),
            ("another tenant", 401, whip, bearer(signed_token(tenant="other")), offer),
            ("may not publish", 403, whip, bearer(silent), offer),
            ("an observer", 403, whip, bearer(observer), offer),
            ("token of another room", 403, "/v1/whip/other", bearer(show), offer),
            ("unknown room", 404, "/v1/whip/nowhere", bearer(anywhere), offer),
            ("unknown room to play", 404, "/v1/whep/nowhere", bearer(anywhere), receiving),
            ("foreign page", 403, whip, bearer(show) | {"Origin": FOREIGN}, offer),
            ("no token to play", 401, whep, sdp, receiving),
            ("expired to play", 401, whep, bearer(expired), receiving),
            ("no key", 401, "/v1/tokens", json_type, "{}"),
            ("wrong key", 401, "/v1/tokens", json_type | {"Authorization": basic(KEY, "wrong")}, "{}"),
            ("no JSON", 400, "/v1/tokens", key, "{"),
            ("unknown field", 400, "/v1/rooms", key, '{"rum": "show"}'),
            ("JSON as another type", 415, "/v1/rooms", key | {"Content-Type": "text/plain"}, "{}"),
            ("no such path", 404, "/v1/nothing", key, "{}"),
        ]
        for name, status, path, headers, body in cases:
            with self.subTest(name):
                answer = await node.request("POST", path, headers, body)
                self.assertEqual(answer.status, status, answer)
                if path.startswith("/v1/wh"):
                    self.assertEqual(sorted(answer.json()), ["code", "message"])
                self.assertNotIn(show, answer.text)
        rooms = await node.request("GET", "/v1/rooms", key)
        self.assertEqual([room["room"] for room in rooms.json()["rooms"]], ["call"], "no refused request left a room")

    async def test_a_signed_token_is_as_good_as_a_minted_one(self):
        # Otherwise the refusals of signed tokens in the table above would prove nothing.
        publisher = Publisher(node, signed_token())
        self.addAsyncCleanup(publisher.close)
        await publisher.start("show")
        self.assertEqual(await publisher.delete(), 200)

    async def test_websockets_of_foreign_pages_are_refused(self):
        for origin, status in [(FOREIGN, 403), ("null", 403), ("http://localhost:1", 101), (None, 101)]:
            with self.subTest(origin):
                answered, client = await WebSocket.open(node, origin)
                self.assertEqual(answered, status)
                if client:
                    client.drop()

    async def test_a_first_frame_that_is_no_hello_ends_the_socket(self):
        join = {"t": "join", "offer": "v=0", "tracks": []}
        hello = {"t": "hello", "v": [1], "token": signed_token(**EXPIRED)}
        cases = [
            ("not JSON", "{", "malformed"),
            ("an array", "[1]", "malformed"),
            ("unknown type", {"t": "dance"}, "unknown_type"),
            ("no hello", join, "out_of_order"),
            ("no token", {"t": "hello", "v": [1]}, "malformed"),
            ("expired token", hello, "unauthorized"),
            ("another version", hello | {"v": [99], "token": signed_token()}, "version"),
        ]
        for name, frame, code in cases:
            with self.subTest(name):
                _, client = await WebSocket.open(node)
                await client.send(frame)
                self.assertEqual((await client.message("error"))["code"], code)
                await client.message("bye")
                self.assertIsNotNone(await client.closed())
                client.drop()

    async def test_frames_that_cannot_be_read_are_answered(self):
        _, client = await WebSocket.open(node)
        await client.send({"t": "hello", "v": [1], "token": signed_token()})
        await client.message("welcome")
        deep = '{"t":"ready","x":' + "[" * 5000 + "]" * 5000 + "}"
        cases = [("{", "malformed"), ('{"t":"dance"}', "unknown_type"), ('{"t":7}', "malformed"), (deep, "malformed")]
        for frame, code in cases:
            with self.subTest(frame[:20]):
                await client.send(frame)
                self.assertEqual((await client.message("error"))["code"], code)
        await client.send(b"\x00\x01", BINARY)
        self.assertEqual((await client.message("error"))["code"], "malformed")
        await client.send(json.dumps({"t": "chat", "text": "x" * 70_000}))
        self.assertEqual(await client.closed(), 1009)
        client.drop()

    async def test_a_socket_that_says_nothing_is_closed(self):
        _, client = await WebSocket.open(node)
        self.assertEqual(await client.closed(), 1008)
        client.drop()

    async def test_garbage_datagrams_are_counted_and_not_answered(self):
        address = candidates(self.player.answer, "udp")[0]
        unknown = await node.metric("tillside_udp_unknown_source_total")
        dropped = await node.metric("tillside_rtp_drop_total")
        dice = random.Random(1)
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
        for _ in range(100):
            for sender in sockets:
                sender.sendto(garbage(dice), address)
            # Slowly enough that the node drops them, not a full buffer of the kernel.
            await asyncio.sleep(0.01)
        await node.metric_above("tillside_udp_unknown_source_total", unknown + 400)
        await node.metric_above("tillside_rtp_drop_total", dropped + 400)
        for sender in sockets:
            sender.setblocking(False)
            self.assertRaises(BlockingIOError, sender.recv, 2048)
            sender.close()

    async def test_garbage_on_ice_tcp_ends_its_connection(self):
        host = candidates(self.player.answer, "udp")[0][0]
        dice = random.Random(2)
        noise = dice.randbytes(3000)
        for name, sent in [
            ("a frame too long", LONGEST + noise),
            ("frames of noise", b"".join(framed(garbage(dice)) for _ in range(50))),
            ("an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + noise),
            ("an empty frame", b"\x00\x00" * 500),
        ]:
            with self.subTest(name):
                reader, writer = await asyncio.open_connection(host, node.tcp_port)
                try:
                    writer.write(sent)
                    async with asyncio.timeout(15):
                        self.assertEqual(await reader.read(), b"", "closed without a word")
                except ConnectionResetError:
                    pass  # closed while bytes of ours were unread
                finally:
                    writer.close()


def garbage(dice):
    """A datagram that looks like something at its beginning and is nothing."""
    noise = dice.randbytes(dice.randrange(20, 1200))
    beginnings = [
        b"",  # anything
        b"\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00",  # a DTLS handshake record
        b"\x80\x60",  # RTP
        b"\x80\xc8",  # an RTCP sender report
        b"\x00\x01\x00\x08\x21\x12\xa4\x42",  # a STUN Binding request
    ]
    return dice.choice(beginnings) + noise


def framed(message):
    return len(message).to_bytes(2, "big") + message
