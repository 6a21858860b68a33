//! Who may come in: connections and greetings are counted by address, joins are limited by address (SEC-14, SEC-20).

use crate::bucket::Bucket;
use dashmap::DashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Addresses whose joins are remembered. Beyond it, those that have been quiet for a while are forgotten first.
const BUCKETS_MAX: usize = 50_000;

/// How many may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// HTTP connections in all.
    pub connections: usize,
    /// HTTP connections of one address.
    pub connections_per_address: usize,
    /// WebSockets of one address that have not said `hello`.
    pub greetings_per_address: usize,
    /// WebSockets and WHIP requests that one address may begin per second; twice as many at once.
    pub joins_per_second_per_address: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    connections: AtomicUsize,
    per_address: DashMap<Source, Counts>,
    joins: DashMap<Source, Bucket>,
}

/// An address as it is counted: whole for IPv4, the /64 for IPv6, of which anybody has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Source(IpAddr);

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    greetings: usize,
}

/// A place taken; dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    source: Source,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connection,
    Greeting,
}

impl Admission {
    /// With nobody inside.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, connections: AtomicUsize::new(0), per_address: DashMap::new(), joins: DashMap::new() }
    }

    /// Takes a place for a connection.
    #[must_use]
    pub fn connect(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        if self.connections.fetch_add(1, Ordering::Relaxed) >= self.limits.connections {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let place = self.take(address, Kind::Connection);
        if place.is_none() {
            self.connections.fetch_sub(1, Ordering::Relaxed);
        }
        place
    }

    /// Takes a place for a WebSocket that has not said `hello` yet.
    #[must_use]
    pub fn greet(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        self.take(address, Kind::Greeting)
    }

    /// Whether this address may begin another session now.
    #[must_use]
    pub fn may_join(&self, now: Instant, address: IpAddr) -> bool {
        if self.joins.len() >= BUCKETS_MAX {
            self.joins.retain(|_, bucket| !bucket.is_full(now));
        }
        let rate = self.limits.joins_per_second_per_address;
        let fresh = || Bucket::new(now, rate, rate.saturating_mul(2));
        self.joins.entry(Source::of(address)).or_insert_with(fresh).take(now)
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    fn take(self: &Arc<Self>, address: IpAddr, kind: Kind) -> Option<Place> {
        let source = Source::of(address);
        let mut counts = self.per_address.entry(source).or_default();
        let (count, limit) = match kind {
            Kind::Connection => (&mut counts.connections, self.limits.connections_per_address),
            Kind::Greeting => (&mut counts.greetings, self.limits.greetings_per_address),
        };
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { admission: Arc::clone(self), source, kind })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.kind == Kind::Connection {
            self.admission.connections.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(mut counts) = self.admission.per_address.get_mut(&self.source) {
            match self.kind {
                Kind::Connection => counts.connections -= 1,
                Kind::Greeting => counts.greetings -= 1,
            }
        }
        self.admission.per_address.remove_if(&self.source, |_, counts| counts.connections + counts.greetings == 0);
    }
}

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(IpAddr::V4(v4)),
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test needs some first instant
mod tests {
    use super::*;
    use std::time::Duration;

    fn admission() -> Arc<Admission> {
        Arc::new(Admission::new(Limits {
            connections: 3,
            connections_per_address: 2,
            greetings_per_address: 1,
            joins_per_second_per_address: 10,
        }))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn sec_14_places_are_counted_by_address_and_in_all_and_given_back() {
        let admission = admission();
        let first = admission.connect(address("192.0.2.1"));
        let second = admission.connect(address("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(admission.connect(address("192.0.2.1")).is_none(), "two of one address");
        let third = admission.connect(address("2001:db8::1"));
        assert!(third.is_some());
        assert!(admission.connect(address("203.0.113.9")).is_none(), "three in all");
        drop(first);
        assert!(admission.connect(address("203.0.113.9")).is_some());
        drop((second, third));
        assert_eq!(admission.connections(), 0);
        assert!(admission.per_address.is_empty(), "addresses that are gone are forgotten");
    }

    #[test]
    fn sec_14_an_ipv6_network_counts_as_one_address() {
        let admission = admission();
        let first = admission.greet(address("2001:db8::1"));
        assert!(first.is_some());
        assert!(admission.greet(address("2001:db8::ffff:2")).is_none());
        assert!(admission.greet(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn sec_20_joins_are_limited_by_address() {
        let admission = admission();
        let now = Instant::now();
        let count = |at| (0..100).filter(|_| admission.may_join(at, address("192.0.2.1"))).count();
        assert_eq!(count(now), 20);
        assert_eq!(count(now + Duration::from_secs(1)), 10);
        assert!(admission.may_join(now, address("192.0.2.2")));
    }
}
