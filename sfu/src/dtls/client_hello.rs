//! The look into a client's hello, before any DTLS engine sees it.
//!
//! Which SRTP profile we end up with depends on the engine's version and on the order of the client's list, so the
//! version is chosen by what the list says (media trap F4). Browsers' hellos are longer than a datagram and come in
//! any order (trap G1): fragments are put together here, and nothing is decided before the last one is in.
//! The engine then gets the hello as one record; how it was cut is no part of the handshake's transcript.

use super::record::{HANDSHAKE, HANDSHAKE_HEADER_LEN, RECORD_HEADER_LEN, Record, Records};
use crate::srtp::SrtpProfile;

/// Longest hello we take. Today's browsers, with a post-quantum key share, send about 1,450 bytes.
const HELLO_MAX: usize = 8 * 1024;

const CLIENT_HELLO: u8 = 1;
const DTLS_1_2: u16 = 0xFEFD;
const DTLS_1_3: u16 = 0xFEFC;
const EXTENSION_USE_SRTP: u16 = 14;
const EXTENSION_SUPPORTED_VERSIONS: u16 = 43;

/// What the hello says that concerns us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hello {
    /// The SRTP profiles that we know too, in the client's order, each once.
    pub(super) profiles: Vec<SrtpProfile>,
    /// Whether the client speaks DTLS 1.2.
    pub(super) offers_1_2: bool,
    /// Whether the client speaks DTLS 1.3.
    pub(super) offers_1_3: bool,
}

/// Which engine answers the hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionChoice {
    /// The newest both speak. DTLS 1.3 engines take the profile the *client* lists first.
    Newest,
    /// DTLS 1.2, whose engine prefers the GCM profiles over the client's order.
    Only12,
}

/// A hello that cannot lead to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HelloError {
    /// It cannot be read.
    Malformed,
    /// It offers no SRTP profile we take. AES128_CM_SHA1_32 is not one: its tag is too short (SEC-04).
    NoCommonProfile,
    /// It offers neither DTLS 1.2 nor 1.3.
    NoCommonVersion,
}

impl Hello {
    /// Reads the body of a ClientHello (RFC 8446 §4.1.2 with the cookie of RFC 6347 §4.2.1).
    pub(super) fn parse(body: &[u8]) -> Result<Self, HelloError> {
        Self::read(&mut Reader(body)).ok_or(HelloError::Malformed)
    }

    /// GCM wherever the client offers it, in the newest version that leads there.
    pub(super) fn choose(&self) -> Result<VersionChoice, HelloError> {
        let first = self.profiles.first().ok_or(HelloError::NoCommonProfile)?;
        let offers_gcm = self.profiles.iter().any(|profile| *profile != SrtpProfile::Aes128CmSha1_80);
        let would_pass_gcm_by = offers_gcm && *first == SrtpProfile::Aes128CmSha1_80;
        match (self.offers_1_3, self.offers_1_2) {
            (false, false) => Err(HelloError::NoCommonVersion),
            (true, true) if would_pass_gcm_by => Ok(VersionChoice::Only12),
            _ => Ok(VersionChoice::Newest),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let legacy_version = reader.u16()?;
        let _random = reader.take(32)?;
        let _session_id = reader.list8()?;
        let _cookie = reader.list8()?;
        let _cipher_suites = reader.list16()?;
        let _compression_methods = reader.list8()?;
        let mut hello = Self { offers_1_2: legacy_version == DTLS_1_2, ..Self::default() };
        if reader.0.is_empty() {
            return Some(hello);
        }
        let mut extensions = Reader(reader.list16()?);
        while !extensions.0.is_empty() {
            let kind = extensions.u16()?;
            let mut content = Reader(extensions.list16()?);
            match kind {
                EXTENSION_USE_SRTP => hello.read_profiles(content.list16()?),
                EXTENSION_SUPPORTED_VERSIONS => hello.read_versions(content.list8()?),
                _ => {}
            }
        }
        Some(hello)
    }

    fn read_profiles(&mut self, list: &[u8]) {
        for code in list.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])) {
            if let Some(profile) = profile_of(code)
                && !self.profiles.contains(&profile)
            {
                self.profiles.push(profile);
            }
        }
    }

    /// The extension, where present, overrides the legacy version (RFC 8446 §4.2.1).
    fn read_versions(&mut self, list: &[u8]) {
        let offers = |version: u16| list.chunks_exact(2).any(|pair| pair == version.to_be_bytes());
        self.offers_1_2 = offers(DTLS_1_2);
        self.offers_1_3 = offers(DTLS_1_3);
    }
}

/// The profile with this number in the use_srtp extension (RFC 5764 §4.1.2, RFC 7714 §14.2), if we take it.
fn profile_of(code: u16) -> Option<SrtpProfile> {
    match code {
        0x0001 => Some(SrtpProfile::Aes128CmSha1_80),
        0x0007 => Some(SrtpProfile::AeadAes128Gcm),
        0x0008 => Some(SrtpProfile::AeadAes256Gcm),
        _ => None,
    }
}

/// A ClientHello on its way in, in fragments of any size and order, some of them twice.
#[derive(Default)]
pub(super) struct HelloAssembly {
    /// Empty until the first fragment; then one record with one handshake message, its body filled as it comes.
    record: Vec<u8>,
    /// Which bytes of the body are there. One flag per byte: plain, short-lived, at most [`HELLO_MAX`].
    present: Vec<bool>,
    missing: usize,
}

const BODY_AT: usize = RECORD_HEADER_LEN + HANDSHAKE_HEADER_LEN;

impl HelloAssembly {
    /// Takes what `datagram` adds to the hello and ignores the rest: a client has nothing else to say yet.
    pub(super) fn add(&mut self, datagram: &[u8]) {
        for record in Records(datagram) {
            if let Record::Plain { kind: HANDSHAKE, epoch: 0, sequence, body } = record {
                self.add_fragments(sequence, body);
            }
        }
    }

    /// The hello as one plaintext record, once every byte is in.
    pub(super) fn complete(&self) -> Option<&[u8]> {
        (!self.record.is_empty() && self.missing == 0).then_some(&self.record[..])
    }

    /// The hello's body, once every byte is in.
    pub(super) fn body(&self) -> Option<&[u8]> {
        self.complete().map(|record| &record[BODY_AT..])
    }

    fn add_fragments(&mut self, sequence: [u8; 6], mut fragments: &[u8]) {
        while let Some((header, rest)) = fragments.split_first_chunk::<HANDSHAKE_HEADER_LEN>() {
            let &[kind, l0, l1, l2, m0, m1, o0, o1, o2, f0, f1, f2] = header;
            let [length, offset, fragment_len] =
                [[l0, l1, l2], [o0, o1, o2], [f0, f1, f2]].map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]) as usize);
            let Some((fragment, rest)) = rest.split_at_checked(fragment_len) else { return };
            fragments = rest;
            if kind == CLIENT_HELLO && [m0, m1] == [0, 0] {
                self.add_fragment(sequence, length, offset, fragment);
            }
        }
    }

    fn add_fragment(&mut self, sequence: [u8; 6], length: usize, offset: usize, fragment: &[u8]) {
        if self.record.is_empty() {
            if length == 0 || length > HELLO_MAX {
                return;
            }
            self.start(sequence, length);
        }
        let is_same_hello = length == self.present.len();
        let range = offset..offset + fragment.len();
        if !is_same_hello || range.end > length {
            return;
        }
        let places = self.record[BODY_AT..][range.clone()].iter_mut().zip(&mut self.present[range]);
        for ((place, present), byte) in places.zip(fragment) {
            if !std::mem::replace(present, true) {
                *place = *byte;
                self.missing -= 1;
            }
        }
    }

    fn start(&mut self, sequence: [u8; 6], length: usize) {
        let [_, l0, l1, l2] = u32::try_from(length).expect("at most HELLO_MAX").to_be_bytes();
        let record_len = u16::try_from(HANDSHAKE_HEADER_LEN + length).expect("at most HELLO_MAX").to_be_bytes();
        self.record.extend([HANDSHAKE, 0xFE, 0xFD, 0, 0]);
        self.record.extend(sequence);
        self.record.extend(record_len);
        self.record.extend([CLIENT_HELLO, l0, l1, l2, 0, 0, 0, 0, 0, l0, l1, l2]);
        self.record.resize(BODY_AT + length, 0);
        self.present = vec![false; length];
        self.missing = length;
    }
}

/// Takes pieces off the front of a message; `None` once it is too short.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// Bytes after a length of one byte.
    fn list8(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(usize::from(length))
    }

    /// Bytes after a length of two bytes.
    fn list16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

/// Everything in this module that reads bytes of the network, for the fuzzer: `bytes` as a datagram, and as a hello.
pub(super) fn fuzz(bytes: &[u8]) {
    let mut assembly = HelloAssembly::default();
    assembly.add(bytes);
    for body in assembly.body().into_iter().chain([bytes]) {
        let _ = Hello::parse(body).and_then(|hello| hello.choose());
    }
}

#[cfg(test)]
mod tests;
