//! A whole offer: its m-lines, and the one ICE and DTLS transport that they share.

use super::line::{Section, Sections};
use super::{IceCredentials, MediaOffer, OFFER_BYTES_MAX, OfferedExtension, SdpError, fingerprint};
use crate::dtls::Fingerprint;
use crate::id::Mid;

/// A client's offer, read and checked once. What it cannot mean has been refused; what we do not know was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    ice: IceCredentials,
    fingerprint: Fingerprint,
    allow_mixed: bool,
    media: Vec<MediaOffer>,
    /// Places in `media` of the m-lines that share the transport, in the order of the group.
    bundle: Vec<usize>,
}

impl Offer {
    /// Reads an offer.
    ///
    /// # Errors
    /// [`SdpError`] when it is no session description, passes a limit, or would need a transport that we do not
    /// offer: anything but DTLS-SRTP with a SHA-2 fingerprint, bundled and multiplexed, the client being DTLS client.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > OFFER_BYTES_MAX {
            return Err(SdpError::TooLong { bytes: text.len(), max: OFFER_BYTES_MAX });
        }
        let sections = Sections::parse(text)?;
        let session = &sections.session;
        let bundle = bundled_mids(session);
        let mut media: Vec<MediaOffer> = Vec::with_capacity(sections.media.len());
        for (line, section) in &sections.media {
            let offer = MediaOffer::parse(line, section, session, &bundle)?;
            if media.iter().any(|other| other.mid == offer.mid) {
                return Err(SdpError::MidRepeated { mid: offer.mid });
            }
            media.push(offer);
        }
        check_extension_ids(&media)?;

        let bundle = acceptable_media(&bundle, &media)?;
        // Its transport attributes are the ones that count (RFC 8843 §7.1.3).
        let tagged = bundle[0];
        let (mid, section) = (media[tagged].mid, &sections.media[tagged].1);
        check_setup(mid, section, session)?;
        Ok(Self {
            ice: IceCredentials::parse(section, session)?.ok_or(SdpError::IceMissing { mid })?,
            fingerprint: fingerprint::parse(mid, section, session)?,
            allow_mixed: session.has("extmap-allow-mixed"),
            media,
            bundle,
        })
    }

    /// The client's ICE credentials.
    #[must_use]
    pub fn ice(&self) -> &IceCredentials {
        &self.ice
    }

    /// The fingerprint of the client's certificate.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The m-lines in order.
    #[must_use]
    pub fn media(&self) -> &[MediaOffer] {
        &self.media
    }

    /// The m-lines to accept in the order of the BUNDLE group; the first describes the transport.
    pub(super) fn bundle(&self) -> impl Iterator<Item = &MediaOffer> {
        self.bundle.iter().map(|index| &self.media[*index])
    }

    /// Whether `a=extmap-allow-mixed` stands in the session part.
    pub(super) fn allow_mixed(&self) -> bool {
        self.allow_mixed
    }
}

/// The mids of the first BUNDLE group (RFC 9143 §7.1), which the first m-line's transport serves.
fn bundled_mids<'a>(session: &Section<'a>) -> Vec<&'a str> {
    let group = session.all("group").find_map(|group| group.value.strip_prefix("BUNDLE"));
    group.map(|mids| mids.split_ascii_whitespace().collect()).unwrap_or_default()
}

/// The places of the m-lines that we can accept, in the order of the group; at least one. What we reject may not come
/// first, since the transport is taken from there.
fn acceptable_media(bundle: &[&str], media: &[MediaOffer]) -> Result<Vec<usize>, SdpError> {
    if !media.iter().any(MediaOffer::is_live) {
        return Err(SdpError::BundleMissing);
    }
    let mut acceptable = Vec::new();
    for mid in bundle {
        let index = media.iter().position(|offer| offer.is_acceptable() && offer.mid.as_str() == *mid);
        acceptable.extend(index.filter(|index| !acceptable.contains(index)));
    }
    if acceptable.is_empty() { Err(SdpError::NothingAccepted) } else { Ok(acceptable) }
}

/// One BUNDLE has one meaning for each extension id (RFC 8843 §9.2): we have to read the mid before we know the m-line.
fn check_extension_ids(media: &[MediaOffer]) -> Result<(), SdpError> {
    let mut meanings = [None; u8::MAX as usize + 1];
    for offer in media {
        for &OfferedExtension { id, extension, .. } in &offer.extensions {
            if *meanings[usize::from(id)].get_or_insert(extension) != extension {
                return Err(SdpError::ExtensionConflict { mid: offer.mid, id });
            }
        }
    }
    Ok(())
}

fn check_setup(mid: Mid, media: &Section<'_>, session: &Section<'_>) -> Result<(), SdpError> {
    let setup = media.first("setup").or(session.first("setup")).map(|setup| setup.value);
    if matches!(setup, Some("actpass" | "active")) { Ok(()) } else { Err(SdpError::Setup { mid }) }
}
