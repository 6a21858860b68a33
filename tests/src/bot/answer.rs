//! The answer as a bot reads it: where to send, whom to trust, and which SSRC each slot plays.

use super::offer::Credentials;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a bot needs of an answer.
pub struct Answer {
    /// The server's ICE credentials.
    pub ice: Credentials,
    /// The server's certificate fingerprint, SHA-256, as written.
    pub fingerprint: String,
    /// The server's UDP candidates, in order.
    pub candidates: Vec<SocketAddr>,
    /// The m-lines in order.
    pub lines: Vec<AnswerLine>,
}

/// One m-line of an answer.
#[derive(Default)]
pub struct AnswerLine {
    /// `a=mid`.
    pub mid: String,
    /// Port 0: the line was refused.
    pub refused: bool,
    /// The SSRC of the slot's media.
    pub ssrc: Option<u32>,
    /// The SSRC of its retransmissions.
    pub rtx_ssrc: Option<u32>,
}

impl Answer {
    /// Reads an answer; `Err` says what is missing.
    ///
    /// # Errors
    /// An answer without what every answer must have.
    pub fn parse(sdp: &str) -> Result<Self, &'static str> {
        let value = |name: &str| sdp.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Ok(Self {
            ice: Credentials {
                ufrag: value("a=ice-ufrag:").ok_or("no ice-ufrag")?,
                password: value("a=ice-pwd:").ok_or("no ice-pwd")?,
            },
            fingerprint: value("a=fingerprint:sha-256 ").ok_or("no sha-256 fingerprint")?,
            candidates: candidates(sdp),
            lines: sdp.split("\r\nm=").skip(1).map(parse_line).collect(),
        })
    }

    /// The slots by the SSRC of their media and of their retransmissions: `(line, is_retransmission)`.
    #[must_use]
    pub fn ssrcs(&self) -> BTreeMap<u32, (u8, bool)> {
        let mut ssrcs = BTreeMap::new();
        for (index, line) in (0u8..).zip(&self.lines) {
            ssrcs.extend(line.ssrc.map(|ssrc| (ssrc, (index, false))));
            ssrcs.extend(line.rtx_ssrc.map(|ssrc| (ssrc, (index, true))));
        }
        ssrcs
    }
}

fn candidates(sdp: &str) -> Vec<SocketAddr> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let [_, _, transport, _, address, port, ..] = fields[..] else { return None };
            let is_udp = transport.eq_ignore_ascii_case("udp");
            is_udp.then(|| Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))).flatten()
        })
        .collect()
}

fn parse_line(section: &str) -> AnswerLine {
    let mut line = AnswerLine { refused: section.split(' ').nth(1) == Some("0"), ..AnswerLine::default() };
    for attribute in section.lines() {
        if let Some(mid) = attribute.strip_prefix("a=mid:") {
            line.mid = mid.to_owned();
        } else if let Some(pair) = attribute.strip_prefix("a=ssrc-group:FID ") {
            line.rtx_ssrc = pair.split(' ').nth(1).and_then(|ssrc| ssrc.parse().ok());
        } else if let Some(source) = attribute.strip_prefix("a=ssrc:") {
            let ssrc = source.split(' ').next().and_then(|ssrc| ssrc.parse().ok());
            line.ssrc = line.ssrc.or(ssrc.filter(|ssrc| Some(*ssrc) != line.rtx_ssrc));
        }
    }
    line
}
