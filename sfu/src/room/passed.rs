//! The header extensions that a publisher's packet carries on to subscribers, in a form of our own.
//!
//! Ids differ from participant to participant (media trap I1), so the ring keeps meanings: per extension one byte of
//! [`Extension`], one byte of length, the value. Mid and rid, transport-wide numbers and send times belong to one hop and
//! are left out; the subscription writes its own.

use crate::rtp;
use crate::sdp::{Extension, ExtensionMap};

/// Bytes of passed-on extensions per packet. A keyframe's dependency descriptor with a template structure takes up to
/// about 100; colour space with HDR metadata 28.
pub(super) const PASSED_BYTES_MAX: usize = 255;
const PASSED: [Extension; 7] = [
    Extension::AudioLevel,
    Extension::VideoOrientation,
    Extension::PlayoutDelay,
    Extension::ContentType,
    Extension::ColorSpace,
    Extension::DependencyDescriptor,
    Extension::AbsCaptureTime,
];

/// Collects what is passed on from a packet's extensions, whose ids mean what `negotiated` says. Returns its length;
/// what does not fit is left out.
pub(super) fn collect(extensions: rtp::Extensions<'_>, negotiated: &ExtensionMap, out: &mut [u8]) -> usize {
    let mut used = 0;
    for rtp::Extension { id, value } in extensions {
        let Some(kind) = negotiated.extension(id).filter(|kind| PASSED.contains(kind)) else { continue };
        let end = used + 2 + value.len();
        if end > out.len() {
            continue;
        }
        out[used] = kind as u8;
        out[used + 1] = value.len() as u8;
        out[used + 2..end].copy_from_slice(value);
        used = end;
    }
    used
}

/// The collected extensions under a subscriber's ids, without those it did not negotiate.
#[inline(always)]
pub(super) fn translate<'a>(
    mut collected: &'a [u8],
    negotiated: &'a ExtensionMap,
) -> impl Iterator<Item = rtp::Extension<'a>> {
    let passed = std::iter::from_fn(move || {
        let [kind, len, rest @ ..] = collected else { return None };
        let (value, rest) = rest.split_at_checked(usize::from(*len))?;
        collected = rest;
        Some((*kind, value))
    });
    passed.filter_map(|(kind, value)| Some(rtp::Extension { id: negotiated.id_of_number(kind)?, value }))
}

/// The audio level among the collected extensions (RFC 6464).
pub(super) fn audio_level(mut collected: &[u8]) -> Option<u8> {
    while let [kind, len, rest @ ..] = collected {
        let (value, rest) = rest.split_at_checked(usize::from(*len))?;
        if let ([level], true) = (value, *kind == Extension::AudioLevel as u8) {
            return Some(*level);
        }
        collected = rest;
    }
    None
}
