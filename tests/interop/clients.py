"""aiortc as a broadcaster (WHIP, RFC 9725) and as a player (WHEP)."""

import logging

from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from media import Judge, Picture, Tone

# unittest runs its event loops in debug mode, where each keyframe that takes a while to encode is a warning.
logging.getLogger("asyncio").setLevel(logging.ERROR)


class Client:
    """One peer connection and the resource that stands for it on the node."""

    def __init__(self, node, token):
        self.node = node
        self.token = token
        self.connection = RTCPeerConnection()
        self.resource = None
        self.answer = None

    async def enter(self, path):
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await self.node.sdp(path, self.token, self.connection.localDescription.sdp)
        assert answer.status == 201, answer
        assert answer.headers["content-type"] == "application/sdp", answer.headers
        self.resource, self.answer = answer.headers["location"], answer.text
        await self.connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        return self

    async def delete(self):
        """Frees the resource; returns the status."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return (await self.node.request("DELETE", self.resource, headers)).status

    async def close(self):
        await self.connection.close()


class Publisher(Client):
    """Sends a tone and a picture. `codec` is the video codec's MIME type."""

    async def start(self, room, codec="video/VP8"):
        self.connection.addTransceiver(Tone(), direction="sendonly")
        video = self.connection.addTransceiver(Picture(), direction="sendonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        video.setCodecPreferences([known_codec for known_codec in known if known_codec.mimeType == codec])
        return await self.enter(f"/v1/whip/{room}")


class Player(Client):
    """Receives one voice and one picture; `judges` has one judge for each, by kind."""

    async def start(self, room):
        self.judges = {}

        @self.connection.on("track")
        def on_track(track):
            self.judges[track.kind] = Judge(track)

        for kind in ("audio", "video"):
            self.connection.addTransceiver(kind, direction="recvonly")
        return await self.enter(f"/v1/whep/{room}")

    async def more(self, count, patience_s=30):
        """Waits until this many more good frames of both kinds have come."""
        assert sorted(self.judges) == ["audio", "video"], self.judges
        for judge in self.judges.values():
            await judge.more(count, patience_s)

    async def close(self):
        for judge in self.judges.values():
            judge.task.cancel()
        await super().close()
