//! The pictures and fonts of one shared page: in memory, bounded, equal files kept once, gone with the share.
//!
//! The page names every address at random and uploads the file under that name. What a file is, its first bytes say;
//! nothing that a browser could run is taken.

use crate::protocol::{ASSET_BYTES_MAX, ASSET_FRAME, ASSET_NAME_BYTES, SHARE_ASSETS_BYTES_MAX};
use aws_lc_rs::digest;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names of one share: more pictures than any page shows.
const NAMES_MAX: usize = 4_096;

/// The page's own name for an address.
pub(super) type Name = [u8; ASSET_NAME_BYTES];
type Digest = [u8; 32];

/// See the module.
#[derive(Default)]
pub(super) struct Assets {
    names: BTreeMap<Name, Digest>,
    files: BTreeMap<Digest, Arc<[u8]>>,
    bytes: usize,
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AssetError {
    /// No name, or no file behind it.
    Malformed,
    /// Larger than [`ASSET_BYTES_MAX`].
    TooLarge,
    /// Neither one of the pictures nor of the fonts that are taken.
    Kind,
    /// The name was used for another file.
    Taken,
    /// The share has as many files or bytes as it may.
    Full,
}

impl AssetError {
    /// The value of the metric's label.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Kind => "kind",
            Self::Taken => "taken",
            Self::Full => "full",
        }
    }
}

impl Assets {
    /// Takes a frame with an asset, its first byte included. Gives its name.
    ///
    /// # Errors
    /// See [`AssetError`]. Nothing has changed then.
    pub(super) fn take(&mut self, frame: &[u8]) -> Result<Name, AssetError> {
        let (name, file) = frame.get(1..).and_then(|rest| rest.split_first_chunk()).ok_or(AssetError::Malformed)?;
        if file.len() > ASSET_BYTES_MAX {
            return Err(AssetError::TooLarge);
        }
        if !is_picture_or_font(file) {
            return Err(AssetError::Kind);
        }
        let digest: Digest = digest::digest(&digest::SHA256, file).as_ref().try_into().expect("SHA-256 has 32 bytes");
        match self.names.get(name) {
            Some(known) if *known == digest => return Ok(*name),
            Some(_) => return Err(AssetError::Taken),
            None if self.names.len() >= NAMES_MAX => return Err(AssetError::Full),
            None => {}
        }
        if !self.files.contains_key(&digest) {
            if self.bytes + file.len() > SHARE_ASSETS_BYTES_MAX {
                return Err(AssetError::Full);
            }
            self.bytes += file.len();
            self.files.insert(digest, file.into());
        }
        self.names.insert(*name, digest);
        Ok(*name)
    }

    /// The frame that brings an asset to a viewer, if it is there.
    pub(super) fn frame(&self, name: &Name) -> Option<Bytes> {
        let file = self.files.get(self.names.get(name)?)?;
        Some([&[ASSET_FRAME], name.as_slice(), file].concat().into())
    }

    pub(super) fn has(&self, name: &Name) -> bool {
        self.names.contains_key(name)
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The name that `want` spells in 64 hex digits.
pub(super) fn name_of(hex: &str) -> Option<Name> {
    let digits: &[u8; 2 * ASSET_NAME_BYTES] = hex.as_bytes().try_into().ok()?;
    let mut name = Name::default();
    for (byte, pair) in name.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(name)
}

/// Whether a file begins like PNG, JPEG, GIF, WebP, AVIF, WOFF or WOFF2.
fn is_picture_or_font(file: &[u8]) -> bool {
    let begins = |magic: &[u8]| file.starts_with(magic);
    let boxed =
        |at: usize, names: &[&[u8; 4]]| file.get(at..at + 4).is_some_and(|part| names.iter().any(|name| part == *name));
    begins(b"\x89PNG\r\n\x1a\n")
        || begins(b"\xff\xd8\xff")
        || begins(b"GIF87a")
        || begins(b"GIF89a")
        || begins(b"RIFF") && boxed(8, &[b"WEBP"])
        || boxed(4, &[b"ftyp"]) && boxed(8, &[b"avif", b"avis"])
        || begins(b"wOFF")
        || begins(b"wOF2")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: u8, file: &[u8]) -> Vec<u8> {
        [&[ASSET_FRAME][..], &[name; ASSET_NAME_BYTES], file].concat()
    }

    fn png(fill: u8, length: usize) -> Vec<u8> {
        [&b"\x89PNG\r\n\x1a\n"[..], &vec![fill; length - 8]].concat()
    }

    #[test]
    fn a_file_is_found_by_its_name_and_kept_once() {
        let mut assets = Assets::default();
        let file = png(1, 100);
        assert_eq!(assets.take(&frame(7, &file)), Ok([7; 32]));
        assert_eq!(assets.take(&frame(7, &file)), Ok([7; 32]), "again");
        assert_eq!(assets.take(&frame(8, &file)), Ok([8; 32]));
        assert_eq!((assets.bytes(), assets.files.len()), (100, 1));
        assert_eq!(assets.frame(&[8; 32]).as_deref(), Some(frame(8, &file).as_slice()));
        assert!(assets.frame(&[9; 32]).is_none() && !assets.has(&[9; 32]));
        assert_eq!(assets.take(&frame(7, &png(2, 100))), Err(AssetError::Taken), "a name stands for one file");
    }

    #[test]
    fn only_what_a_browser_cannot_run_is_taken() {
        for file in [
            &b"\x89PNG\r\n\x1a\n..."[..],
            b"\xff\xd8\xff\xe0JFIF",
            b"GIF89a...",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"\0\0\0\x20ftypavif",
            b"wOFF....",
            b"wOF2....",
        ] {
            assert!(Assets::default().take(&frame(1, file)).is_ok(), "{file:?}");
        }
        for file in [
            &b""[..],
            b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
            b"<!DOCTYPE html>",
            b"RIFF\0\0\0\0WAVE",
            b"\0\0\0\x20ftypisom",
            b"%PDF-1.7",
            b"body { color: red }",
        ] {
            assert_eq!(Assets::default().take(&frame(1, file)), Err(AssetError::Kind), "{file:?}");
        }
        for frame in [&[][..], &[ASSET_FRAME], &[ASSET_FRAME; 32]] {
            assert_eq!(Assets::default().take(frame), Err(AssetError::Malformed));
        }
    }

    #[test]
    fn sec_31_files_are_bounded_each_and_together() {
        let mut assets = Assets::default();
        assert_eq!(assets.take(&frame(0, &png(0, ASSET_BYTES_MAX + 1))), Err(AssetError::TooLarge));
        let taken = (1..=30).filter(|n| assets.take(&frame(*n, &png(*n, ASSET_BYTES_MAX))).is_ok()).count();
        assert_eq!(taken, SHARE_ASSETS_BYTES_MAX / ASSET_BYTES_MAX);
        assert!(assets.bytes() <= SHARE_ASSETS_BYTES_MAX);
        assert_eq!(assets.take(&frame(99, &png(99, ASSET_BYTES_MAX))), Err(AssetError::Full));
        assert!(assets.take(&frame(100, &png(1, ASSET_BYTES_MAX))).is_ok(), "one that is there already costs nothing");
    }

    #[test]
    fn names_are_64_hex_digits() {
        assert_eq!(name_of(&"aB".repeat(32)), Some([0xab; 32]));
        for wrong in ["", "ab", &"ab".repeat(33), &"xy".repeat(32), &"+1".repeat(32)] {
            assert_eq!(name_of(wrong), None);
        }
    }
}
