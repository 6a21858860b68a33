//! The send slab: datagrams that wait for the worker's next flush.
//!
//! Owns one fixed buffer and the list of datagrams written into it. The core seals packets straight into the
//! slab, so a forwarded packet is copied nowhere else. Knows nothing of sockets: [`crate::worker`] drains it.

use std::net::SocketAddr;

/// Bytes of one slab. Big enough for a sendmmsg of full runs, small enough to stay in the second-level cache between
/// being written and being sent; a larger fan-out takes several flushes.
pub const SLAB_BYTES: usize = 768 * 1024;
/// Datagrams in one slab: room for as many of a voice's packets as fill it.
pub const SLAB_DATAGRAMS: usize = 4096;
/// Largest datagram we ever send: below every common path MTU after IPv6 and UDP headers (RFC 8200 §5 leaves 1232 as
/// the floor; browsers send at most about 1,250 bytes of RTP, plus 16 bytes of tag and rewritten extensions).
pub const DATAGRAM_MAX: usize = 1472;

/// How a datagram travels between us and a remote address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// The worker's UDP socket of the address family of the remote.
    Udp,
    /// An ICE-TCP connection (RFC 6544, RFC 4571 framing), by the worker's own number for it.
    Tcp(u32),
}

/// One way to reach a participant: the exact 5-tuple, our own side being fixed per worker and family.
///
/// IPv4-mapped IPv6 addresses are normalised to IPv4 by [`NetPath::new`], so one remote has one key (media trap H4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetPath {
    remote: SocketAddr,
    via: Via,
}

impl NetPath {
    /// A path to `remote`, with IPv4-mapped addresses turned into IPv4.
    #[must_use]
    pub fn new(remote: SocketAddr, via: Via) -> Self {
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        Self { remote, via }
    }

    /// A UDP path.
    #[must_use]
    pub fn udp(remote: SocketAddr) -> Self {
        Self::new(remote, Via::Udp)
    }

    /// The remote address.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// The carrier.
    #[must_use]
    pub fn via(&self) -> Via {
        self.via
    }
}

/// One datagram of the slab. Small, since thousands of them lie between the slab and the cache.
#[derive(Clone, Copy, Debug)]
pub struct Send {
    start: u32,
    len: u16,
    /// Index of [`Sends::paths`].
    path: u16,
}

/// Datagrams to send, in order, in one buffer.
pub struct Sends {
    slab: Box<[u8]>,
    used: usize,
    /// The first `count` wait.
    datagrams: Box<[Send]>,
    count: usize,
    /// Where they go: one for each stretch of datagrams to the same remote, and that of a lane without any yet.
    paths: Vec<NetPath>,
}

impl Default for Sends {
    fn default() -> Self {
        Self::with_capacity(SLAB_BYTES, SLAB_DATAGRAMS)
    }
}

impl Sends {
    /// A slab of other than the default size, for tests and small workers.
    #[must_use]
    pub fn with_capacity(bytes: usize, datagrams: usize) -> Self {
        assert!(bytes >= DATAGRAM_MAX && u32::try_from(bytes).is_ok() && u16::try_from(datagrams).is_ok());
        Self {
            slab: vec![0; bytes].into_boxed_slice(),
            used: 0,
            datagrams: vec![Send { start: 0, len: 0, path: 0 }; datagrams].into_boxed_slice(),
            count: 0,
            paths: Vec::with_capacity(datagrams + 1),
        }
    }

    /// Whether `count` datagrams of the largest size still fit.
    #[must_use]
    pub fn has_room_for(&self, count: usize) -> bool {
        self.count + count <= self.datagrams.len() && self.used + count * DATAGRAM_MAX <= self.slab.len()
    }

    /// Lets `write` fill the next free bytes (at least [`DATAGRAM_MAX`]) and keeps as many as it returns; `None` keeps
    /// nothing. Returns whether a datagram was added; false also when the slab is full.
    #[inline]
    pub fn write(&mut self, to: NetPath, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        self.lane(to).write(write)
    }

    /// Opens a lane for datagrams to the same remote.
    pub fn lane(&mut self, to: NetPath) -> Lane<'_> {
        if self.paths.last() != Some(&to) {
            let in_use = self.datagrams().last().map_or(0, |last| usize::from(last.path) + 1);
            self.paths.truncate(in_use);
            self.paths.push(to);
        }
        Lane { path: (self.paths.len() - 1) as u16, sends: self }
    }

    /// Adds a finished datagram. Returns false when the slab is full or `bytes` is longer than [`DATAGRAM_MAX`].
    pub fn push(&mut self, to: NetPath, bytes: &[u8]) -> bool {
        bytes.len() <= DATAGRAM_MAX
            && self.write(to, |free| {
                free[..bytes.len()].copy_from_slice(bytes);
                Some(bytes.len())
            })
    }

    /// The datagrams in the order in which they were written.
    #[must_use]
    pub fn datagrams(&self) -> &[Send] {
        &self.datagrams[..self.count]
    }

    /// Where a datagram goes.
    #[must_use]
    pub fn path(&self, send: &Send) -> NetPath {
        self.paths[usize::from(send.path)]
    }

    /// The bytes of one datagram.
    #[must_use]
    pub fn bytes(&self, send: &Send) -> &[u8] {
        &self.slab[send.start as usize..send.start as usize + usize::from(send.len)]
    }

    /// The bytes of neighbouring datagrams `first..=last`, which lie side by side in the slab (this is what GSO sends).
    #[must_use]
    pub fn run_bytes(&self, first: &Send, last: &Send) -> &[u8] {
        &self.slab[first.start as usize..last.start as usize + usize::from(last.len)]
    }

    /// Bytes of all datagrams together.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        self.used
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets all datagrams, keeps the buffer.
    pub fn clear(&mut self) {
        self.used = 0;
        self.count = 0;
        self.paths.clear();
    }
}

/// Datagrams to one remote, written one behind the other.
pub struct Lane<'a> {
    sends: &'a mut Sends,
    path: u16,
}

impl Lane<'_> {
    /// As [`Sends::write`].
    #[inline(always)]
    pub fn write(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        let Sends { slab, used, datagrams, count, .. } = &mut *self.sends;
        let Some(datagram) = datagrams.get_mut(*count) else { return false };
        let Some(free) = slab.get_mut(*used..*used + DATAGRAM_MAX) else { return false };
        let Some(len) = write(free) else { return false };
        assert!(len <= DATAGRAM_MAX, "a datagram outgrew its place in the slab");
        *datagram = Send { start: *used as u32, len: len as u16, path: self.path };
        *count += 1;
        *used += len;
        true
    }
}

impl Send {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether two neighbours of one slab go to the same remote.
    #[must_use]
    pub fn has_path_of(&self, neighbour: &Self) -> bool {
        self.path == neighbour.path
    }

    /// Never true for a datagram in a slab; here for completeness.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(port: u16) -> NetPath {
        NetPath::udp(([10, 0, 0, 1], port).into())
    }

    #[test]
    fn keeps_order_and_bytes() {
        let mut sends = Sends::with_capacity(3 * DATAGRAM_MAX, 8);
        assert!(sends.push(to(1), b"one"));
        assert!(!sends.write(to(2), |_| None));
        assert!(sends.write(to(3), |free| {
            free[..5].copy_from_slice(b"three");
            Some(5)
        }));
        let [first, last] = sends.datagrams() else { panic!("two datagrams") };
        assert_eq!((sends.bytes(first), sends.bytes(last)), (&b"one"[..], &b"three"[..]));
        assert_eq!(sends.run_bytes(first, last), b"onethree");
    }

    #[test]
    fn full_slab_refuses_instead_of_growing() {
        let mut sends = Sends::with_capacity(2 * DATAGRAM_MAX, 8);
        assert!(sends.push(to(1), &[0; DATAGRAM_MAX]));
        assert!(sends.has_room_for(1) && !sends.has_room_for(2));
        assert!(sends.push(to(1), &[0; 1]));
        assert!(!sends.push(to(1), &[0; 1]));
        sends.clear();
        assert!(sends.is_empty() && sends.has_room_for(2));
    }

    #[test]
    fn mapped_and_plain_ipv4_are_one_path() {
        let plain: SocketAddr = "192.0.2.7:9".parse().expect("literal");
        let mapped: SocketAddr = "[::ffff:192.0.2.7]:9".parse().expect("literal");
        assert_eq!(NetPath::udp(plain), NetPath::udp(mapped));
    }
}
