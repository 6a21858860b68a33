//! The least that a forwarded packet takes: open once, and for each subscriber a rewritten header and a seal.
//!
//! The header is the one of a browser's stream: fixed fields and one extension, the transport-wide number, without which
//! no receiver can be asked what arrives. SSRC, number, timestamp and transport-wide number are the subscriber's own.
//! Nothing is remembered, chosen or checked beyond the tag. Every forwarding unit does this much; what it takes more
//! is its own. Keys, sizes and cipher are those of the real one.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use tillside_sfu::srtp::SrtpProfile;

/// An RTP header with an extension block of one word.
pub(crate) const HEADER_BYTES: usize = 20;
/// What stands before the transport-wide number: the block's profile and length in words (RFC 8285 §4.2), and the
/// element's id and length.
const EXTENSION_HEAD: [u8; 5] = [0xBE, 0xDE, 0, 1, 3 << 4 | 1];
/// Where the transport-wide number lies; a byte of padding follows it.
const TRANSPORT_NUMBER: std::ops::Range<usize> = 17..19;
/// The tag of AES-GCM.
pub(crate) const TAG_BYTES: usize = 16;
const SALT_BYTES: usize = 12;
/// Different packets in the publisher's stream: together larger than the first-level cache, as packets off the wire are.
const PACKETS: usize = 256;

/// One publisher and its subscribers.
pub(crate) struct Fan {
    publisher: Key,
    /// The publisher's packets as they arrive.
    sealed: Vec<Vec<u8>>,
    next: usize,
    /// The packets of the batch in hand, opened.
    opened: Vec<Vec<u8>>,
    subscribers: Vec<Subscriber>,
}

/// Whom the packets go to.
pub(crate) struct Subscriber {
    key: Key,
    ssrc: u32,
    transport_number: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
}

struct Key {
    key: LessSafeKey,
    salt: [u8; SALT_BYTES],
}

impl Fan {
    /// `subscribers` with a key each; packets with a payload of so many bytes come in batches of `batch`.
    ///
    /// # Panics
    /// When `profile` is none of AES-GCM.
    pub(crate) fn new(profile: SrtpProfile, subscribers: usize, payload: usize, batch: usize) -> Self {
        let publisher = Key::new(profile, 0);
        let mut sealed = Vec::new();
        for sequence in 0..PACKETS as u16 {
            // Version 2 with an extension, type 96, SSRC 1.
            let mut packet = vec![0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            packet.extend_from_slice(&EXTENSION_HEAD);
            packet.extend_from_slice(&sequence.to_be_bytes());
            let plain: Vec<u8> = (0..payload).map(|at| at as u8).collect();
            packet.resize(HEADER_BYTES + payload + TAG_BYTES, 0);
            let (header, body) = packet.split_at_mut(HEADER_BYTES);
            publisher.seal(header, &plain, body);
            sealed.push(packet);
        }
        let subscriber = |number: u32| Subscriber {
            key: Key::new(profile, number),
            ssrc: number * 7,
            transport_number: 0,
            sequence_offset: number as u16,
            timestamp_offset: number * 960,
        };
        Self {
            publisher,
            sealed,
            next: 0,
            opened: vec![vec![0; HEADER_BYTES + payload]; batch],
            subscribers: (1..).take(subscribers).map(subscriber).collect(),
        }
    }

    /// The publisher's packets, over and over, for whoever sends them over a socket.
    pub(crate) fn sealed(&self) -> &[Vec<u8>] {
        &self.sealed
    }

    /// Opens the publisher's next batch.
    pub(crate) fn open_next(&mut self) {
        for opened in &mut self.opened {
            self.publisher.open(&self.sealed[self.next], opened);
            self.next = (self.next + 1) % PACKETS;
        }
    }

    /// Opens one packet of the publisher's, which is the `index`th of its batch.
    pub(crate) fn open(&mut self, index: usize, sealed: &[u8]) {
        self.publisher.open(sealed, &mut self.opened[index]);
    }

    /// Subscriber by subscriber, gives `write` a writer for each of the first `count` opened packets.
    pub(crate) fn fan_out(&mut self, count: usize, mut write: impl FnMut(usize, &mut Subscriber, &[u8])) {
        for (index, subscriber) in self.subscribers.iter_mut().enumerate() {
            for packet in &self.opened[..count] {
                write(index, subscriber, packet);
            }
        }
    }
}

impl Subscriber {
    /// Writes `packet` for this subscriber to the front of `out`; returns its length.
    #[inline]
    pub(crate) fn write(&mut self, packet: &[u8], out: &mut [u8]) -> usize {
        let (header, payload) = packet.split_at(HEADER_BYTES);
        let len = packet.len() + TAG_BYTES;
        let (written, body) = out[..len].split_at_mut(HEADER_BYTES);
        let sequence = u16::from_be_bytes([header[2], header[3]]).wrapping_add(self.sequence_offset);
        let timestamp = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        self.transport_number = self.transport_number.wrapping_add(1);
        written.copy_from_slice(header);
        written[2..4].copy_from_slice(&sequence.to_be_bytes());
        written[4..8].copy_from_slice(&timestamp.wrapping_add(self.timestamp_offset).to_be_bytes());
        written[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        written[TRANSPORT_NUMBER].copy_from_slice(&self.transport_number.to_be_bytes());
        self.key.seal(written, payload, body);
        len
    }
}

impl Key {
    fn new(profile: SrtpProfile, number: u32) -> Self {
        let algorithm = match profile {
            SrtpProfile::AeadAes128Gcm => &AES_128_GCM,
            SrtpProfile::AeadAes256Gcm => &AES_256_GCM,
            SrtpProfile::Aes128CmSha1_80 => panic!("the floor is AES-GCM"),
        };
        let mut bytes = vec![0x5a; profile.key_len()];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let key = UnboundKey::new(algorithm, &bytes).expect("a key of the profile's length");
        Self { key: LessSafeKey::new(key), salt: [number as u8; SALT_BYTES] }
    }

    #[inline]
    fn seal(&self, header: &[u8], plaintext: &[u8], body: &mut [u8]) {
        let (ciphertext, tag) = body.split_at_mut(plaintext.len());
        self.key
            .seal_out_of_place_scatter(self.nonce(header), Aad::from(header), plaintext, ciphertext, &[], tag)
            .expect("lengths match");
    }

    #[inline]
    fn open(&self, sealed: &[u8], plain: &mut [u8]) {
        let (header, body) = sealed.split_at(HEADER_BYTES);
        let (ciphertext, tag) = body.split_at(body.len() - TAG_BYTES);
        plain[..HEADER_BYTES].copy_from_slice(header);
        self.key
            .open_separate_gather(self.nonce(header), Aad::from(header), ciphertext, tag, &mut plain[HEADER_BYTES..])
            .expect("the publisher sealed it with this key");
    }

    /// Salt xor SSRC and number (RFC 7714 §8.1). Roll-overs are not counted: nobody here keeps secrets.
    #[inline]
    fn nonce(&self, header: &[u8]) -> Nonce {
        let mut nonce = self.salt;
        nonce[2..6].iter_mut().zip(&header[8..12]).for_each(|(byte, ssrc)| *byte ^= ssrc);
        nonce[10..12].iter_mut().zip(&header[2..4]).for_each(|(byte, sequence)| *byte ^= sequence);
        Nonce::assume_unique_for_key(nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillside_sfu::rtp::RtpHeader;

    #[test]
    fn every_subscriber_can_open_what_it_is_sent() {
        let mut fan = Fan::new(SrtpProfile::AeadAes128Gcm, 3, 100, 2);
        fan.open_next();
        let mut sent = Vec::new();
        fan.fan_out(2, |index, subscriber, packet| {
            let mut out = [0; 256];
            let len = subscriber.write(packet, &mut out);
            sent.push((index, out[..len].to_vec()));
        });
        assert_eq!(sent.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2]);
        for (index, packet) in sent {
            let mut plain = vec![0; HEADER_BYTES + 100];
            fan.subscribers[index].key.open(&packet, &mut plain);
            assert!(plain[HEADER_BYTES..].iter().enumerate().all(|(at, byte)| *byte == at as u8));
            let header = RtpHeader::parse(&packet).unwrap();
            assert_eq!((header.len(), header.ssrc.0), (HEADER_BYTES, (index as u32 + 1) * 7));
            assert!(header.extensions(&packet).find(3).is_some(), "the transport-wide number is where receivers look");
        }
    }
}
