//! One packet, one known index: sealing and opening for whichever profile. No state but keys.

use super::cm::{self, CmSha1};
use super::gcm::{self, Gcm};
use super::kdf::Label;
use super::keys::{MasterKey, SrtpProfile};
use super::{SRTCP_OVERHEAD_MAX, SRTP_OVERHEAD_MAX};

/// The part of an RTCP packet that stays in the clear: the first header with its SSRC (RFC 3711 §3.4).
pub(super) const RTCP_CLEAR_BYTES: usize = 8;
/// The word after the encrypted part: E flag and index.
const RTCP_INDEX_BYTES: usize = 4;
const RTCP_ENCRYPTED_FLAG: u32 = 1 << 31;

const _: () = assert!(SRTP_OVERHEAD_MAX == gcm::TAG && SRTCP_OVERHEAD_MAX == gcm::TAG + RTCP_INDEX_BYTES);

/// Session keys for SRTP, one direction. The rarer profile is boxed: its expanded keys are 20 times as large.
pub(super) enum RtpCipher {
    Gcm(Gcm),
    Cm(Box<CmSha1>),
}

/// Session keys for SRTCP, one direction.
pub(super) enum RtcpCipher {
    Gcm(Gcm),
    Cm(Box<CmSha1>),
}

impl RtpCipher {
    pub(super) fn new(master: &MasterKey) -> Self {
        use Label::{RtpAuthentication, RtpEncryption, RtpSalt};
        match master.profile() {
            SrtpProfile::AeadAes128Gcm | SrtpProfile::AeadAes256Gcm => {
                Self::Gcm(Gcm::new(master, RtpEncryption, RtpSalt))
            }
            SrtpProfile::Aes128CmSha1_80 => {
                Self::Cm(Box::new(CmSha1::new(master, RtpEncryption, RtpAuthentication, RtpSalt)))
            }
        }
    }

    pub(super) fn tag_len(&self) -> usize {
        match self {
            Self::Gcm(_) => gcm::TAG,
            Self::Cm(_) => cm::TAG,
        }
    }

    /// Seals `payload` behind the header that fills the front of `out`, which has exactly the room it takes.
    #[inline]
    pub(super) fn seal_from(&self, ssrc: u32, index: u64, header_len: usize, payload: &[u8], out: &mut [u8]) {
        match self {
            Self::Gcm(gcm) => {
                let (header, body) = out.split_at_mut(header_len);
                gcm.seal_from(ssrc, index, header, payload, body);
            }
            Self::Cm(_) => {
                out[header_len..header_len + payload.len()].copy_from_slice(payload);
                self.seal_in_place(ssrc, index, header_len, out);
            }
        }
    }

    /// Seals the packet in `out` in place; its last bytes are free for the tag.
    #[inline]
    pub(super) fn seal_in_place(&self, ssrc: u32, index: u64, header_len: usize, out: &mut [u8]) {
        match self {
            Self::Gcm(gcm) => {
                let (header, body) = out.split_at_mut(header_len);
                gcm.seal_in_place(ssrc, index, header, body);
            }
            Self::Cm(cm) => {
                let (packet, tag) = out.split_at_mut(out.len() - cm::TAG);
                cm.apply_key_stream(ssrc, index, &mut packet[header_len..]);
                tag.copy_from_slice(&cm.tag(packet, &roll_over_counter(index)));
            }
        }
    }

    /// Opens a packet in place, which is at least as long as its header and tag. Says whether it is authentic; if not,
    /// the payload may be destroyed.
    #[inline]
    #[must_use]
    pub(super) fn open_in_place(&self, ssrc: u32, index: u64, header_len: usize, packet: &mut [u8]) -> bool {
        match self {
            Self::Gcm(gcm) => {
                let (header, body) = packet.split_at_mut(header_len);
                gcm.open_in_place(ssrc, index, header, body)
            }
            Self::Cm(cm) => {
                let (packet, tag) = packet.split_at_mut(packet.len() - cm::TAG);
                let is_authentic = cm.verifies(packet, &roll_over_counter(index), tag);
                if is_authentic {
                    cm.apply_key_stream(ssrc, index, &mut packet[header_len..]);
                }
                is_authentic
            }
        }
    }
}

/// What the tag covers beyond the packet (RFC 3711 §4.2).
fn roll_over_counter(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

impl RtcpCipher {
    pub(super) fn new(master: &MasterKey) -> Self {
        use Label::{RtcpAuthentication, RtcpEncryption, RtcpSalt};
        match master.profile() {
            SrtpProfile::AeadAes128Gcm | SrtpProfile::AeadAes256Gcm => {
                Self::Gcm(Gcm::new(master, RtcpEncryption, RtcpSalt))
            }
            SrtpProfile::Aes128CmSha1_80 => {
                Self::Cm(Box::new(CmSha1::new(master, RtcpEncryption, RtcpAuthentication, RtcpSalt)))
            }
        }
    }

    /// What sealing adds: tag and index word.
    pub(super) fn overhead(&self) -> usize {
        RTCP_INDEX_BYTES
            + match self {
                Self::Gcm(_) => gcm::TAG,
                Self::Cm(_) => cm::TAG,
            }
    }

    /// The index in a packet at least [`RTCP_CLEAR_BYTES`] and [`Self::overhead`] long; `None` if it is not encrypted,
    /// which WebRTC never allows (RFC 8827 §6.5).
    #[inline]
    pub(super) fn index_of(&self, packet: &[u8]) -> Option<u32> {
        let end = match self {
            Self::Gcm(_) => packet.len(),
            Self::Cm(_) => packet.len() - cm::TAG,
        };
        let word = u32::from_be_bytes(*packet[..end].last_chunk::<RTCP_INDEX_BYTES>()?);
        (word & RTCP_ENCRYPTED_FLAG != 0).then_some(word & !RTCP_ENCRYPTED_FLAG)
    }

    /// Seals the packet in `out` in place; its last [`Self::overhead`] bytes are free.
    pub(super) fn seal_in_place(&self, ssrc: u32, index: u32, out: &mut [u8]) {
        let index_word = (index | RTCP_ENCRYPTED_FLAG).to_be_bytes();
        match self {
            Self::Gcm(gcm) => {
                let (sealed, word) = out.split_at_mut(out.len() - RTCP_INDEX_BYTES);
                word.copy_from_slice(&index_word);
                let (clear, body) = sealed.split_at_mut(RTCP_CLEAR_BYTES);
                gcm.seal_in_place(ssrc, u64::from(index), &gcm_rtcp_aad(clear, index_word), body);
            }
            Self::Cm(cm) => {
                let (authenticated, tag) = out.split_at_mut(out.len() - cm::TAG);
                let (packet, word) = authenticated.split_at_mut(authenticated.len() - RTCP_INDEX_BYTES);
                cm.apply_key_stream(ssrc, u64::from(index), &mut packet[RTCP_CLEAR_BYTES..]);
                word.copy_from_slice(&index_word);
                tag.copy_from_slice(&cm.tag(authenticated, &[]));
            }
        }
    }

    /// Opens a packet in place, at least [`RTCP_CLEAR_BYTES`] and [`Self::overhead`] long. Says whether it is
    /// authentic.
    #[must_use]
    pub(super) fn open_in_place(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> bool {
        let index_word = (index | RTCP_ENCRYPTED_FLAG).to_be_bytes();
        match self {
            Self::Gcm(gcm) => {
                let sealed_len = packet.len() - RTCP_INDEX_BYTES;
                let (clear, body) = packet[..sealed_len].split_at_mut(RTCP_CLEAR_BYTES);
                gcm.open_in_place(ssrc, u64::from(index), &gcm_rtcp_aad(clear, index_word), body)
            }
            Self::Cm(cm) => {
                let (authenticated, tag) = packet.split_at_mut(packet.len() - cm::TAG);
                let is_authentic = cm.verifies(authenticated, &[], tag);
                if is_authentic {
                    let end = authenticated.len() - RTCP_INDEX_BYTES;
                    cm.apply_key_stream(ssrc, u64::from(index), &mut authenticated[RTCP_CLEAR_BYTES..end]);
                }
                is_authentic
            }
        }
    }
}

/// The clear bytes and the index word, which lie apart in the packet (RFC 7714 §9.2).
fn gcm_rtcp_aad(clear: &[u8], index_word: [u8; RTCP_INDEX_BYTES]) -> [u8; RTCP_CLEAR_BYTES + RTCP_INDEX_BYTES] {
    let mut aad = [0; RTCP_CLEAR_BYTES + RTCP_INDEX_BYTES];
    aad[..RTCP_CLEAR_BYTES].copy_from_slice(clear);
    aad[RTCP_CLEAR_BYTES..].copy_from_slice(&index_word);
    aad
}
