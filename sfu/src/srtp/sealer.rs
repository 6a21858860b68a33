//! The sending side: seals into the caller's buffer.

use std::fmt;

use super::cipher::{RTCP_CLEAR_BYTES, RtcpCipher, RtpCipher};
use super::keys::MasterKey;
use crate::rtp::header::FIXED_HEADER_BYTES;
use crate::rtp::{ExtendedSequence, SequenceNumber};

/// Indices of SRTCP have 31 bits; a session that used them all would need new keys (RFC 3711 §9.2).
const RTCP_INDEX_END: u32 = 1 << 31;

/// Seals what we send to one participant.
///
/// The caller owns sequence numbers and their roll-over counters, and never seals two packets with the same (SSRC,
/// extended sequence): that would repeat a nonce, and the receiver would take the second for a replay (media trap F2).
pub struct SrtpSealer {
    rtp_cipher: RtpCipher,
    rtcp_cipher: RtcpCipher,
    rtcp_index: u32,
}

impl SrtpSealer {
    /// For packets we send: our key.
    #[must_use]
    pub fn new(ours: &MasterKey) -> Self {
        Self { rtp_cipher: RtpCipher::new(ours), rtcp_cipher: RtcpCipher::new(ours), rtcp_index: 0 }
    }

    /// Seals `payload` behind the RTP header that is already written in `out[..header_len]`, straight from where it
    /// lies. `roc` is the roll-over counter of the header's sequence number. Returns the length of the sealed packet,
    /// or `None` if `out` has no room for payload and tag.
    #[inline]
    #[must_use]
    pub fn seal_rtp(&self, roc: u32, out: &mut [u8], header_len: usize, payload: &[u8]) -> Option<usize> {
        let len = header_len + payload.len() + self.rtp_cipher.tag_len();
        let out = out.get_mut(..len)?;
        let (ssrc, sequence) = ssrc_and_sequence(roc, out, header_len);
        self.rtp_cipher.seal_from(ssrc, sequence.0, header_len, payload, out);
        Some(len)
    }

    /// As [`SrtpSealer::seal_rtp`], for a payload in two parts: a rewritten codec descriptor and the rest as it was
    /// received.
    #[inline]
    #[must_use]
    pub fn seal_rtp_parts(
        &self,
        roc: u32,
        out: &mut [u8],
        header_len: usize,
        descriptor: &[u8],
        rest: &[u8],
    ) -> Option<usize> {
        let rest_at = header_len + descriptor.len();
        let tag_at = rest_at + rest.len();
        let out = out.get_mut(..tag_at + self.rtp_cipher.tag_len())?;
        out[header_len..rest_at].copy_from_slice(descriptor);
        out[rest_at..tag_at].copy_from_slice(rest);
        let (ssrc, sequence) = ssrc_and_sequence(roc, out, header_len);
        self.rtp_cipher.seal_in_place(ssrc, sequence.0, header_len, out);
        Some(out.len())
    }

    /// Seals the compound RTCP packet in `out[..len]` in place. Returns the length of the sealed packet, or `None` if
    /// `out` has no room for what sealing adds (at most [`super::SRTCP_OVERHEAD_MAX`]).
    #[must_use]
    pub fn seal_rtcp(&mut self, out: &mut [u8], len: usize) -> Option<usize> {
        assert!(len >= RTCP_CLEAR_BYTES, "an RTCP packet has a header and an SSRC");
        assert!(self.rtcp_index < RTCP_INDEX_END, "at 100 packets a second this takes eight months");
        let out = out.get_mut(..len + self.rtcp_cipher.overhead())?;
        let ssrc = u32::from_be_bytes([out[4], out[5], out[6], out[7]]);
        self.rtcp_cipher.seal_in_place(ssrc, self.rtcp_index, out);
        self.rtcp_index += 1;
        Some(out.len())
    }
}

#[inline]
fn ssrc_and_sequence(roc: u32, packet: &[u8], header_len: usize) -> (u32, ExtendedSequence) {
    assert!(header_len >= FIXED_HEADER_BYTES && packet.len() >= header_len);
    let number = SequenceNumber(u16::from_be_bytes([packet[2], packet[3]]));
    let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
    (ssrc, ExtendedSequence::new(roc, number))
}

/// Shows no key.
impl fmt::Debug for SrtpSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpSealer").field("rtcp_index", &self.rtcp_index).finish_non_exhaustive()
    }
}
