//! SRTP and SRTCP (RFC 3711, RFC 7714), in place and without allocating per packet.
//!
//! Owns the session keys of one transport, the roll-over counters and replay windows of what it receives, and the SRTCP
//! index of what it sends. Knows nothing of DTLS (it is given exported bytes) nor of what packets mean. State for a
//! stream exists only after one of its packets has been authenticated (media trap F3).

mod cipher;
mod cm;
mod gcm;
mod kdf;
mod keys;
mod opener;
mod replay;
mod sealer;
#[cfg(test)]
mod vectors;

use thiserror::Error;

pub use keys::{MasterKey, SrtpKeys, SrtpProfile};
pub use opener::{NewSsrc, OpenedRtp, SSRCS_PER_SESSION_MAX, SrtpOpener};
pub use replay::REPLAY_WINDOW;
pub use sealer::SrtpSealer;

/// Most bytes that sealing adds to an RTP packet, over all profiles.
pub const SRTP_OVERHEAD_MAX: usize = 16;
/// Most bytes that sealing adds to an RTCP packet, over all profiles: tag and index word.
pub const SRTCP_OVERHEAD_MAX: usize = 20;

/// Why a packet was not opened. All of these are the sender's or the network's doing: count and drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SrtpError {
    /// Shorter than its header and tag.
    #[error("packet is too short")]
    TooShort,
    /// Longer than any datagram we take.
    #[error("packet is too long")]
    TooLong,
    /// Not an RTP header, or not an RTCP one.
    #[error("not an RTP or RTCP packet")]
    NotRtp,
    /// Received before, or too old to tell.
    #[error("packet was replayed or is too old")]
    Replayed,
    /// The tag does not verify.
    #[error("packet is not authentic")]
    Unauthenticated,
    /// The session has all the streams it may have.
    #[error("too many streams in this session")]
    TooManySsrcs,
    /// A stream not seen before, and the caller did not admit new ones.
    #[error("new streams are not admitted now")]
    NotAdmitted,
}
