//! Why an offer was refused, said so that whoever wrote the client can mend it.

use crate::id::{MID_MAX, Mid};

/// Why an offer cannot be answered. Every message names the place (a line counted from 1, or a mid) and the way out;
/// none quotes the offer, which holds an ICE password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Larger than [`super::OFFER_BYTES_MAX`] or [`super::FRAGMENT_BYTES_MAX`].
    #[error("the description is {bytes} bytes long and at most {max} are accepted: offer fewer m-lines or codecs")]
    TooLong {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not a session description at all.
    #[error(
        "the offer does not begin with v=0: send the text of the session description as it is, not wrapped in JSON"
    )]
    NotSdp,
    /// A line that is not `<letter>=<value>`.
    #[error("line {line} is not of the form <letter>=<value>: send the description unchanged")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// An m-line that cannot be read.
    #[error("line {line}: expected m=<media> <port> <protocol> <formats>, payload types being 0 to 127")]
    MediaLine {
        /// Counted from 1.
        line: usize,
    },
    /// An attribute that cannot be read.
    #[error("line {line}: a={name} should be {expected}")]
    Attribute {
        /// Counted from 1.
        line: usize,
        /// Its name.
        name: &'static str,
        /// The form it should have.
        expected: &'static str,
    },
    /// More of something than we take.
    #[error("line {line}: more than {max} {what}: offer fewer")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
        /// Where it was passed, counted from 1.
        line: usize,
    },
    /// An m-line without `a=mid`.
    #[error("the m-line at line {line} has no a=mid: give each m-line one (RFC 9143)")]
    MidMissing {
        /// Of the m-line, counted from 1.
        line: usize,
    },
    /// A mid that is empty, too long or not visible ASCII.
    #[error("line {line}: a mid has 1 to {MID_MAX} visible ASCII characters")]
    MidInvalid {
        /// Counted from 1.
        line: usize,
    },
    /// Two m-lines of one mid.
    #[error("two m-lines have the mid {mid}: give each its own")]
    MidRepeated {
        /// The mid.
        mid: Mid,
    },
    /// No `a=group:BUNDLE` with an audio or video m-line in it.
    #[error("no audio or video m-line is in an a=group:BUNDLE: set bundlePolicy to max-bundle")]
    BundleMissing,
    /// Not DTLS-SRTP with feedback over UDP (SEC-04).
    #[error("mid {mid} has a protocol other than UDP/TLS/RTP/SAVPF: only encrypted media (DTLS-SRTP) is accepted")]
    Protocol {
        /// The m-line.
        mid: Mid,
    },
    /// RTP and RTCP on two ports.
    #[error("mid {mid} has no a=rtcp-mux: set rtcpMuxPolicy to require")]
    RtcpMuxMissing {
        /// The m-line.
        mid: Mid,
    },
    /// No ICE credentials where they belong.
    #[error("mid {mid} has no a=ice-ufrag and a=ice-pwd, nor has the session")]
    IceMissing {
        /// The first bundled m-line.
        mid: Mid,
    },
    /// A fragment without ICE credentials.
    #[error("the fragment has no a=ice-ufrag and a=ice-pwd, neither before nor in its first m-line (RFC 8840)")]
    FragmentWithoutIce,
    /// Neither the m-line nor the session has a fingerprint (SEC-04).
    #[error("mid {mid} has no a=fingerprint, nor has the session: only media keyed by DTLS is accepted")]
    FingerprintMissing {
        /// The first bundled m-line.
        mid: Mid,
    },
    /// Only fingerprints by weak hashes (SEC-04).
    #[error("mid {mid} has no a=fingerprint by sha-256, sha-384 or sha-512: other hashes are not accepted")]
    FingerprintWeak {
        /// The first bundled m-line.
        mid: Mid,
    },
    /// The client wants to be the DTLS server, or does not say.
    #[error(
        "mid {mid} must have a=setup:actpass or a=setup:active: this server is the passive side of DTLS \
         (with FFmpeg: -whip_flags dtls_active)"
    )]
    Setup {
        /// The first bundled m-line.
        mid: Mid,
    },
    /// One extension id with two meanings in one BUNDLE (RFC 8843 §9.2).
    #[error("mid {mid} gives header extension id {id} another meaning than an m-line before it: use one id per URI")]
    ExtensionConflict {
        /// The second m-line.
        mid: Mid,
        /// The id.
        id: u8,
    },
    /// Nothing that we can send or receive.
    #[error(
        "nothing in the offer can be accepted: offer Opus, VP8, H264, VP9 or AV1 on an m-line that sends or receives"
    )]
    NothingAccepted,
    /// A later offer with fewer m-lines, or with another kind or mid at some place.
    #[error("m-line {index} of the new offer is not the one of the last offer: m-lines may only be added at the end")]
    MediaReplaced {
        /// Counted from 0.
        index: usize,
    },
    /// A later offer of another certificate.
    #[error("the fingerprint changed within the session: leave and join again to use another certificate")]
    FingerprintChanged,
}
