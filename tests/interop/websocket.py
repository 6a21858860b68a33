"""The little of RFC 6455 that a rude client needs: any frame can be sent, well-formed or not."""

import asyncio
import base64
import json
import os
import struct

TEXT, BINARY, CLOSE = 1, 2, 8


class WebSocket:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, node, origin=None):
        """The status of the upgrade, and the socket if it was 101."""
        reader, writer = await asyncio.open_connection(*node.http.rsplit(":", 1))
        key = base64.b64encode(os.urandom(16)).decode()
        headers = ["GET /v1/ws HTTP/1.1", f"Host: {node.http}", "Connection: Upgrade", "Upgrade: websocket"]
        headers += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        headers += [f"Origin: {origin}"] if origin else []
        writer.write("\r\n".join([*headers, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        if status != 101:
            writer.close()
            return status, None
        return status, cls(reader, writer)

    async def send(self, payload, opcode=TEXT):
        """One whole frame, masked as a client must (§5.3)."""
        payload = json.dumps(payload) if isinstance(payload, dict) else payload
        payload = payload.encode() if isinstance(payload, str) else payload
        length = len(payload)
        if length < 126:
            head = bytes([0x80 | opcode, 0x80 | length])
        elif length < 65536:
            head = bytes([0x80 | opcode, 0x80 | 126]) + struct.pack("!H", length)
        else:
            head = bytes([0x80 | opcode, 0x80 | 127]) + struct.pack("!Q", length)
        # The mask may be anything (§5.3); that of zeros leaves the payload as it is.
        self.writer.write(head + bytes(4) + payload)
        await self.writer.drain()

    async def receive(self):
        """The next frame as (opcode, payload); (CLOSE, b"") if the connection just ends."""
        try:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length >= 126:
                size = 2 if length == 126 else 8
                length = int.from_bytes(await self.reader.readexactly(size), "big")
            return first & 0x0F, await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return CLOSE, b""

    async def message(self, kind):
        """The next message of a kind; others before it are passed over."""
        while True:
            opcode, payload = await self.receive()
            assert opcode != CLOSE, f"closed ({payload!r}) instead of {kind}"
            if opcode == TEXT and json.loads(payload)["t"] == kind:
                return json.loads(payload)

    async def closed(self):
        """Waits for the end; its code (§7.4), or None if none was given."""
        while True:
            opcode, payload = await self.receive()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big") or None

    def drop(self):
        self.writer.close()
