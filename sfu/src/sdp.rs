//! (to be written)

/// A parsed offer.
#[derive(Debug)]
pub struct Offer {}

/// Why an offer cannot be used; the message is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the offer cannot be used")]
pub struct SdpError;

impl Offer {
    /// Parses an offer.
    ///
    /// # Errors
    /// See [`SdpError`].
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        let _ = text;
        Err(SdpError)
    }
}
