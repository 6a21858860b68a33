"""An independent WebRTC implementation publishes by WHIP and plays by WHEP through a real node."""

import asyncio
import unittest

from clients import Client, Player, Publisher
from node import Node


def setUpModule():
    global node
    node = Node()
    unittest.addModuleCleanup(node.stop)


class Media(unittest.IsolatedAsyncioTestCase):
    async def call(self, room, codec):
        """A publisher and a player who sees and hears it."""
        token = await node.token(room=room)
        publisher = Publisher(node, token)
        self.addAsyncCleanup(publisher.close)
        await publisher.start(room, codec)
        player = Player(node, token)
        self.addAsyncCleanup(player.close)
        await player.start(room)
        await player.more(50)
        return publisher, player

    async def check_codec(self, room, codec):
        _, player = await self.call(room, codec)
        audio, video = player.judges["audio"], player.judges["video"]
        self.assertGreater(audio.good, 0.8 * audio.frames, "the tone is clean")
        self.assertGreater(video.good, 0.8 * video.frames, "the pictures are clean")
        self.assertGreater(len(video.bars), 10, "the pictures move")
        seen = f"{video.good} of {video.frames} pictures, {audio.good} of {audio.frames} frames of sound"
        print(f"{codec}: {seen} ...", end=" ", flush=True)

    async def test_vp8_and_opus(self):
        await self.check_codec("vp8", "video/VP8")

    async def test_h264_and_opus(self):
        await self.check_codec("h264", "video/H264")

    async def test_delete_frees_the_resource(self):
        publisher, player = await self.call("delete", "video/VP8")
        self.assertEqual(await player.delete(), 200)
        self.assertEqual(await player.delete(), 404)
        self.assertEqual(await publisher.delete(), 200)
        self.assertEqual(await publisher.delete(), 404)
        token = await node.token(room="elsewhere")
        stranger = Client(node, token)
        self.addAsyncCleanup(stranger.close)
        stranger.resource = publisher.resource
        self.assertEqual(await stranger.delete(), 404, "gone for everybody")

    async def test_whoever_just_closes_is_gone_too(self):
        publisher, player = await self.call("closing", "video/VP8")
        self.assertEqual(len((await node.room("closing")).json()["participants"]), 2)
        await player.close()
        await publisher.close()
        async with asyncio.timeout(10):
            while (await node.room("closing")).status != 404:
                await asyncio.sleep(0.2)
        self.assertEqual(await publisher.delete(), 404)

    async def test_a_publisher_that_comes_back_is_seen_again(self):
        publisher, player = await self.call("again", "video/VP8")
        await publisher.delete()
        await publisher.close()
        second = Publisher(node, publisher.token)
        self.addAsyncCleanup(second.close)
        await second.start("again")
        await player.more(50)
