//! SDP as a bot writes and reads it: its offer, a server's answer, and for servers that offer themselves the other way
//! round.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use tillside_sfu::dtls::Fingerprint;

/// Payload types of our offers; a server that offers chooses its own.
const OPUS: u8 = 111;
const VP8: u8 = 96;
const RTX: u8 = 97;

/// URIs of the header extensions that bots know, with the ids of our offers.
const AUDIO_LEVEL: (u8, &str) = (1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level");
const TRANSPORT_CC: (u8, &str) = (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01");
const MID: (u8, &str) = (4, "urn:ietf:params:rtp-hdrext:sdes:mid");
const RID: (u8, &str) = (10, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id");

/// ICE user name fragment and password. Debug shows neither.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Sound or pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Audio,
    Video,
}

/// One m-line of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A track with its SSRC; `rids` are its simulcast encodings, which announce no SSRC.
    Send { kind: Kind, ssrc: u32, rids: &'static [&'static str] },
    /// A slot.
    Receive(Kind),
}

impl Line {
    fn kind(&self) -> Kind {
        match self {
            Self::Send { kind, .. } | Self::Receive(kind) => *kind,
        }
    }
}

/// What a payload type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Media(Kind),
    /// Retransmissions (RFC 4588).
    Repair,
}

/// Header extension ids that both sides know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ExtensionIds {
    pub(super) audio_level: Option<u8>,
    pub(super) transport_cc: Option<u8>,
    pub(super) mid: Option<u8>,
    pub(super) rid: Option<u8>,
}

/// The other side's description.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(super) credentials: Credentials,
    pub(super) fingerprint: Fingerprint,
    /// Its first candidate that bots can use.
    pub(crate) address: SocketAddr,
    payloads: Vec<(u8, Payload)>,
    pub(super) extensions: ExtensionIds,
}

/// Writes an offer. `setup` is `actpass`, or `active` where the server would otherwise be the DTLS client.
pub(crate) fn write_offer(lines: &[Line], local: &Credentials, fingerprint: &Fingerprint, setup: &str) -> String {
    let mids: String = (0..lines.len()).fold(String::new(), |text, mid| text + &format!(" {mid}"));
    let mut sdp = format!(
        "v=0\r\no=- 4611732 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE{mids}\r\na=extmap-allow-mixed\r\n\
         a=msid-semantic: WMS *\r\n"
    );
    for (mid, line) in lines.iter().enumerate() {
        write_line(&mut sdp, mid, line, &transport(local, fingerprint, setup)).expect("strings take everything");
    }
    sdp
}

fn transport(local: &Credentials, fingerprint: &Fingerprint, setup: &str) -> String {
    format!(
        "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n\
         a=fingerprint:{fingerprint}\r\na=setup:{setup}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
        local.ufrag, local.password
    )
}

fn write_line(sdp: &mut String, mid: usize, line: &Line, transport: &str) -> fmt::Result {
    let kind = line.kind();
    let heading = match kind {
        Kind::Audio => format!("m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}\r\n"),
        Kind::Video => format!("m=video 9 UDP/TLS/RTP/SAVPF {VP8} {RTX}\r\n"),
    };
    write!(sdp, "{heading}{transport}a=mid:{mid}\r\n")?;
    let known = match kind {
        Kind::Audio => [TRANSPORT_CC, MID, AUDIO_LEVEL],
        Kind::Video => [TRANSPORT_CC, MID, RID],
    };
    for (id, uri) in known {
        write!(sdp, "a=extmap:{id} {uri}\r\n")?;
    }
    match kind {
        Kind::Audio => write!(
            sdp,
            "a=rtpmap:{OPUS} opus/48000/2\r\na=rtcp-fb:{OPUS} transport-cc\r\n\
             a=fmtp:{OPUS} minptime=10;useinbandfec=1\r\n"
        )?,
        Kind::Video => write!(
            sdp,
            "a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} transport-cc\r\na=rtcp-fb:{VP8} ccm fir\r\n\
             a=rtcp-fb:{VP8} nack\r\na=rtcp-fb:{VP8} nack pli\r\na=rtpmap:{RTX} rtx/90000\r\na=fmtp:{RTX} apt={VP8}\r\n"
        )?,
    }
    match line {
        Line::Receive(_) => sdp.push_str("a=recvonly\r\n"),
        Line::Send { ssrc, rids: [], .. } => {
            write!(sdp, "a=sendonly\r\na=msid:bot track-{mid}\r\na=ssrc:{ssrc} cname:bot\r\n")?;
        }
        Line::Send { rids, .. } => {
            write!(sdp, "a=sendonly\r\na=msid:bot track-{mid}\r\n")?;
            for rid in *rids {
                write!(sdp, "a=rid:{rid} send\r\n")?;
            }
            write!(sdp, "a=simulcast:send {}\r\n", rids.join(";"))?;
        }
    }
    Ok(())
}

/// Answers a server's offer: takes all of it, as a receiver and as the DTLS client.
pub(crate) fn write_answer(offer: &str, local: &Credentials, fingerprint: &Fingerprint) -> String {
    let transport = transport(local, fingerprint, "active");
    let kept = ["a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:"];
    let mut sdp = String::from("v=0\r\no=- 4611732 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    for line in offer.lines().skip_while(|line| !line.starts_with("t=")) {
        if line.starts_with("m=") {
            write!(sdp, "{line}\r\n{transport}a=recvonly\r\n").expect("strings take everything");
        } else if kept.iter().any(|name| line.starts_with(name)) || line.starts_with("a=group:BUNDLE") {
            write!(sdp, "{line}\r\n").expect("strings take everything");
        }
    }
    sdp
}

impl Remote {
    /// Reads a server's answer or offer.
    ///
    /// # Errors
    /// What is missing, never what is there: descriptions hold passwords.
    pub(crate) fn read(sdp: &str) -> Result<Self, String> {
        let value = |name: &str| sdp.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let missing = |what: &str| format!("the server's description has no {what}");
        if sdp.lines().any(|line| line.starts_with("m=") && line.split(' ').nth(1) == Some("0")) {
            return Err("the server refused a track: does it take VP8 and Opus?".to_owned());
        }
        let fingerprint = value("a=fingerprint:").ok_or_else(|| missing("fingerprint"))?;
        Ok(Self {
            credentials: Credentials {
                ufrag: value("a=ice-ufrag:").ok_or_else(|| missing("ice-ufrag"))?,
                password: value("a=ice-pwd:").ok_or_else(|| missing("ice-pwd"))?,
            },
            fingerprint: Fingerprint::parse(&fingerprint).map_err(|error| error.to_string())?,
            address: sdp.lines().find_map(candidate).ok_or_else(|| missing("UDP candidate over IPv4"))?,
            payloads: sdp.lines().filter_map(payload).collect(),
            extensions: extensions(sdp),
        })
    }

    /// What a payload type carries; the same in all m-lines.
    pub(super) fn payload(&self, number: u8) -> Option<Payload> {
        self.payloads.iter().find(|(known, _)| *known == number).map(|(_, payload)| *payload)
    }

    /// The payload type to send a kind of media with.
    pub(super) fn payload_type(&self, kind: Kind) -> Option<u8> {
        self.payloads.iter().find(|(_, payload)| *payload == Payload::Media(kind)).map(|(number, _)| *number)
    }
}

/// The address of a UDP candidate over IPv4.
fn candidate(line: &str) -> Option<SocketAddr> {
    let fields: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
    let [_, component, transport, _, address, port, ..] = fields[..] else { return None };
    let address = SocketAddr::new(address.parse().ok()?, port.parse().ok()?);
    (component == "1" && transport.eq_ignore_ascii_case("udp") && address.is_ipv4()).then_some(address)
}

fn payload(line: &str) -> Option<(u8, Payload)> {
    let (number, codec) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
    let name = codec.split('/').next()?.to_ascii_lowercase();
    let payload = match name.as_str() {
        "opus" => Payload::Media(Kind::Audio),
        "vp8" => Payload::Media(Kind::Video),
        "rtx" => Payload::Repair,
        _ => return None,
    };
    Some((number.parse().ok().filter(|number| *number < 128)?, payload))
}

fn extensions(sdp: &str) -> ExtensionIds {
    let id = |wanted: &str| {
        let found = sdp.lines().filter_map(|line| line.strip_prefix("a=extmap:")?.split_once(' '));
        let mut ids = found.filter(|(_, uri)| uri.split(' ').next() == Some(wanted));
        ids.next().and_then(|(id, _)| id.split('/').next()?.parse().ok())
    };
    ExtensionIds { audio_level: id(AUDIO_LEVEL.1), transport_cc: id(TRANSPORT_CC.1), mid: id(MID.1), rid: id(RID.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials { ufrag: "bot1".to_owned(), password: "a-password-of-22-chars".to_owned() }
    }

    #[test]
    fn the_node_takes_our_offers() {
        let lines = [
            Line::Send { kind: Kind::Audio, ssrc: 1, rids: &[] },
            Line::Send { kind: Kind::Video, ssrc: 2, rids: &["q", "h", "f"] },
            Line::Receive(Kind::Audio),
            Line::Receive(Kind::Video),
        ];
        let text = write_offer(&lines, &credentials(), &Fingerprint::sha256_of(b"certificate"), "actpass");
        let offer = tillside_sfu::sdp::Offer::parse(&text).unwrap();
        assert_eq!(offer.media().len(), 4);
    }

    #[test]
    fn a_description_is_read() {
        let fingerprint = Fingerprint::sha256_of(b"certificate");
        let sdp = format!(
            "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 100 101\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:{fingerprint}\r\n\
             a=candidate:1 1 tcp 9 127.0.0.1 1 typ host tcptype passive\r\na=candidate:1 1 udp 9 ::1 2 typ host\r\n\
             a=candidate:1 1 UDP 9 127.0.0.1 3 typ host\r\na=rtpmap:100 VP8/90000\r\na=rtpmap:101 rtx/90000\r\n\
             a=extmap:5/sendonly http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
        );
        let remote = Remote::read(&sdp).unwrap();
        assert_eq!(remote.address, SocketAddr::from(([127, 0, 0, 1], 3)));
        assert_eq!(remote.payload_type(Kind::Video), Some(100));
        assert_eq!((remote.payload(101), remote.payload(9)), (Some(Payload::Repair), None));
        assert_eq!(remote.extensions, ExtensionIds { transport_cc: Some(5), ..ExtensionIds::default() });
        let error = Remote::read(&sdp.replace("a=ice-pwd:p", "")).unwrap_err();
        assert!(error.contains("ice-pwd"), "{error}");
        assert!(Remote::read(&sdp.replace("m=video 9", "m=video 0")).is_err(), "a refused track is an error");
    }

    #[test]
    fn a_server_s_offer_is_answered_as_a_receiver() {
        let offer = "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=room\r\nt=0 0\r\na=group:BUNDLE 0\r\na=ice-lite\r\n\
                     m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 1.2.3.4\r\na=sendonly\r\na=mid:0\r\na=setup:actpass\r\n\
                     a=ice-pwd:secret\r\na=rtpmap:96 VP8/90000\r\na=ssrc:7 cname:x\r\n";
        let answer = write_answer(offer, &credentials(), &Fingerprint::sha256_of(b"certificate"));
        for line in ["a=recvonly", "a=setup:active", "a=mid:0", "a=rtpmap:96 VP8/90000", "a=group:BUNDLE 0"] {
            assert!(answer.contains(line), "{line} is missing:\n{answer}");
        }
        for line in ["a=sendonly", "secret", "a=ssrc", "ice-lite", "actpass"] {
            assert!(!answer.contains(line), "{line} is there:\n{answer}");
        }
    }
}
