//! The offer of a bot: what Chromium writes, as far as it matters to an answerer.

use super::{BotConfig, SentTrack};
use std::fmt::Write as _;

/// Payload types of every bot; the server must map them between participants anyway.
pub const OPUS: u8 = 111;
/// See [`OPUS`].
pub const VP8: u8 = 96;
/// See [`OPUS`].
pub const RTX: u8 = 97;

/// Header extension ids of every bot.
pub mod extension {
    /// RFC 6464.
    pub const AUDIO_LEVEL: u8 = 1;
    /// Transport-wide congestion control, draft-holmer-rmcat-transport-wide-cc-extensions-01.
    pub const TRANSPORT_CC: u8 = 3;
    /// RFC 9143.
    pub const MID: u8 = 4;
    /// RFC 8852.
    pub const RID: u8 = 10;
    /// RFC 8852.
    pub const REPAIRED_RID: u8 = 11;
}

/// Our ICE user name fragment and password.
#[derive(Clone)]
pub struct Credentials {
    /// The user name fragment.
    pub ufrag: String,
    /// The password.
    pub password: String,
}

/// Writes the offer: sent tracks first, then slots; mids count from 0.
///
/// `ssrcs` are those of each encoding; like browsers, only tracks without simulcast announce theirs.
pub fn write(config: &BotConfig, ice: &Credentials, fingerprint: &str, ssrcs: &[(u32, u32)], version: u32) -> String {
    let lines = config.tracks.len() + config.audio_slots + config.video_slots;
    let mut sdp = format!("v=0\r\no=- 4611732 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    (0..lines).for_each(|mid| write!(sdp, " {mid}").expect("strings take everything"));
    sdp.push_str("\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n");
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
        ice.ufrag, ice.password
    );
    let kinds = config
        .tracks
        .iter()
        .map(|track| (track.is_audio(), Some(track)))
        .chain((0..config.audio_slots).map(|_| (true, None)))
        .chain((0..config.video_slots).map(|_| (false, None)));
    let mut ssrcs = ssrcs.iter();
    for (mid, (is_audio, track)) in kinds.enumerate() {
        sdp.push_str(if is_audio { AUDIO_HEADING } else { VIDEO_HEADING });
        sdp.push_str(&transport);
        write!(sdp, "a=mid:{mid}\r\n").expect("strings take everything");
        sdp.push_str(if is_audio { AUDIO } else { VIDEO });
        match track {
            Some(track) => {
                let of_track: Vec<_> = ssrcs.by_ref().take(track.rids.len().max(1)).collect();
                write_sent(&mut sdp, track, mid, *of_track[0]);
            }
            None => sdp.push_str("a=recvonly\r\n"),
        }
    }
    sdp
}

fn write_sent(sdp: &mut String, track: &SentTrack, mid: usize, (ssrc, rtx_ssrc): (u32, u32)) {
    write!(sdp, "a=sendonly\r\na=msid:- bot-{mid}\r\n").expect("strings take everything");
    if track.rids.is_empty() {
        if !track.is_audio() {
            write!(sdp, "a=ssrc-group:FID {ssrc} {rtx_ssrc}\r\na=ssrc:{rtx_ssrc} cname:bot\r\n")
                .expect("strings take everything");
        }
        write!(sdp, "a=ssrc:{ssrc} cname:bot\r\n").expect("strings take everything");
        return;
    }
    for rid in track.rids {
        write!(sdp, "a=rid:{rid} send\r\n").expect("strings take everything");
    }
    write!(sdp, "a=simulcast:send {}\r\n", track.rids.join(";")).expect("strings take everything");
}

const AUDIO_HEADING: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
const VIDEO_HEADING: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n";
const AUDIO: &str = "\
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
a=rtpmap:111 opus/48000/2\r\n\
a=rtcp-fb:111 transport-cc\r\n\
a=fmtp:111 minptime=10;useinbandfec=1\r\n";
const VIDEO: &str = "\
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
a=rtpmap:96 VP8/90000\r\n\
a=rtcp-fb:96 transport-cc\r\n\
a=rtcp-fb:96 ccm fir\r\n\
a=rtcp-fb:96 nack\r\n\
a=rtcp-fb:96 nack pli\r\n\
a=rtpmap:97 rtx/90000\r\n\
a=fmtp:97 apt=96\r\n";
