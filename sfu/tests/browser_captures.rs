//! Every datagram of real calls with Chromium 156 and Firefox 153: sorted, opened, and read.
//!
//! A `.call` file starts with the bytes that the DTLS handshake exported for AEAD_AES_128_GCM (throw-away keys), then
//! has the datagrams in order: a byte that is 0 from the browser and 1 from the server, two bytes of length, the bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tillside_sfu::rtcp::{Compound, RtcpPacket};
use tillside_sfu::rtp::vp8::Vp8Descriptor;
use tillside_sfu::rtp::{Codec, DatagramKind, FrameInspector, Ssrc, classify};
use tillside_sfu::srtp::{NewSsrc, SrtpKeys, SrtpOpener, SrtpProfile};

struct Call {
    exported: Vec<u8>,
    /// Whether the server sent it, and its bytes.
    datagrams: Vec<(bool, Vec<u8>)>,
}

fn read_call(path: &Path) -> Call {
    let bytes = fs::read(path).expect("fixture is there");
    let (exported, mut rest) = bytes.split_at(SrtpProfile::AeadAes128Gcm.exported_len());
    let mut datagrams = Vec::new();
    while let [from, l0, l1, tail @ ..] = rest {
        let (datagram, tail) = tail.split_at(usize::from(u16::from_be_bytes([*l0, *l1])));
        datagrams.push((*from == 1, datagram.to_vec()));
        rest = tail;
    }
    Call { exported: exported.to_vec(), datagrams }
}

fn calls() -> Vec<(String, Call)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = fs::read_dir(folder).expect("fixtures are there").map(|entry| entry.expect("readable").path());
    let calls: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "call"))
        .map(|path| (path.display().to_string(), read_call(&path)))
        .collect();
    assert!(calls.len() >= 2, "one call per browser");
    calls
}

/// What was read of one call.
#[derive(Debug, Default)]
struct Seen {
    kinds: BTreeMap<&'static str, u32>,
    rtcp_parts: BTreeMap<&'static str, u32>,
    keyframe_sizes: Vec<(u16, u16)>,
    frame_starts: u32,
    extensions: u32,
}

fn read_datagrams(name: &str, call: &Call) -> Seen {
    let keys = SrtpKeys::of_dtls_server(SrtpProfile::AeadAes128Gcm, &call.exported).expect("right length");
    let (mut from_browser, mut from_server) = (SrtpOpener::new(&keys.theirs), SrtpOpener::new(&keys.ours));
    let mut inspectors: BTreeMap<Ssrc, FrameInspector> = BTreeMap::new();
    let mut seen = Seen::default();
    for (number, (is_server, datagram)) in call.datagrams.iter().enumerate() {
        let opener = if *is_server { &mut from_server } else { &mut from_browser };
        let mut bytes = datagram.clone();
        let kind = match classify(datagram) {
            DatagramKind::Stun => "stun",
            DatagramKind::Dtls => "dtls",
            DatagramKind::Other => panic!("{name}: datagram {number} is of no known kind"),
            DatagramKind::Rtcp => {
                let len = opener.open_rtcp(&mut bytes).unwrap_or_else(|why| panic!("{name}: {number}: {why}"));
                read_rtcp(&bytes[..len], &mut seen);
                "rtcp"
            }
            DatagramKind::Rtp => {
                let opened =
                    opener.open_rtp(&mut bytes, NewSsrc::Admit).unwrap_or_else(|why| panic!("{name}: {number}: {why}"));
                let packet = opened.packet(&bytes).expect("padding is well formed");
                seen.extensions += packet.extensions().count() as u32;
                // Both browsers send VP8 here as payload type 96 (Chromium) or 120 (Firefox).
                if matches!(packet.payload_type().value(), 96 | 120) && !packet.payload().is_empty() {
                    let inspector = inspectors.entry(packet.ssrc()).or_insert_with(|| FrameInspector::new(Codec::Vp8));
                    let marks = inspector.inspect(packet.payload(), packet.marker(), None);
                    seen.frame_starts += u32::from(marks.start);
                    let descriptor = Vp8Descriptor::parse(packet.payload()).expect("browsers send whole descriptors");
                    assert_eq!(marks.keyframe, descriptor.keyframe);
                    seen.keyframe_sizes.extend(descriptor.keyframe_size(packet.payload()));
                }
                "rtp"
            }
        };
        *seen.kinds.entry(kind).or_default() += 1;
    }
    seen
}

fn read_rtcp(packet: &[u8], seen: &mut Seen) {
    let mut compound = Compound::new(packet);
    for part in compound.by_ref() {
        let kind = match part {
            RtcpPacket::SenderReport(_) => "sender report",
            RtcpPacket::ReceiverReport(_) => "receiver report",
            RtcpPacket::SourceDescription(description) => {
                assert!(description.cnames().count() > 0, "every description names its source");
                "source description"
            }
            RtcpPacket::Goodbye(_) => "goodbye",
            RtcpPacket::Nack(nack) => {
                assert!(nack.lost().count() > 0);
                "nack"
            }
            RtcpPacket::PictureLoss(_) => "picture loss",
            RtcpPacket::FullIntraRequest(_) => "full intra request",
            RtcpPacket::Remb(remb) => {
                assert!((1_000..100_000_000).contains(&remb.bits_per_second), "{remb:?}");
                "remb"
            }
            RtcpPacket::TransportFeedback(feedback) => {
                assert!(feedback.arrivals().any(|(_, arrival)| arrival.is_some()));
                "transport feedback"
            }
            RtcpPacket::ExtendedReport(_) => "extended report",
            RtcpPacket::Unknown { .. } => "unknown",
        };
        *seen.rtcp_parts.entry(kind).or_default() += 1;
    }
    assert_eq!(compound.malformed(), 0);
}

#[test]
fn every_datagram_of_a_call_is_understood() {
    for (name, call) in calls() {
        let seen = read_datagrams(&name, &call);
        println!("{name}: {seen:?}");
        assert!(["stun", "dtls", "rtp", "rtcp"].iter().all(|kind| seen.kinds.contains_key(kind)), "{name}: {seen:?}");
        assert!(seen.frame_starts > 0 && seen.extensions > 0, "{name}: {seen:?}");
        let plausible = |(width, height): &(u16, u16)| (16..=1920).contains(width) && (16..=1080).contains(height);
        assert!(!seen.keyframe_sizes.is_empty() && seen.keyframe_sizes.iter().all(plausible), "{name}: {seen:?}");
        assert!(seen.rtcp_parts.len() >= 3 && !seen.rtcp_parts.contains_key("unknown"), "{name}: {seen:?}");
    }
}

#[test]
fn sec_03_no_datagram_of_a_call_is_taken_twice() {
    for (name, call) in calls() {
        let keys = SrtpKeys::of_dtls_server(SrtpProfile::AeadAes128Gcm, &call.exported).expect("right length");
        let mut opener = SrtpOpener::new(&keys.theirs);
        let mut taken = [0, 0];
        for round in &mut taken {
            for (_, datagram) in call.datagrams.iter().filter(|(is_server, _)| !is_server) {
                let mut bytes = datagram.clone();
                *round += match classify(datagram) {
                    DatagramKind::Rtp => u32::from(opener.open_rtp(&mut bytes, NewSsrc::Admit).is_ok()),
                    DatagramKind::Rtcp => u32::from(opener.open_rtcp(&mut bytes).is_ok()),
                    DatagramKind::Stun | DatagramKind::Dtls | DatagramKind::Other => 0,
                };
            }
        }
        assert!(taken[0] > 0 && taken[1] == 0, "{name}: {taken:?}");
    }
}
