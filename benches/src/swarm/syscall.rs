//! Batched receiving with arrival times, and sending of bursts as one message: what bots need of the kernel and the
//! standard library does not offer.
//!
//! Unsafe is needed because these calls take arrays of structures full of pointers. All of it is here: the pointers are
//! written right before each call from borrows that last for the whole call, and are not read afterwards. The
//! arrays are shared by all bots of a thread. With one call per datagram a swarm would saturate its core before the
//! server does.

#![allow(unsafe_code, reason = "recvmmsg, UDP_SEGMENT and arrival times have no safe interface")]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd};

/// Messages of one call. Bursts toward one bot are shorter.
const BATCH: usize = 32;
/// Room for one datagram.
const DATAGRAM_ROOM: usize = 2_048;
/// Room for one message where the kernel may hand over a whole run of datagrams as one (UDP_GRO).
const RUN_ROOM: usize = 65_536;
/// Room for two control messages: an arrival time and a segment size.
const CONTROL_ROOM: usize = 64;

/// Aligned like the `cmsghdr` that it begins with.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_ROOM]);

/// The receiving side's arrays and buffers.
pub(super) struct Inbox {
    headers: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    controls: Box<[Control]>,
    buffer: Box<[u8]>,
    room: usize,
}

/// One message of the last call.
pub(super) struct Arrival<'a> {
    /// One datagram, or several of one size.
    pub(super) bytes: &'a mut [u8],
    /// Size of each but the last.
    pub(super) segment: usize,
    /// When the kernel had it, in nanoseconds since 1970; 0 where it does not say.
    pub(super) at: u64,
}

// SAFETY: the pointers inside are dead between calls; see the top of the module.
unsafe impl Send for Inbox {}

impl Inbox {
    /// `runs`: whether sockets are set to hand over whole runs.
    pub(super) fn new(runs: bool) -> Self {
        let room = if runs { RUN_ROOM } else { DATAGRAM_ROOM };
        // SAFETY: C structures of numbers and raw pointers, for which zero is a value.
        let (headers, vectors) = unsafe { (vec![zeroed(); BATCH], vec![zeroed(); BATCH]) };
        Self {
            headers: headers.into_boxed_slice(),
            vectors: vectors.into_boxed_slice(),
            controls: vec![Control([0; CONTROL_ROOM]); BATCH].into_boxed_slice(),
            buffer: vec![0; BATCH * room].into_boxed_slice(),
            room,
        }
    }

    /// Receives what is there, at most [`BATCH`] messages, without blocking. Returns how many.
    pub(super) fn receive(&mut self, socket: &impl AsFd) -> io::Result<usize> {
        let rooms = self.buffer.chunks_exact_mut(self.room);
        for (((header, vector), control), room) in
            self.headers.iter_mut().zip(&mut self.vectors).zip(&mut self.controls).zip(rooms)
        {
            *vector = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = CONTROL_ROOM as _;
        }
        let (fd, flags) = (socket.as_fd().as_raw_fd(), libc::MSG_DONTWAIT);
        // SAFETY: BATCH headers, whose pointers were set above from exclusive borrows of fields that are still live.
        let count = unsafe { libc::recvmmsg(fd, self.headers.as_mut_ptr(), BATCH as u32, flags, std::ptr::null_mut()) };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// Whether a call that received `count` messages may have left some.
    pub(super) fn is_full(count: usize) -> bool {
        count == BATCH
    }

    /// The n-th message of the last call.
    pub(super) fn arrival(&mut self, index: usize) -> Arrival<'_> {
        let header = &self.headers[index];
        let len = header.msg_len as usize;
        let (at, segment) = read_controls(&header.msg_hdr);
        let bytes = &mut self.buffer[index * self.room..][..len];
        Arrival { segment: segment.filter(|size| *size > 0).unwrap_or(len), bytes, at }
    }
}

/// Arrival time and segment size, as far as the kernel told them.
fn read_controls(header: &libc::msghdr) -> (u64, Option<usize>) {
    let (mut at, mut segment) = (0, None);
    // SAFETY: the kernel wrote `msg_controllen` bytes of control messages to the live, aligned buffer that the header
    // points to; CMSG_NXTHDR stays inside of it, and each value is read as the type that the kernel documents for it.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = control.as_ref() {
            match (found.cmsg_level, found.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time = libc::CMSG_DATA(control).cast::<libc::timespec>().read_unaligned();
                    at = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    segment = usize::try_from(libc::CMSG_DATA(control).cast::<i32>().read_unaligned()).ok();
                }
                _ => {}
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    (at, segment)
}

/// Has the kernel note when each datagram arrived: delay is then that of the server, not that of a busy bot.
pub(crate) fn note_arrivals(socket: &impl AsFd) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
}

/// Has the kernel hand over runs of datagrams uncut.
pub(super) fn take_runs(socket: &impl AsFd) -> io::Result<()> {
    set_option(socket, libc::SOL_UDP, libc::UDP_GRO, 1)
}

fn set_option(socket: &impl AsFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let (fd, size) = (socket.as_fd().as_raw_fd(), size_of::<i32>() as u32);
    // SAFETY: the kernel reads `size` bytes at a live i32.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), size) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sends `bytes` on a connected socket as datagrams of `segment` bytes, the last of which may be shorter.
pub(super) fn send_run(socket: &impl AsFd, bytes: &[u8], segment: u16) -> io::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    let mut control = Control([0; CONTROL_ROOM]);
    let mut vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: as in `Inbox::new`.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    if bytes.len() > usize::from(segment) {
        header.msg_control = control.0.as_mut_ptr().cast();
        // SAFETY: `control` is aligned for a cmsghdr and has room for it and two bytes, so CMSG_FIRSTHDR gives its
        // start and CMSG_DATA a place inside.
        unsafe {
            header.msg_controllen = libc::CMSG_SPACE(size_of::<u16>() as u32) as _;
            let cmsg = libc::CMSG_FIRSTHDR(&raw const header);
            (*cmsg).cmsg_level = libc::SOL_UDP;
            (*cmsg).cmsg_type = libc::UDP_SEGMENT;
            (*cmsg).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as _;
            libc::CMSG_DATA(cmsg).cast::<u16>().write_unaligned(segment);
        }
    }
    // SAFETY: the header points to a vector over `bytes` and to `control`, both live; the kernel only reads.
    let sent = unsafe { libc::sendmsg(fd, &raw const header, libc::MSG_DONTWAIT) };
    if sent >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests of the shell open sockets")]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::time::SystemTime;

    /// Sends two runs to a socket and returns each message's datagrams.
    fn exchange(runs: bool) -> Vec<Vec<usize>> {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        note_arrivals(&receiver).unwrap();
        if runs {
            take_runs(&receiver).unwrap();
        }
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
        send_run(&sender, &[7; 250], 100).unwrap();
        send_run(&sender, &[8; 90], 100).unwrap();
        let mut inbox = Inbox::new(runs);
        let count = inbox.receive(&receiver).unwrap();
        let sizes = (0..count).map(|index| {
            let arrival = inbox.arrival(index);
            assert!(
                arrival.at >= before && arrival.at < before + 60_000_000_000,
                "arrival times are on the wall clock"
            );
            let segment = arrival.segment;
            arrival.bytes.chunks(segment).map(<[u8]>::len).collect()
        });
        sizes.collect()
    }

    #[test]
    fn a_run_arrives_as_datagrams() {
        assert_eq!(exchange(false), [vec![100], vec![100], vec![50], vec![90]]);
    }

    #[test]
    fn a_run_arrives_uncut_where_asked_for() {
        assert_eq!(exchange(true), [vec![100, 100, 50], vec![90]]);
    }

    #[test]
    fn nothing_there_is_an_error_that_says_so() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(Inbox::new(false).receive(&receiver).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
