"""Sound and pictures that can be told from silence and grey, and the judge of what arrives."""

import asyncio
import fractions
import math
import struct

from aiortc import MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame

WIDTH, HEIGHT = 320, 240
DARK, BRIGHT, BAR = 40, 200, 120
# Width of the bar that moves over both halves of the picture.
BAR_WIDTH = 16

SAMPLE_RATE = 48_000
SAMPLES = 960
TONE_HZ = 440
LOUD = 8_000


class Picture(VideoStreamTrack):
    """A dark half, a bright half, and a bar that moves."""

    def __init__(self):
        super().__init__()
        self.number = 0

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        self.number += 1
        row = bytearray(bytes([DARK]) * (WIDTH // 2) + bytes([BRIGHT]) * (WIDTH // 2))
        at = self.number * 4 % (WIDTH - BAR_WIDTH)
        row[at : at + BAR_WIDTH] = bytes([BAR]) * BAR_WIDTH
        luma, *chroma = frame.planes
        luma.update(padded(row, luma.line_size) * HEIGHT)
        for plane in chroma:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(MediaStreamTrack):
    """A sine of TONE_HZ, in packets of 20 ms."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.sent = 0
        self.start = None

    async def recv(self):
        loop = asyncio.get_running_loop()
        self.start = self.start or loop.time()
        await asyncio.sleep(self.start + self.sent / SAMPLE_RATE - loop.time())
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        wave = (math.sin(math.tau * TONE_HZ * (self.sent + n) / SAMPLE_RATE) for n in range(SAMPLES))
        frame.planes[0].update(struct.pack(f"<{SAMPLES}h", *(int(LOUD * value) for value in wave)))
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, self.sent, fractions.Fraction(1, SAMPLE_RATE)
        self.sent += SAMPLES
        return frame


class Judge:
    """Takes every frame of a received track and remembers what it looked or sounded like."""

    def __init__(self, track):
        self.kind = track.kind
        self.frames = 0
        self.good = 0
        self.bars = set()
        self.task = asyncio.ensure_future(self._take(track))

    async def _take(self, track):
        look = self._look if track.kind == "video" else self._listen
        while True:
            frame = await track.recv()
            self.frames += 1
            self.good += look(frame)

    def _look(self, frame):
        """Whether the halves are dark and bright; notes where the bar is."""
        if (frame.width, frame.height) != (WIDTH, HEIGHT):
            return False
        luma = frame.reformat(format="yuv420p").planes[0]
        row = bytes(luma)[luma.line_size * (HEIGHT // 2) :][:WIDTH]
        bar = [at for at, value in enumerate(row) if abs(value - BAR) < 25]
        if len(bar) >= BAR_WIDTH // 2:
            self.bars.add(bar[len(bar) // 2])
        dark = sum(value < 80 for value in row[: WIDTH // 2])
        bright = sum(value > 160 for value in row[WIDTH // 2 :])
        return min(dark, bright) > WIDTH // 2 - 3 * BAR_WIDTH

    def _listen(self, frame):
        """Whether it is the tone: loud enough, and about as many crossings of zero as it has."""
        channels = len(frame.layout.channels)
        samples = struct.unpack(f"<{frame.samples * channels}h", bytes(frame.planes[0])[: 2 * frame.samples * channels])
        left = samples[::channels]
        crossings = sum((before < 0) != (after < 0) for before, after in zip(left, left[1:]))
        expected = 2 * TONE_HZ * frame.samples / frame.sample_rate
        return max(left) > LOUD // 4 and abs(crossings - expected) <= 2

    async def more(self, count, patience_s=30):
        """Waits for `count` more good frames."""
        goal = self.good + count
        try:
            async with asyncio.timeout(patience_s):
                while self.good < goal:
                    if self.task.done():
                        self.task.result()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            seen = f"{self.frames} frames, {self.good} of them good; {count} more were expected"
            raise AssertionError(f"{self.kind}: {seen}") from None


def padded(row, length):
    return bytes(row) + bytes(length - len(row))
