//! ICE as SDP writes it: credentials and candidates (RFC 8839), with priorities by RFC 8445 §5.1.2.

use super::SdpError;
use super::line::Section;
use std::fmt;
use std::net::SocketAddr;

/// Longest ufrag and password that RFC 8839 §5.4 allows.
const CREDENTIAL_MAX: usize = 256;
/// Shortest ufrag (24 bits of randomness) and shortest password (128 bits) that RFC 8839 §5.4 allows.
const UFRAG_MIN: usize = 4;
const PASSWORD_MIN: usize = 22;

/// A username fragment and its password. Debug shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// The username fragment.
    pub ufrag: String,
    /// The password, a secret.
    pub password: String,
}

impl IceCredentials {
    /// Takes the credentials of the m-line, else of the session; `None` if one of the two is missing.
    pub(super) fn parse(media: &Section<'_>, session: &Section<'_>) -> Result<Option<Self>, SdpError> {
        let section = if media.has("ice-ufrag") { media } else { session };
        let (Some(ufrag), Some(password)) = (section.first("ice-ufrag"), section.first("ice-pwd")) else {
            return Ok(None);
        };
        if !is_credential(ufrag.value, UFRAG_MIN) {
            let expected = "4 to 256 letters, digits, + or /";
            return Err(SdpError::Attribute { line: ufrag.line, name: "ice-ufrag", expected });
        }
        if !is_credential(password.value, PASSWORD_MIN) {
            let expected = "22 to 256 letters, digits, + or /";
            return Err(SdpError::Attribute { line: password.line, name: "ice-pwd", expected });
        }
        Ok(Some(Self { ufrag: ufrag.value.to_owned(), password: password.value.to_owned() }))
    }
}

/// `ice-char` of RFC 8839 §5.4, and `-` and `_`, which some clients use although it leaves them out.
fn is_credential(text: &str, min: usize) -> bool {
    (min..=CREDENTIAL_MAX).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_'))
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IceCredentials(..)")
    }
}

/// An address of ours at which a client reaches its worker: always a host candidate, always component 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where to send.
    pub address: SocketAddr,
    /// How.
    pub transport: CandidateTransport,
    /// Higher is tried first (RFC 8445 §5.1.2.1).
    pub priority: u32,
}

/// The carrier of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateTransport {
    /// UDP.
    Udp,
    /// TCP that the client opens (RFC 6544, `tcptype passive`).
    TcpPassive,
}

impl Candidate {
    /// A UDP candidate; `preference` orders several addresses, higher first.
    #[must_use]
    pub fn udp(address: SocketAddr, preference: u16) -> Self {
        // Type preference 126: host candidates (RFC 8445 §5.1.2.2).
        Self { address, transport: CandidateTransport::Udp, priority: priority(126, preference) }
    }

    /// A TCP candidate. Below every UDP candidate: media over TCP stalls on loss (RFC 6544 §4.2).
    #[must_use]
    pub fn tcp(address: SocketAddr, preference: u16) -> Self {
        Self { address, transport: CandidateTransport::TcpPassive, priority: priority(90, preference) }
    }
}

/// RFC 8445 §5.1.2.1, component 1.
fn priority(type_preference: u32, local_preference: u16) -> u32 {
    (type_preference << 24) + (u32::from(local_preference) << 8) + 255
}

impl Candidate {
    /// Writes the `a=candidate` lines and the one that says that there are no more.
    pub(super) fn write_all(candidates: &[Self], out: &mut impl fmt::Write) -> fmt::Result {
        for (index, candidate) in candidates.iter().enumerate() {
            out.write_str("a=candidate:")?;
            candidate.write(index, out)?;
            out.write_str("\r\n")?;
        }
        out.write_str("a=end-of-candidates\r\n")
    }

    /// Writes the value of `a=candidate`; `index` is its place in the list and makes the foundation, since no two of
    /// our addresses share a base.
    fn write(&self, index: usize, out: &mut impl fmt::Write) -> fmt::Result {
        let (transport, suffix) = match self.transport {
            CandidateTransport::Udp => ("udp", ""),
            CandidateTransport::TcpPassive => ("tcp", " tcptype passive"),
        };
        let (ip, port) = (self.address.ip(), self.address.port());
        write!(out, "{} 1 {transport} {} {ip} {port} typ host{suffix}", index + 1, self.priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_written_as_rfc_8839_and_6544_say() {
        let address = "192.0.2.1:3478".parse().expect("literal");
        let mut text = String::new();
        Candidate::udp(address, u16::MAX).write(0, &mut text).expect("strings take everything");
        assert_eq!(text, "1 1 udp 2130706431 192.0.2.1 3478 typ host");
        text.clear();
        let address = "[2001:db8::1]:443".parse().expect("literal");
        Candidate::tcp(address, u16::MAX).write(1, &mut text).expect("strings take everything");
        assert_eq!(text, "2 1 tcp 1526726655 2001:db8::1 443 typ host tcptype passive");
    }

    #[test]
    fn credentials_have_the_lengths_and_letters_of_rfc_8839() {
        assert!(is_credential("Oc+/", UFRAG_MIN) && is_credential(&"x".repeat(256), UFRAG_MIN));
        for bad in ["abc", "abc:", "ab c", "\u{e9}\u{e9}", &"x".repeat(257)] {
            assert!(!is_credential(bad, UFRAG_MIN), "{bad:?}");
        }
    }

    #[test]
    fn sec_23_debug_shows_no_password() {
        let credentials = IceCredentials { ufrag: "abcd".into(), password: "9Ld7qbATyejehaogsz/vnxIS".into() };
        assert_eq!(format!("{credentials:?}"), "IceCredentials(..)");
    }
}
