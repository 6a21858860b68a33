//! From messages to records: chunks are put together, deflated records inflated, both under their caps.
//!
//! A message that begins with `{`, `[` or `"` is one whole JSON record. Any other begins with one flag byte:
//! [`FLAG_FRAMED`] always, [`FLAG_DEFLATE`] if the record is raw deflate (RFC 1951), [`FLAG_MORE`] if it goes on in
//! the next message. All chunks of one record carry the same deflate flag.

use crate::desync::Desync;
use crate::limits::RECORD_BYTES_MAX;
use crate::wipe::{Wipe as _, Wiping};
use flate2::{Decompress, FlushDecompress, Status};
use std::ops::Deref;

/// Set in the first byte of every framed message; JSON text never begins with such a byte.
pub const FLAG_FRAMED: u8 = 0x80;
/// The record is raw deflate.
pub const FLAG_DEFLATE: u8 = 0x01;
/// The record goes on in the next message.
pub const FLAG_MORE: u8 = 0x02;

/// Largest single message (SEC-15): what the WebSocket lets through in one frame.
pub const CHUNK_BYTES_MAX: usize = 1024 * 1024;

/// Largest ratio of inflated to deflated size (SEC-15). Real snapshots reach 7 to 8.
const INFLATE_RATIO_MAX: usize = 20;

/// Records up to this size may inflate at any ratio: a hundred repeated nodes are no bomb.
const INFLATE_FREE_BYTES: usize = 64 * 1024;

/// A whole record: where it came in, if one message held it all.
pub(crate) enum Record<'m> {
    /// Inside its message.
    Whole(&'m [u8]),
    /// Put together or inflated.
    Made(Wiping<Vec<u8>>),
}

impl Deref for Record<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }
}

/// Puts messages together. Holds at most [`RECORD_BYTES_MAX`] bytes of the shopper, zeroed when given out or dropped.
#[derive(Default)]
pub(crate) struct Frames {
    pending: Wiping<Vec<u8>>,
    deflated: bool,
}

impl Frames {
    /// Takes one message, and gives the record that it completes, if it does.
    ///
    /// # Errors
    /// [`Desync::Oversized`] over a cap, [`Desync::Malformed`] for unknown flags or broken deflate. What was pending
    /// is forgotten then.
    pub(crate) fn handle_message<'m>(&mut self, message: &'m [u8]) -> Result<Option<Record<'m>>, Desync> {
        let record = self.assemble(message);
        if record.is_err() {
            self.clear();
        }
        record
    }

    /// Forgets a record whose last chunk never came.
    pub(crate) fn clear(&mut self) {
        self.pending.wipe();
        self.deflated = false;
    }

    fn assemble<'m>(&mut self, message: &'m [u8]) -> Result<Option<Record<'m>>, Desync> {
        if message.len() > CHUNK_BYTES_MAX {
            return Err(Desync::Oversized);
        }
        let Some((&first, rest)) = message.split_first() else { return Err(Desync::Malformed) };
        if first & FLAG_FRAMED == 0 {
            // A whole record between the chunks of another one: the page and the relay disagree about the stream.
            return if self.pending.is_empty() { Ok(Some(Record::Whole(message))) } else { Err(Desync::Malformed) };
        }
        let deflated = first & FLAG_DEFLATE != 0;
        let unknown_flags = first & !(FLAG_FRAMED | FLAG_DEFLATE | FLAG_MORE) != 0;
        if unknown_flags || (!self.pending.is_empty() && deflated != self.deflated) {
            return Err(Desync::Malformed);
        }
        if self.pending.len() + rest.len() > RECORD_BYTES_MAX {
            return Err(Desync::Oversized);
        }
        self.deflated = deflated;
        if first & FLAG_MORE != 0 {
            self.append(rest);
            return Ok(None);
        }
        if self.pending.is_empty() {
            return if deflated { inflate(rest).map(Some) } else { Ok(Some(Record::Whole(rest))) };
        }
        self.append(rest);
        let whole = std::mem::take(&mut self.pending);
        if deflated { inflate(&whole).map(Some) } else { Ok(Some(Record::Made(whole))) }
    }

    /// Grows by hand: a vector that reallocates leaves its old bytes behind.
    fn append(&mut self, bytes: &[u8]) {
        let needed = self.pending.len() + bytes.len();
        if needed > self.pending.capacity() {
            let mut grown = Wiping::new(Vec::with_capacity(needed.next_power_of_two().min(RECORD_BYTES_MAX)));
            grown.extend_from_slice(&self.pending);
            self.pending = grown;
        }
        self.pending.extend_from_slice(bytes);
    }
}

fn inflate(deflated: &[u8]) -> Result<Record<'static>, Desync> {
    let cap = RECORD_BYTES_MAX.min(INFLATE_FREE_BYTES.max(deflated.len().saturating_mul(INFLATE_RATIO_MAX)));
    // One byte over the cap shows that there was more.
    let mut record = Wiping::new(Vec::with_capacity(cap + 1));
    let mut inflater = Decompress::new(false);
    let status =
        inflater.decompress_vec(deflated, &mut record, FlushDecompress::Finish).map_err(|_| Desync::Malformed)?;
    if record.len() > cap {
        return Err(Desync::Oversized);
    }
    match status {
        Status::StreamEnd if inflater.total_in() == deflated.len() as u64 => Ok(Record::Made(record)),
        _ if record.len() == record.capacity() => Err(Desync::Oversized),
        _ => Err(Desync::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write as _;

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn framed(flags: u8, bytes: &[u8]) -> Vec<u8> {
        [&[FLAG_FRAMED | flags], bytes].concat()
    }

    #[test]
    fn what_one_message_holds_is_read_where_it_is() {
        for message in [b"{\"type\":1}".to_vec(), framed(0, b"{\"type\":1}")] {
            let mut frames = Frames::default();
            let record = frames.handle_message(&message).unwrap().unwrap();
            assert!(matches!(record, Record::Whole(b"{\"type\":1}")));
        }
    }

    #[test]
    fn chunks_come_together_and_inflate() {
        let text = b"[{\"type\":0},{\"type\":1}]".repeat(40);
        let packed = deflate(&text);
        let (head, tail) = packed.split_at(packed.len() / 2);
        let mut frames = Frames::default();
        assert!(frames.handle_message(&framed(FLAG_DEFLATE | FLAG_MORE, head)).unwrap().is_none());
        let tail = framed(FLAG_DEFLATE, tail);
        let record = frames.handle_message(&tail).unwrap().unwrap();
        assert_eq!(&*record, text);
    }

    #[test]
    fn sec_15_bombs_and_broken_streams_are_refused() {
        let bomb = deflate(&vec![b' '; 4 * 1024 * 1024]);
        check(&[framed(FLAG_DEFLATE, &bomb)], Desync::Oversized);
        check(&[vec![b'{'; CHUNK_BYTES_MAX + 1]], Desync::Oversized);
        check(&vec![framed(FLAG_MORE, &[b' '; CHUNK_BYTES_MAX - 1]); 6], Desync::Oversized);
        check(&[framed(FLAG_DEFLATE, b"not deflate")], Desync::Malformed);
        check(&[framed(FLAG_DEFLATE, &deflate(b"[]")[..2])], Desync::Malformed);
        check(&[framed(0x10, b"{}")], Desync::Malformed);
        check(&[framed(FLAG_MORE, b"["), b"{}".to_vec()], Desync::Malformed);
        check(&[framed(FLAG_MORE, b"["), framed(FLAG_DEFLATE, b"]")], Desync::Malformed);
        check(&[Vec::new()], Desync::Malformed);
    }

    fn check(messages: &[Vec<u8>], expected: Desync) {
        let mut frames = Frames::default();
        let last = messages.iter().find_map(|message| frames.handle_message(message).err());
        assert_eq!(last, Some(expected));
        assert!(frames.pending.is_empty(), "nothing stays pending after a refusal");
    }
}
