//! What may change from one offer of a session to the next.

use super::{IceCredentials, MediaKind, MediaOffer, Offer, SdpError};
use crate::dtls::Fingerprint;
use crate::id::Mid;

/// What a later offer asks for beyond its m-lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The client has new ICE credentials, and ours must be new too (RFC 8839 §4.4.1.1.1).
    pub ice_restart: bool,
}

/// What is kept of an offer for the next one to be compared with; the whole would be kilobytes for each participant.
pub struct OfferOutline {
    lines: Box<[Line]>,
    fingerprint: Fingerprint,
    ice: IceCredentials,
}

struct Line {
    mid: Mid,
    kind: MediaKind,
    disabled: bool,
}

impl Offer {
    /// What the next offer of the session is compared with.
    #[must_use]
    pub fn outline(&self) -> OfferOutline {
        let line = |media: &MediaOffer| Line { mid: media.mid, kind: media.kind, disabled: media.disabled };
        OfferOutline {
            lines: self.media().iter().map(line).collect(),
            fingerprint: *self.fingerprint(),
            ice: self.ice().clone(),
        }
    }

    /// Compares this offer with the one before it in the same session. M-lines may be added at the end and change
    /// direction or codecs; the place of a stopped one may be used again (RFC 8829 §5.2.2).
    ///
    /// # Errors
    /// [`SdpError::MediaReplaced`] if an m-line is gone or another stands in its place, and
    /// [`SdpError::FingerprintChanged`] if the certificate is another, since DTLS is not done anew.
    pub fn changes_since(&self, previous: &OfferOutline) -> Result<Changes, SdpError> {
        for (index, old) in previous.lines.iter().enumerate() {
            let kept = self.media().get(index).is_some_and(|new| new.kind == old.kind && new.mid == old.mid);
            if !kept && (self.media().len() <= index || !old.disabled) {
                return Err(SdpError::MediaReplaced { index });
            }
        }
        if *self.fingerprint() != previous.fingerprint {
            return Err(SdpError::FingerprintChanged);
        }
        Ok(Changes { ice_restart: *self.ice() != previous.ice })
    }
}
