//! The addresses of this machine, for candidates when the operator names none.
#![allow(unsafe_code)] // getifaddrs is the one portable way to ask, and the standard library does not wrap it

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses told to participants at most: each is a candidate that every browser probes.
const ADDRESSES_MAX: usize = 8;

/// This machine's addresses that others could reach: global before private, IPv4 before IPv6, loopback left out.
#[must_use]
pub fn reachable() -> Vec<IpAddr> {
    let mut addresses = all();
    addresses.retain(|address| !address.is_loopback() && !is_link_local(address));
    addresses.sort_by_key(|address| (is_private(address), address.is_ipv6()));
    addresses.dedup();
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

/// Every address of every interface that is up.
fn all() -> Vec<IpAddr> {
    let mut head: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: getifaddrs writes a list head into `head`, or fails and leaves it alone.
    if unsafe { libc::getifaddrs(&raw mut head) } != 0 {
        return Vec::new();
    }
    let mut addresses = Vec::new();
    let mut next = head;
    while !next.is_null() {
        // SAFETY: `next` is a node of the list, which lives until freeifaddrs below.
        let interface = unsafe { &*next };
        let up = interface.ifa_flags & libc::IFF_UP as libc::c_uint != 0;
        if up && !interface.ifa_addr.is_null() {
            // SAFETY: the address is not null, and the family says how long it is.
            addresses.extend(unsafe { address(interface.ifa_addr) });
        }
        next = interface.ifa_next;
    }
    // SAFETY: `head` came from getifaddrs and is freed once; no reference into it is left.
    unsafe { libc::freeifaddrs(head) };
    addresses
}

/// Reads an internet address.
///
/// # Safety
/// `raw` must point to a socket address that is as long as its family says.
unsafe fn address(raw: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: every socket address begins with its family; the casts are to the type of that family.
    unsafe {
        match i32::from((*raw).sa_family) {
            libc::AF_INET => {
                let v4 = raw.cast::<libc::sockaddr_in>().read_unaligned();
                Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr))))
            }
            libc::AF_INET6 => {
                let v6 = raw.cast::<libc::sockaddr_in6>().read_unaligned();
                Some(IpAddr::V6(Ipv6Addr::from(v6.sin6_addr.s6_addr)))
            }
            _ => None,
        }
    }
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_there_but_not_offered() {
        assert!(all().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(reachable().iter().all(|address| !address.is_loopback()));
    }
}
