//! One TCP connection of a worker: a bounded buffer in each direction.

use super::framing::{FrameReader, PREFIX};
use super::{IDLE_MAX, STUCK_MAX};
use mio::net::TcpStream;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

/// Bytes that wait for the kernel: a second of a 2 Mbit/s stream. What does not fit is older than it is useful.
const QUEUE_BYTES_MAX: usize = 256 * 1024;

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) remote: SocketAddr,
    reader: FrameReader,
    queue: VecDeque<u8>,
    /// It stands in the list of those to read.
    is_listed: bool,
    received: Instant,
    /// Since when the kernel has taken nothing although something waits.
    stuck: Option<Instant>,
}

/// What reading gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A datagram, at this place of the buffer.
    Frame(Range<usize>),
    /// Nothing more until the next readiness report.
    Nothing,
    /// A frame too long to read.
    Oversize,
    /// The end of the stream, or an error.
    End,
}

impl Connection {
    /// It counts as readable from the start: the acceptor has read its first frame.
    pub(super) fn new(now: Instant, stream: TcpStream, remote: SocketAddr, reader: FrameReader) -> Self {
        Self { stream, remote, reader, queue: VecDeque::new(), is_listed: true, received: now, stuck: None }
    }

    /// Returns whether it has to be put on the list of those to read.
    pub(super) fn note_readable(&mut self) -> bool {
        !std::mem::replace(&mut self.is_listed, true)
    }

    pub(super) fn receive(&mut self, now: Instant) -> Received {
        loop {
            match self.reader.peek() {
                Ok(Some(frame)) => {
                    self.reader.consume(&frame);
                    if !frame.is_empty() {
                        self.received = now;
                        return Received::Frame(frame);
                    }
                }
                Ok(None) => match self.reader.fill(&mut self.stream) {
                    Ok(0) => return Received::End,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.is_listed = false;
                        return Received::Nothing;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return Received::End,
                },
                Err(_) => return Received::Oversize,
            }
        }
    }

    pub(super) fn bytes(&mut self, frame: Range<usize>) -> &mut [u8] {
        self.reader.bytes_mut(frame)
    }

    /// Queues a datagram, framed; false if it does not fit.
    pub(super) fn queue(&mut self, datagram: &[u8]) -> bool {
        let len = u16::try_from(datagram.len()).expect("datagrams are at most DATAGRAM_MAX long");
        if self.queue.len() + PREFIX + datagram.len() > QUEUE_BYTES_MAX {
            return false;
        }
        self.queue.extend(len.to_be_bytes());
        self.queue.extend(datagram);
        true
    }

    /// Writes as much as the kernel takes.
    pub(super) fn flush(&mut self, now: Instant) -> io::Result<()> {
        while !self.queue.is_empty() {
            let (front, back) = self.queue.as_slices();
            match self.stream.write_vectored(&[IoSlice::new(front), IoSlice::new(back)]) {
                Ok(count) => {
                    self.queue.drain(..count);
                    self.stuck = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck.get_or_insert(now);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn is_idle(&self, now: Instant) -> bool {
        now >= self.received + IDLE_MAX
    }

    pub(super) fn is_stuck(&self, now: Instant) -> bool {
        self.stuck.is_some_and(|since| now >= since + STUCK_MAX)
    }
}
