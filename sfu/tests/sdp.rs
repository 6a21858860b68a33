//! Offers of real browsers and of WHIP clients, answered and compared with answers that were read line by line; and
//! offers that must be refused. Fixtures: `tests/fixtures/sdp`, browser offers as captured, the others written by hand
//! after what those clients send.

use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tillside_sfu::dtls::Fingerprint;
use tillside_sfu::sdp::{
    Candidate, Codec, Extension, H264Profile, IceCredentials, LocalDescription, Msid, Negotiated, Offer, Packetization,
    Purpose, Rejection, Role, SdpError, SlotDescription, answer,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sdp").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn offer_names() -> Vec<String> {
    let entries = fs::read_dir(fixture("")).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("ASCII"));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".offer.sdp")).collect();
    names.sort();
    names
}

fn answer_for(offer: &Offer, purpose: Purpose) -> Negotiated {
    let ice = IceCredentials { ufrag: "w0abcd".into(), password: "serverpasswordserverpass".into() };
    let candidates = [
        Candidate::udp("192.0.2.1:40000".parse().expect("literal"), 65535),
        Candidate::tcp("192.0.2.1:443".parse().expect("literal"), 65535),
    ];
    let wanting = offer.media().iter().filter(|media| media.wants_slot());
    let slots: Vec<SlotDescription> = wanting
        .zip(1000..)
        .map(|(media, ssrc)| SlotDescription {
            mid: media.mid,
            ssrc,
            rtx_ssrc: ssrc + 1000,
            msid: Msid { stream: format!("slot-{}", media.mid), track: format!("slot-{}", media.mid) },
        })
        .collect();
    let local = LocalDescription {
        purpose,
        ice: &ice,
        fingerprint: &Fingerprint::parse(&format!("sha-256 {}", ["AB"; 32].join(":"))).expect("well formed"),
        candidates: &candidates,
        session_id: 7,
        session_version: 1,
        cname: "tillside",
        slots: &slots,
    };
    answer(offer, &local)
}

fn negotiate(name: &str, purpose: Purpose) -> Negotiated {
    let offer = Offer::parse(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    answer_for(&offer, purpose)
}

/// Compares the answer with the golden file; a different one is left in the build folder for reading.
fn check(name: &str, purpose: Purpose) {
    let sdp = negotiate(name, purpose).sdp;
    let golden = name.replace(".offer.sdp", ".answer.sdp");
    let expected = fs::read_to_string(fixture(&golden)).unwrap_or_default();
    if sdp != expected {
        let left = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&golden);
        fs::write(&left, &sdp).expect("the build folder is writable");
        panic!("the answer to {name} is not {golden}; the new one is in {}", left.display());
    }
}

#[test]
fn answers_are_those_that_were_read_and_approved() {
    for name in ["chromium156-dtls13.offer.sdp", "firefox153-dtls13.offer.sdp", "aiortc-sendrecv.offer.sdp"] {
        check(name, Purpose::Call);
    }
    for name in ["chromium-fixed_slots_datachannel.offer.sdp", "firefox-fixed_slots_datachannel.offer.sdp"] {
        check(name, Purpose::Call);
    }
    for name in ["obs-publish.offer.sdp", "gstreamer-publish.offer.sdp", "ffmpeg-publish.offer.sdp"] {
        check(name, Purpose::Publish);
    }
    check("firefox-recvonly_slots.offer.sdp", Purpose::Play);
}

#[test]
fn every_offer_is_answered_m_line_by_m_line() {
    for name in offer_names() {
        let text = read(&name);
        let offer = Offer::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for purpose in [Purpose::Call, Purpose::Publish, Purpose::Play] {
            let negotiated = answer_for(&offer, purpose);
            assert_eq!(words_after("m=", &negotiated.sdp), words_after("m=", &text), "{name}");
            assert_eq!(words_after("a=mid:", &negotiated.sdp), words_after("a=mid:", &text), "{name}");
            let mids: Vec<String> = negotiated.media.iter().map(|media| media.mid.to_string()).collect();
            assert_eq!(words_after("a=mid:", &text), mids, "{name}");
            assert!(negotiated.sdp.ends_with("\r\n") && !negotiated.sdp.contains("\r\n\r\n"), "{name}");
        }
    }
}

/// The first word of every line that begins so.
fn words_after<'a>(prefix: &str, sdp: &'a str) -> Vec<&'a str> {
    let values = sdp.lines().filter_map(|line| line.strip_prefix(prefix));
    values.filter_map(|value| value.split(' ').next()).collect()
}

#[test]
fn chromium_publishes_simulcast_and_receives_on_slots() {
    let negotiated = negotiate("chromium156-dtls13.offer.sdp", Purpose::Call);
    let roles: Vec<&Role> = negotiated.media.iter().map(|media| &media.role).collect();
    assert!(roles[..2].iter().all(|role| matches!(role, Role::Publishing(_))));
    assert!(roles[2..].iter().all(|role| matches!(role, Role::Slot(_))) && roles.len() == 9);

    let camera = &negotiated.media[1];
    let types = &camera.payload_types;
    let rids: Vec<&str> = camera.publishing().expect("it sends").encodings.iter().map(|rid| rid.as_str()).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert_eq!((types.codec_for(96), types.rtx_for(96), types.repaired_by(97)), (Some(Codec::Vp8), Some(97), Some(96)));
    let constrained =
        Codec::H264 { profile: H264Profile::ConstrainedBaseline, packetization: Packetization::NonInterleaved };
    assert_eq!((types.pt_for(constrained), types.pt_for(Codec::OpusRed)), (Some(108), None));
    let feedback = types.negotiated(96).expect("VP8").feedback;
    assert!(feedback.nack && feedback.pli && feedback.fir && feedback.transport_cc && !feedback.remb);

    let microphone = &negotiated.media[0].payload_types;
    assert_eq!((microphone.pt_for(Codec::Opus), microphone.pt_for(Codec::OpusRed)), (Some(111), Some(63)));
}

#[test]
fn trap_i1_rid_extensions_are_read_from_publishers_and_never_written_to_slots() {
    for name in ["chromium156-dtls13.offer.sdp", "firefox153-dtls13.offer.sdp"] {
        let negotiated = negotiate(name, Purpose::Call);
        for extension in [Extension::Rid, Extension::RepairedRid, Extension::Mid, Extension::TransportCc] {
            assert!(negotiated.received_extensions.id(extension).is_some(), "{name} {extension:?}");
        }
        for slot in negotiated.media.iter().filter_map(|media| media.slot()) {
            assert!(slot.extensions.id(Extension::Mid).is_some() && slot.extensions.id(Extension::Rid).is_none());
            assert!(slot.extensions.id(Extension::RepairedRid).is_none());
        }
    }
}

/// Firefox offers the dependency descriptor `/sendonly` even where it only receives.
#[test]
fn trap_i1_extension_directions_are_kept() {
    let negotiated = negotiate("firefox153-dtls13.offer.sdp", Purpose::Call);
    let camera = negotiated.media[1].publishing().expect("it sends");
    assert_eq!(camera.extensions.id(Extension::DependencyDescriptor), Some(8));
    assert_eq!(camera.extensions.id(Extension::PlayoutDelay), None);
    let slot = negotiated.media[5].slot().expect("it receives");
    assert_eq!(slot.extensions.id(Extension::DependencyDescriptor), None);
    assert_eq!(slot.extensions.id(Extension::PlayoutDelay), Some(6));
}

#[test]
fn trap_i2_one_codec_has_another_number_for_each_client() {
    let chromium = negotiate("chromium156-dtls13.offer.sdp", Purpose::Call);
    let firefox = negotiate("firefox153-dtls13.offer.sdp", Purpose::Call);
    let (from, to) = (&chromium.media[1].payload_types, &firefox.media[5].payload_types);
    assert_eq!(from.codec_for(96).and_then(|codec| to.pt_for(codec)), Some(120));
    assert_eq!(from.codec_for(98).and_then(|codec| to.pt_for(codec)), Some(121));
    assert_eq!(from.codec_for(108).and_then(|codec| to.pt_for(codec)), None, "Firefox has no H.264 here");
}

/// `setCodecPreferences` moves a codec to the front; what the page put first is what it wants to send.
#[test]
fn the_first_codec_of_a_publisher_stays_first() {
    let text = read("chromium-simulcast_sendonly.offer.sdp");
    let first_two = |text: &str| {
        let negotiated = answer_for(&Offer::parse(text).expect("good"), Purpose::Call);
        negotiated.media.iter().find(|media| media.payload_types.pt_for(Codec::Vp8).is_some()).map(|media| {
            let codecs = media.payload_types.codecs();
            (codecs[0].payload_type, codecs[1].payload_type)
        })
    };
    assert_eq!(first_two(&text), Some((96, 102)), "VP8, H.264");
    let preferring_av1 = text.replace("SAVPF 96 97", "SAVPF 45 46 96 97").replace(" 45 46 98", " 98");
    assert_eq!(first_two(&preferring_av1), Some((45, 96)), "AV1, VP8");
}

#[test]
fn sendrecv_is_both_in_a_call_and_one_half_elsewhere() {
    let roles = |purpose| negotiate("aiortc-sendrecv.offer.sdp", purpose).media.remove(1).role;
    assert!(matches!(roles(Purpose::Call), Role::Both(..)));
    assert!(matches!(roles(Purpose::Publish), Role::Publishing(_)));
    assert!(matches!(roles(Purpose::Play), Role::Slot(_)));
    let remb = negotiate("aiortc-sendrecv.offer.sdp", Purpose::Call);
    let feedback = remb.media[1].payload_types.codecs()[0].feedback;
    assert!(feedback.remb && !feedback.transport_cc, "REMB where there is no transport-cc");
    assert_eq!(remb.received_extensions.id(Extension::AbsSendTime), Some(3));
}

#[test]
fn data_channels_are_rejected_alone() {
    for name in ["chromium-fixed_slots_datachannel.offer.sdp", "firefox-fixed_slots_datachannel.offer.sdp"] {
        let negotiated = negotiate(name, Purpose::Call);
        assert_eq!(negotiated.media[4].role, Role::Rejected(Rejection::Kind));
        assert!(negotiated.sdp.contains("a=group:BUNDLE 0 1 2 3\r\n"));
        assert!(negotiated.sdp.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    }
}

/// Names an offer, changes it, and says what must come of it.
fn refused(change: impl Fn(&str) -> String) -> SdpError {
    let offer = read("chromium-fixed_slots_datachannel.offer.sdp");
    let changed = change(&offer);
    assert_ne!(offer, changed, "the change must hit");
    let error = Offer::parse(&changed).expect_err("must be refused");
    let password = Offer::parse(&offer).expect("good before").ice().password.clone();
    assert!(!error.to_string().contains(&password) && !format!("{error:?}").contains(&password), "SEC-23");
    error
}

#[test]
fn sec_04_only_dtls_srtp_with_a_strong_fingerprint() {
    for protocol in ["RTP/AVPF", "RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"] {
        let error = refused(|offer| offer.replacen("UDP/TLS/RTP/SAVPF", protocol, 1));
        assert!(matches!(error, SdpError::Protocol { .. }), "{protocol}: {error}");
    }
    let without = |name: &'static str| {
        move |offer: &str| {
            let kept: Vec<&str> = offer.lines().filter(|line| !line.starts_with(name)).collect();
            kept.join("\r\n")
        }
    };
    assert!(matches!(refused(without("a=fingerprint")), SdpError::FingerprintMissing { .. }));
    assert!(matches!(refused(|offer| offer.replace("sha-256", "md5")), SdpError::FingerprintWeak { .. }));
    assert!(matches!(refused(|offer| offer.replace("sha-256", "sha-1")), SdpError::FingerprintWeak { .. }));
    assert!(matches!(refused(|offer| offer.replace("sha-256", "sha-512")), SdpError::Attribute { .. }));
    assert!(matches!(refused(without("a=ice-pwd")), SdpError::IceMissing { .. }));
    assert!(matches!(refused(without("a=setup")), SdpError::Setup { .. }));
    assert!(matches!(refused(|offer| offer.replace("setup:actpass", "setup:passive")), SdpError::Setup { .. }));
    assert!(matches!(refused(without("a=rtcp-mux")), SdpError::RtcpMuxMissing { .. }));
    assert!(matches!(refused(without("a=group")), SdpError::BundleMissing));
    assert!(matches!(refused(without("a=mid")), SdpError::MidMissing { .. }));
    assert!(matches!(refused(without("a=rtpmap")), SdpError::NothingAccepted));
}

#[test]
fn limits_are_kept_and_named() {
    let m_line = |count: usize| {
        move |offer: &str| format!("{offer}{}", "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:x\r\n".repeat(count))
    };
    assert!(matches!(refused(m_line(40)), SdpError::TooMany { what: "m-lines", max: 32, .. }));
    assert!(matches!(refused(m_line(2)), SdpError::MidRepeated { .. }));
    assert!(matches!(refused(|offer| format!("{offer}{}", "a=x\r\n".repeat(20_000))), SdpError::TooLong { .. }));
    let long_mid = |offer: &str| offer.replace("a=mid:0", "a=mid:01234567890123456");
    assert!(matches!(refused(long_mid), SdpError::MidInvalid { .. }));
    let formats = |offer: &str| offer.replacen("SAVPF 111", &format!("SAVPF {}111", "0 ".repeat(96)), 1);
    assert!(matches!(refused(formats), SdpError::TooMany { what: "payload types", .. }));
    let rids = |offer: &str| offer.replace("a=rid:q send", "a=rid:q send\r\na=rid:r send\r\na=rid:s send");
    assert!(matches!(refused(rids), SdpError::TooMany { what: "encodings on one m-line", max: 4, .. }));
    let unknown_rid = |offer: &str| offer.replace("a=simulcast:send q", "a=simulcast:send z");
    assert!(matches!(refused(unknown_rid), SdpError::Attribute { name: "simulcast", .. }));
    let conflict = |offer: &str| {
        offer.replace("a=extmap:14 urn:ietf:params:rtp-hdrext:toffset", "a=extmap:1 urn:3gpp:video-orientation")
    };
    assert!(matches!(refused(conflict), SdpError::ExtensionConflict { id: 1, .. }));
    // An id stays taken by the m-lines before one that moves its extension elsewhere.
    let moved = |offer: &str| {
        let (before, last) = offer.rsplit_once("m=video").expect("slots for pictures come last");
        assert!(!last.contains("m=audio"));
        let two = "a=extmap:200 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:1 urn:3gpp:video-orientation";
        format!("{before}m=video{}", last.replacen("a=extmap:13 urn:3gpp:video-orientation", two, 1))
    };
    assert!(matches!(refused(moved), SdpError::ExtensionConflict { id: 1, .. }));
    assert!(matches!(refused(|offer| offer.replacen("SAVPF 111", "SAVPF 128", 1)), SdpError::MediaLine { .. }));
}

/// Numbers 64 to 95 read as RTCP on a shared port (RFC 5761 §4).
#[test]
fn payload_types_of_rtcp_are_not_taken() {
    let offer = read("obs-publish.offer.sdp");
    let audio =
        |number: &str| offer.replace("SAVPF 111", &format!("SAVPF {number}")).replace(":111 ", &format!(":{number} "));
    for number in ["35", "63", "96", "127"] {
        let negotiated = answer_for(&Offer::parse(&audio(number)).expect("good"), Purpose::Publish);
        assert!(negotiated.media[0].is_accepted(), "{number}");
    }
    for number in ["64", "72", "95"] {
        let negotiated = answer_for(&Offer::parse(&audio(number)).expect("good"), Purpose::Publish);
        assert_eq!(negotiated.media[0].role, Role::Rejected(Rejection::NoCodec), "{number}");
    }
}

#[test]
fn later_offers_may_add_turn_and_restart_but_not_replace() {
    let text = read("chromium-sendrecv.offer.sdp");
    let first = Offer::parse(&text).expect("good");
    let changes = |text: &str| Offer::parse(text).expect("good").changes_since(&first.outline());
    assert_eq!(changes(&text).map(|changes| changes.ice_restart), Ok(false));
    assert_eq!(changes(&text.replace("a=sendrecv", "a=inactive")).map(|changes| changes.ice_restart), Ok(false));
    assert_eq!(changes(&text.replace("a=ice-pwd:", "a=ice-pwd:new")).map(|changes| changes.ice_restart), Ok(true));

    let grown = text.replace("BUNDLE 0 1", "BUNDLE 0 1 2");
    let grown = grown.clone()
        + &grown[grown.find("m=audio").expect("there")..grown.find("m=video").expect("there")]
            .replace("a=mid:0", "a=mid:2");
    assert!(changes(&grown).is_ok());
    let before = Offer::parse(&grown).expect("good");
    assert_eq!(first.changes_since(&before.outline()), Err(SdpError::MediaReplaced { index: 2 }));
    let renamed = text.replace("BUNDLE 0 1", "BUNDLE 0 7").replace("a=mid:1", "a=mid:7");
    assert_eq!(changes(&renamed), Err(SdpError::MediaReplaced { index: 1 }));
    let digest = text.split("sha-256 ").nth(1).and_then(|rest| rest.lines().next()).expect("there");
    let other_key = text.replace(digest, &digest.chars().rev().collect::<String>());
    assert_eq!(changes(&other_key), Err(SdpError::FingerprintChanged));
}

#[test]
fn truncated_at_each_line_nothing_panics_and_errors_say_something() {
    for name in ["firefox-fixed_slots_datachannel", "chromium-simulcast_sendrecv", "aiortc-sendrecv", "obs-publish"] {
        let text = read(&format!("{name}.offer.sdp"));
        let lines: Vec<&str> = text.lines().collect();
        for kept in 0..lines.len() {
            match Offer::parse(&lines[..kept].join("\r\n")) {
                Ok(offer) => drop(answer_for(&offer, Purpose::Call)),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Lines dropped, doubled, swapped between offers and damaged: answered or refused, never a panic.
    #[test]
    fn sec_06_damaged_offers_never_panic(
        which in 0..64_usize,
        edits in prop::collection::vec((0..2000_usize, 0..6_u8, 0..2000_usize, any::<char>()), 1..12),
    ) {
        let names = offer_names();
        let text = read(&names[which % names.len()]);
        let other = read(&names[(which / 2) % names.len()]);
        let others: Vec<&str> = other.lines().collect();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (at, kind, from, letter) in edits {
            let at = at % lines.len();
            match kind {
                0 if lines.len() > 1 => drop(lines.remove(at)),
                1 => lines.insert(at, others[from % others.len()].to_owned()),
                2 => lines[at] = others[from % others.len()].to_owned(),
                3 => lines[at].push(letter),
                4 => lines[at] = lines[at].chars().take(from % 40).collect(),
                _ => lines[at] = lines[at].replace(char::is_numeric, &letter.to_string()),
            }
        }
        if let Ok(offer) = Offer::parse(&lines.join("\n")) {
            let negotiated = answer_for(&offer, Purpose::Call);
            prop_assert_eq!(negotiated.media.len(), offer.media().len());
        }
    }

    #[test]
    fn sec_06_garbage_never_panics(text in "(v=0\n)?([a-z]=\\PC{0,40}\n){0,20}") {
        let _ = Offer::parse(&text);
    }
}
