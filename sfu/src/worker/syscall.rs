//! recvmmsg, sendmmsg and the socket options that neither std nor socket2 offers.
//!
//! Unsafe is needed because these calls take arrays of structures full of pointers. Everything is contained here: the
//! pointers are written right before each call, from borrows that last for the whole call, and are never read again,
//! so that nothing outside can make them dangle. The arrays are allocated once; 32 messages a call are enough, more
//! were measured to bring nothing.

#![allow(unsafe_code, reason = "batched datagram system calls, measured to be worth 5 to 10 %, and 3.4× with GSO")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

/// Messages of one call.
pub(super) const BATCH: usize = 32;
/// Room for one received datagram. Browsers stay below 1,500; what is longer is truncated and dropped.
pub(super) const DATAGRAM_ROOM: usize = 2048;
/// Room for the one control message that we send: two bytes of segment size.
const CONTROL_ROOM: usize = {
    // SAFETY: CMSG_SPACE only computes.
    unsafe { libc::CMSG_SPACE(size_of::<u16>() as u32) as usize }
};

/// Aligned like the `cmsghdr` that it begins with.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_ROOM]);

/// A message for [`SendArrays::send`].
pub(super) struct Message<'a> {
    pub(super) to: SocketAddr,
    pub(super) bytes: &'a [u8],
    /// Cut `bytes` into datagrams of this size (UDP_SEGMENT).
    pub(super) segment: Option<u16>,
}

/// What recvmmsg writes into, except for the bytes.
pub(super) struct ReceiveArrays {
    headers: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    names: Box<[libc::sockaddr_in6]>,
}

/// What sendmmsg reads from, except for the bytes.
pub(super) struct SendArrays {
    headers: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    names: Box<[libc::sockaddr_in6]>,
    controls: Box<[Control]>,
}

// SAFETY: the pointers inside are dead between calls; see the top of the module.
unsafe impl Send for ReceiveArrays {}
// SAFETY: as above.
unsafe impl Send for SendArrays {}

impl ReceiveArrays {
    pub(super) fn new() -> Self {
        Self { headers: zeroes(), vectors: zeroes(), names: zeroes() }
    }

    /// Receives up to [`BATCH`] datagrams without blocking, the n-th into the n-th [`DATAGRAM_ROOM`] bytes of `buffer`.
    pub(super) fn receive(&mut self, socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
        assert_eq!(buffer.len(), BATCH * DATAGRAM_ROOM);
        let rooms = buffer.chunks_exact_mut(DATAGRAM_ROOM);
        for (((header, vector), name), room) in
            self.headers.iter_mut().zip(&mut self.vectors).zip(&mut self.names).zip(rooms)
        {
            *vector = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
            header.msg_hdr.msg_name = (&raw mut *name).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        let fd = socket.as_fd().as_raw_fd();
        let (flags, no_timeout) = (libc::MSG_DONTWAIT, std::ptr::null_mut());
        // SAFETY: `headers` has BATCH entries, whose pointers were set above from exclusive borrows that are still live.
        let count = unsafe { libc::recvmmsg(fd, self.headers.as_mut_ptr(), BATCH as u32, flags, no_timeout) };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// Sender and length of the n-th datagram of the last call; `None` if it was too long or from no IP address.
    pub(super) fn received(&self, index: usize) -> Option<(SocketAddr, usize)> {
        let header = &self.headers[index];
        let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
        Some((from_name(&self.names[index])?, header.msg_len as usize)).filter(|_| whole)
    }
}

impl SendArrays {
    pub(super) fn new() -> Self {
        let controls = vec![Control([0; CONTROL_ROOM]); BATCH].into_boxed_slice();
        Self { headers: zeroes(), vectors: zeroes(), names: zeroes(), controls }
    }

    /// Sends up to [`BATCH`] messages without blocking and returns how many the kernel took. An error is about the
    /// first of them.
    pub(super) fn send<'a>(
        &mut self,
        socket: &impl AsFd,
        messages: impl Iterator<Item = Message<'a>>,
    ) -> io::Result<usize> {
        let mut count = 0;
        for (index, message) in messages.take(BATCH).enumerate() {
            self.prepare(index, &message);
            count = index + 1;
        }
        let fd = socket.as_fd().as_raw_fd();
        // SAFETY: the first `count` entries of `headers` were set above and point into `self` and into bytes borrowed
        // for 'a, which outlives this call. The kernel only reads them, but for the `msg_len` fields.
        let sent = unsafe { libc::sendmmsg(fd, self.headers.as_mut_ptr(), count as u32, libc::MSG_DONTWAIT) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    fn prepare(&mut self, index: usize, message: &Message<'_>) {
        let header = &mut self.headers[index].msg_hdr;
        let vector = &mut self.vectors[index];
        let control = &mut self.controls[index];
        *vector = libc::iovec { iov_base: message.bytes.as_ptr().cast_mut().cast(), iov_len: message.bytes.len() };
        let name_len = to_name(&message.to, &mut self.names[index]);
        header.msg_name = (&raw mut self.names[index]).cast();
        header.msg_namelen = name_len;
        header.msg_iov = vector;
        header.msg_iovlen = 1;
        header.msg_control = std::ptr::null_mut();
        header.msg_controllen = 0;
        if let Some(segment) = message.segment {
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL_ROOM as _;
            // SAFETY: `control` is aligned for a cmsghdr and has room for it and two bytes, so CMSG_FIRSTHDR gives its
            // start and CMSG_DATA a place inside.
            unsafe {
                let cmsg = libc::CMSG_FIRSTHDR(header);
                (*cmsg).cmsg_level = libc::SOL_UDP;
                (*cmsg).cmsg_type = libc::UDP_SEGMENT;
                (*cmsg).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as _;
                libc::CMSG_DATA(cmsg).cast::<u16>().write_unaligned(segment);
            }
        }
    }
}

/// Sets the DF bit, and lets no router's word about the path's MTU change what we send: media does not adapt its
/// packet size anyway. It also spares the kernel a hash per packet.
pub(super) fn set_dont_fragment(socket: &impl AsFd, is_ipv6: bool) -> io::Result<()> {
    if is_ipv6 {
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)
    } else {
        set_option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
    }
}

/// Whether the kernel knows UDP_SEGMENT (Linux 4.18). Setting it to 0 changes nothing.
pub(super) fn has_segmentation(socket: &impl AsFd) -> bool {
    set_option(socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok()
}

/// Leaves out UDP checksums, with which the kernel refuses UDP_SEGMENT (EINVAL) and nothing else.
#[cfg(test)]
pub(super) fn refuse_segmentation(socket: &impl AsFd) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_NO_CHECK, 1)
}

fn set_option(socket: &impl AsFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    let size = size_of::<i32>() as u32;
    // SAFETY: the kernel reads `size` bytes at a live i32.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), size) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `BATCH` zeroed structures of the C interface.
fn zeroes<T: Clone>() -> Box<[T]> {
    // SAFETY: only called for C structures of numbers and raw pointers, for which zero is a value.
    vec![unsafe { zeroed::<T>() }; BATCH].into_boxed_slice()
}

/// Writes a socket address; an IPv4 one takes the first half of the room. Returns its length.
fn to_name(address: &SocketAddr, name: &mut libc::sockaddr_in6) -> u32 {
    match address {
        SocketAddr::V4(address) => {
            let v4 = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: sockaddr_in is smaller than sockaddr_in6 and of the same alignment.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in>().write(v4) };
            size_of::<libc::sockaddr_in>() as u32
        }
        SocketAddr::V6(address) => {
            name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            name.sin6_port = address.port().to_be();
            name.sin6_flowinfo = address.flowinfo();
            name.sin6_addr = libc::in6_addr { s6_addr: address.ip().octets() };
            name.sin6_scope_id = address.scope_id();
            size_of::<libc::sockaddr_in6>() as u32
        }
    }
}

/// Reads a socket address that the kernel wrote.
fn from_name(name: &libc::sockaddr_in6) -> Option<SocketAddr> {
    match i32::from(name.sin6_family) {
        libc::AF_INET => {
            // SAFETY: sockaddr_in is smaller than sockaddr_in6, of the same alignment, and made of numbers.
            let v4 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            let (ip, port) = (Ipv6Addr::from(name.sin6_addr.s6_addr), u16::from_be(name.sin6_port));
            Some(SocketAddrV6::new(ip, port, name.sin6_flowinfo, name.sin6_scope_id).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernel_s_form() {
        for text in ["192.0.2.7:65535", "127.0.0.1:1", "[2001:db8::1]:443", "[::1]:1", "[fe80::1%3]:5000"] {
            let address: SocketAddr = text.parse().expect("literal");
            let mut name = zeroes::<libc::sockaddr_in6>()[0];
            let len = to_name(&address, &mut name);
            assert_eq!(len, if address.is_ipv4() { 16 } else { 28 });
            assert_eq!(from_name(&name), Some(address));
        }
        assert_eq!(from_name(&zeroes()[0]), None);
    }
}
