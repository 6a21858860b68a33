//! Frames on a byte stream: two bytes of length, then a datagram (RFC 4571 §2). Pure; tested by cutting everywhere.

use std::io::{self, Read};
use std::ops::Range;

/// Longest frame read. Twice what any of our clients sends; a DTLS flight comes in several.
pub(super) const FRAME_MAX: usize = 4096;
/// Bytes of the length.
pub(super) const PREFIX: usize = 2;

/// Collects the bytes of a connection and finds the frames in them.
pub(super) struct FrameReader {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// A frame longer than [`FRAME_MAX`]. Whoever sends it is no WebRTC client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Oversize;

impl FrameReader {
    pub(super) fn new() -> Self {
        // Room for a frame behind the end of another, so that what is left is moved once per two frames at most.
        Self { buffer: vec![0; 2 * (PREFIX + FRAME_MAX)].into_boxed_slice(), start: 0, end: 0 }
    }

    /// Reads once. Returns 0 at the end of the stream. Call only when there is no whole frame left, or there may be no
    /// room.
    pub(super) fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        assert!(self.end < self.buffer.len(), "there is always room behind an unfinished frame");
        let count = from.read(&mut self.buffer[self.end..])?;
        self.end += count;
        Ok(count)
    }

    /// Where the next whole frame lies, if there is one; it stays until [`FrameReader::consume`].
    pub(super) fn peek(&self) -> Result<Option<Range<usize>>, Oversize> {
        let bytes = &self.buffer[self.start..self.end];
        let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let len = usize::from(u16::from_be_bytes(*prefix));
        if len > FRAME_MAX {
            return Err(Oversize);
        }
        let start = self.start + PREFIX;
        Ok((start + len <= self.end).then_some(start..start + len))
    }

    /// Goes on behind a frame that [`FrameReader::peek`] found. Its bytes stay in place until the next `fill`.
    pub(super) fn consume(&mut self, frame: &Range<usize>) {
        self.start = frame.end;
    }

    pub(super) fn bytes(&self, frame: Range<usize>) -> &[u8] {
        &self.buffer[frame]
    }

    pub(super) fn bytes_mut(&mut self, frame: Range<usize>) -> &mut [u8] {
        &mut self.buffer[frame]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the pieces one read at a time.
    struct Pieces<'a>(Vec<&'a [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.first_mut() else { return Ok(0) };
            let count = piece.len().min(buffer.len());
            buffer[..count].copy_from_slice(&piece[..count]);
            *piece = &piece[count..];
            if piece.is_empty() {
                self.0.remove(0);
            }
            Ok(count)
        }
    }

    fn frame(payload: &[u8]) -> Vec<u8> {
        [&u16::try_from(payload.len()).expect("short").to_be_bytes()[..], payload].concat()
    }

    fn read_all(pieces: Vec<&[u8]>) -> Result<Vec<Vec<u8>>, Oversize> {
        let (mut reader, mut pieces, mut found) = (FrameReader::new(), Pieces(pieces), Vec::new());
        loop {
            while let Some(frame) = reader.peek()? {
                reader.consume(&frame);
                found.push(reader.bytes(frame).to_vec());
            }
            if reader.fill(&mut pieces).expect("the pieces never fail") == 0 {
                return Ok(found);
            }
        }
    }

    #[test]
    fn frames_survive_a_cut_at_every_byte() {
        let payloads = [b"first".to_vec(), Vec::new(), vec![7; 300], b"x".to_vec()];
        let stream: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload)).collect();
        for cut in 0..=stream.len() {
            let (head, tail) = stream.split_at(cut);
            let pieces = [head, tail].into_iter().filter(|piece| !piece.is_empty()).collect();
            assert_eq!(read_all(pieces).as_deref(), Ok(&payloads[..]), "cut at {cut}");
        }
        assert_eq!(read_all(stream.chunks(1).collect()).as_deref(), Ok(&payloads[..]));
    }

    #[test]
    fn longest_frames_fit_back_to_back_and_longer_ones_are_refused() {
        let longest = frame(&vec![1; FRAME_MAX]);
        let stream = [longest.clone(), longest.clone(), longest].concat();
        for size in [1, 2, 4097, 4098, 4099, 100_000] {
            let found = read_all(stream.chunks(size).collect()).expect("none is too long");
            assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [FRAME_MAX; 3]);
        }
        let longer = (FRAME_MAX as u16 + 1).to_be_bytes();
        assert_eq!(read_all(vec![&longer]), Err(Oversize), "refused before it is read");
    }
}
