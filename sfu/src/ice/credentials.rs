//! Our side's ICE credentials: the ufrag says where the participant lives, the password proves who asks.

use std::fmt;

use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::id::WorkerId;
use crate::stun::IntegrityKey;

/// Participants one worker can name by ufrag: what is left of five characters of six bits beside the worker.
pub const SLOTS_MAX: u32 = 1 << 22;
/// Characters of a ufrag (4 to 256 are allowed, RFC 8839 §5.4): five of address, eight of chance. A wrong guess costs
/// nobody anything, for only the password proves anything; the random part makes old ufrags of a slot miss.
pub const UFRAG_LEN: usize = ROUTE_LEN + 8;
/// Characters of a password (22 to 256 are allowed): 144 bits of chance, where RFC 8445 §5.3 asks for 128.
pub const PWD_LEN: usize = 24;

const ROUTE_LEN: usize = 5;

/// ice-char (RFC 8839 §5.4). Sixty-four of them: six bits each, without bias.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Where a datagram with a certain ufrag belongs. Whoever sent it may have made it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UfragRoute {
    /// The worker whose socket should have got it.
    pub worker: WorkerId,
    /// The worker's own number for the participant, below [`SLOTS_MAX`].
    pub slot: u32,
}

impl UfragRoute {
    /// Reads the first characters of one of our ufrags; `None` if it cannot be ours.
    #[must_use]
    pub fn of_ufrag(ufrag: &[u8]) -> Option<Self> {
        if ufrag.len() != UFRAG_LEN {
            return None;
        }
        let mut number = 0;
        for byte in &ufrag[..ROUTE_LEN] {
            let digit = ICE_CHARS.iter().position(|character| character == byte)?;
            number = number << 6 | digit as u32;
        }
        Some(Self { worker: WorkerId((number / SLOTS_MAX) as u8), slot: number % SLOTS_MAX })
    }

    fn characters(self) -> [u8; ROUTE_LEN] {
        assert!(self.slot < SLOTS_MAX, "a worker has fewer participants");
        let mut number = u32::from(self.worker.0) * SLOTS_MAX + self.slot;
        let mut characters = [0; ROUTE_LEN];
        for place in characters.iter_mut().rev() {
            *place = ICE_CHARS[(number % 64) as usize];
            number /= 64;
        }
        characters
    }
}

/// A ufrag and its password, for one answer. The password never shows in Debug and is wiped when dropped.
pub struct LocalCredentials {
    ufrag: [u8; UFRAG_LEN],
    pwd: Zeroizing<[u8; PWD_LEN]>,
}

impl LocalCredentials {
    /// New credentials for the participant at `route`, out of the worker's own random numbers.
    ///
    /// # Panics
    /// If the slot is not below [`SLOTS_MAX`].
    #[must_use]
    pub fn generate(route: UfragRoute, rng: &mut impl CryptoRng) -> Self {
        let mut ufrag = [0; UFRAG_LEN];
        let (address, chance) = ufrag.split_at_mut(ROUTE_LEN);
        address.copy_from_slice(&route.characters());
        fill_with_ice_chars(chance, rng);
        let mut pwd = Zeroizing::new([0; PWD_LEN]);
        fill_with_ice_chars(&mut *pwd, rng);
        Self { ufrag, pwd }
    }

    /// For `a=ice-ufrag`.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        str::from_utf8(&self.ufrag).expect("ice-chars are ASCII")
    }

    /// For `a=ice-pwd`. A secret: it goes into the answer and nowhere else.
    #[must_use]
    pub fn pwd(&self) -> &str {
        str::from_utf8(&*self.pwd).expect("ice-chars are ASCII")
    }

    /// Made anew for each check: one comes every few seconds, and a prepared key takes more than a kilobyte.
    pub(super) fn key(&self) -> IntegrityKey {
        IntegrityKey::new(&*self.pwd)
    }
}

impl fmt::Debug for LocalCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCredentials").field("ufrag", &self.ufrag()).finish_non_exhaustive()
    }
}

fn fill_with_ice_chars(places: &mut [u8], rng: &mut impl CryptoRng) {
    rng.fill_bytes(places);
    for place in places {
        *place = ICE_CHARS[usize::from(*place % 64)];
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_route_is_read_back_from_every_corner() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        for worker in [0, 1, 127, 255] {
            for slot in [0, 1, 65_537, SLOTS_MAX - 1] {
                let route = UfragRoute { worker: WorkerId(worker), slot };
                let credentials = LocalCredentials::generate(route, &mut rng);
                assert_eq!(UfragRoute::of_ufrag(credentials.ufrag().as_bytes()), Some(route));
            }
        }
    }

    #[test]
    fn foreign_ufrags_have_no_route() {
        assert_eq!(UfragRoute::of_ufrag(b"evtj"), None);
        assert_eq!(UfragRoute::of_ufrag(b"-----AAAAAAAA"), None);
        assert_eq!(UfragRoute::of_ufrag(b"AAAAAAAAAAAAAA"), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_credentials_and_debug_hides_the_password() {
        let route = UfragRoute { worker: WorkerId(3), slot: 9 };
        let generate = || LocalCredentials::generate(route, &mut ChaCha12Rng::seed_from_u64(7));
        let credentials = generate();
        assert_eq!((credentials.ufrag(), credentials.pwd()), (generate().ufrag(), generate().pwd()));
        assert!(!format!("{credentials:?}").contains(credentials.pwd()));
    }
}
