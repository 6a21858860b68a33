use super::*;
use crate::worker::poller::Poller;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

fn loopback() -> UdpSockets {
    let ipv4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let ipv6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);
    UdpSockets::bind(Some(ipv4), Some(ipv6)).expect("loopback has free ports")
}

fn addresses(sockets: &UdpSockets) -> Vec<SocketAddr> {
    sockets.local_addresses().collect()
}

/// Sizes as a video frame, audio and RTCP make them: runs, singles, and the last of a run shorter.
fn size_of(index: usize) -> usize {
    match index % 10 {
        0..=4 => 1200,
        5 => 611,
        6 | 7 => 128,
        8 => 1,
        _ => 1472,
    }
}

fn payload(index: usize) -> Vec<u8> {
    (0..size_of(index)).map(|offset| (index * 31 + offset * 7) as u8).collect()
}

/// Sends 1,000 datagrams by turns to both families, receiving in between so that no buffer overflows, and compares.
fn round_trip(sender: &mut UdpSockets) {
    let mut receiver = loopback();
    let mut poller = Poller::new().expect("descriptors are left");
    poller.watch_udp(&receiver).expect("descriptors are left");
    let to = addresses(&receiver);
    let from = addresses(sender);
    let (mut batch, mut sends) = (ReceiveBatch::default(), Sends::with_capacity(128 * 1024, 64));
    let mut received: [Vec<Vec<u8>>; 2] = Default::default();
    for first in (0..1000).step_by(50) {
        sends.clear();
        for index in first..first + 50 {
            // Changes every 7 datagrams, across the runs.
            assert!(sends.push(NetPath::udp(to[index / 7 % 2]), &payload(index)));
        }
        assert_eq!(sender.send(&sends), SendReport { sent: 50, ..SendReport::default() });
        while received.iter().map(Vec::len).sum::<usize>() < first + 50 {
            if !receiver.has_more() {
                let ready = poller.wait(Some(Duration::from_secs(10))).expect("epoll works");
                assert!(ready.udp4 || ready.udp6, "datagrams are lost");
                receiver.handle_ready(ready);
            }
            receiver.receive(&mut batch).expect("sockets work");
            for (path, bytes) in batch.iter_mut() {
                let family = usize::from(path.remote().is_ipv6());
                assert_eq!((path.remote(), path.via()), (from[family], Via::Udp));
                received[family].push(bytes.to_vec());
            }
        }
    }
    for (family, received) in received.iter().enumerate() {
        let expected: Vec<Vec<u8>> = (0..1000).filter(|index| index / 7 % 2 == family).map(payload).collect();
        assert!(*received == expected, "contents and order, family {family}");
    }
}

#[test]
fn datagrams_arrive_whole_and_in_order_with_segmentation() {
    let mut sender = loopback();
    assert!(sender.has_segmentation(), "this kernel has UDP_SEGMENT");
    round_trip(&mut sender);
    let runs: Vec<(usize, u64)> = sender.counters().runs.iter().collect();
    assert!(runs.iter().any(|(count, _)| *count > 1), "{runs:?}");
    assert_eq!(runs.iter().map(|(count, times)| *count as u64 * times).sum::<u64>(), 1000);
}

#[test]
fn datagrams_arrive_whole_and_in_order_without_segmentation() {
    let mut sender = loopback();
    sender.turn_segmentation_off();
    round_trip(&mut sender);
    assert_eq!(sender.counters().runs.iter().collect::<Vec<_>>(), [(1, 1000)]);
}

/// The kernel refuses to segment for a socket that leaves checksums out, as it does for devices that cannot compute
/// them.
#[test]
fn trap_j7_refused_segmentation_is_turned_off_and_nothing_is_lost() {
    let mut sender = loopback();
    for socket in [sender.ipv4(), sender.ipv6()].into_iter().flatten() {
        syscall::refuse_segmentation(socket).expect("the option exists");
    }
    let mut receiver = loopback();
    let to = addresses(&receiver)[0];
    let mut sends = Sends::with_capacity(128 * 1024, 64);
    for index in 0..8 {
        assert!(sends.push(NetPath::udp(to), &[index; 100]));
    }
    assert_eq!(sender.send(&sends), SendReport { sent: 8, ..SendReport::default() });
    assert!(!sender.has_segmentation());
    assert_eq!(sender.counters().segmentation_refused, 1);
    assert_eq!(sender.counters().runs.iter().collect::<Vec<_>>(), [(1, 8)]);
    let mut batch = ReceiveBatch::default();
    assert_eq!(receiver.receive(&mut batch).expect("sockets work"), 8);
    assert!(batch.iter_mut().zip(0..).all(|((_, bytes), index)| *bytes == [index; 100]));
}

#[test]
fn one_bad_destination_harms_no_other() {
    let mut sender = loopback();
    let mut receiver = loopback();
    let good = NetPath::udp(addresses(&receiver)[0]);
    // A socket bound to loopback has no way out, and port 0 is nobody's.
    let bad = [NetPath::udp(([192, 0, 2, 1], 9).into()), NetPath::udp(([127, 0, 0, 1], 0).into())];
    let mut sends = Sends::with_capacity(128 * 1024, 64);
    for path in [good, bad[0], good, bad[1], bad[1], good] {
        assert!(sends.push(path, b"datagram"));
    }
    assert!(sends.push(NetPath::new(good.remote(), Via::Tcp(1)), b"not ours"));
    assert_eq!(sender.send(&sends), SendReport { sent: 3, dropped: 0, failed: 3 });
    assert!(sender.has_segmentation(), "a bad destination is no reason");

    let mut batch = ReceiveBatch::default();
    assert_eq!(receiver.receive(&mut batch).expect("sockets work"), 3);
}

#[test]
fn a_missing_family_is_a_failed_send() {
    let mut sender = UdpSockets::bind(Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)), None).expect("free ports");
    let mut sends = Sends::with_capacity(16 * 1024, 8);
    assert!(sends.push(NetPath::udp("[::1]:9".parse().expect("literal")), b"x"));
    assert_eq!(sender.send(&sends), SendReport { sent: 0, dropped: 0, failed: 1 });
}

#[test]
fn a_flood_on_one_family_does_not_silence_the_other() {
    let mut sender = loopback();
    let mut receiver = loopback();
    let to = addresses(&receiver);
    let mut sends = Sends::with_capacity(128 * 1024, 128);
    for _ in 0..100 {
        assert!(sends.push(NetPath::udp(to[0]), b"flood"));
    }
    assert!(sends.push(NetPath::udp(to[1]), b"voice"));
    assert_eq!(sender.send(&sends).sent, 101);
    let mut batch = ReceiveBatch::default();
    let counts = [(); 5].map(|()| receiver.receive(&mut batch).expect("sockets work"));
    assert_eq!(counts, [BATCH, 1, BATCH, BATCH, 4]);
}

#[test]
fn an_occupied_port_is_named() {
    let first = UdpSockets::bind(Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)), None).expect("free ports");
    let SocketAddr::V4(address) = addresses(&first)[0] else { panic!("an IPv4 socket") };
    let error = UdpSockets::bind(Some(address), None).err().expect("occupied");
    assert!(matches!(error, BindError::PortInUse { protocol: "UDP", .. }));
    assert!(error.to_string().contains(&format!("UDP port {} is in use", address.port())), "{error}");
}

#[test]
fn too_long_datagrams_are_counted_and_skipped() {
    let mut receiver = loopback();
    let to = addresses(&receiver)[0];
    let stranger = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("descriptors are left");
    for len in [DATAGRAM_ROOM, DATAGRAM_ROOM + 1, 5] {
        stranger.send_to(&vec![1; len], &to.into()).expect("loopback takes it");
    }
    let mut batch = ReceiveBatch::default();
    assert_eq!(receiver.receive(&mut batch).expect("sockets work"), 3);
    let lengths: Vec<usize> = batch.iter_mut().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(lengths, [DATAGRAM_ROOM, 5]);
    assert_eq!(receiver.counters().unreadable, 1);
}

#[test]
fn buffers_are_readable_for_the_log() {
    for buffers in loopback().buffers() {
        let Buffers { receive, send } = buffers.expect("sockets work");
        assert!(receive > 0 && send > 0);
    }
}
