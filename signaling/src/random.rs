//! Names that nobody can guess, drawn from a generator that the caller seeds.

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};

/// Letters of random names: no vowels and no look-alikes, so that a name spells nothing and can be read aloud.
const ALPHABET: &[u8; 32] = b"bcdfghjkmnpqrstvwxyz23456789BDFH";
/// Letters of a name that must not be guessed: 20 × 5 bits, above the 96 bits of SEC-35.
const NAME_LETTERS: usize = 20;
/// Letters of a secret: 52 × 5 bits, above 256 bits.
const SECRET_LETTERS: usize = 52;

/// A generator seeded by the system, for the shells.
pub(crate) fn from_system() -> StdRng {
    StdRng::try_from_rng(&mut SysRng).expect("the system always has random numbers once it is up")
}

/// A name such as `p_7kq…`, unguessable (100 bits).
pub(crate) fn name(prefix: &str, rng: &mut StdRng) -> String {
    letters(prefix, NAME_LETTERS, rng)
}

/// A secret of 260 bits.
pub(crate) fn secret(rng: &mut StdRng) -> String {
    letters("", SECRET_LETTERS, rng)
}

fn letters(prefix: &str, count: usize, rng: &mut StdRng) -> String {
    let mut bytes = [0; SECRET_LETTERS];
    rng.fill_bytes(&mut bytes[..count]);
    let mut out = String::with_capacity(prefix.len() + count);
    out.push_str(prefix);
    out.extend(bytes[..count].iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn sec_35_names_have_at_least_96_bits_and_do_not_repeat() {
        let mut rng = StdRng::from_seed([7; 32]);
        let first = name("p_", &mut rng);
        assert_eq!(first.len(), 2 + NAME_LETTERS);
        const { assert!(NAME_LETTERS * 5 >= 96) };
        assert_ne!(first, name("p_", &mut rng));
        assert_eq!(secret(&mut rng).len(), SECRET_LETTERS);
    }

    #[test]
    fn the_alphabet_has_no_letter_twice() {
        let letters: std::collections::BTreeSet<u8> = ALPHABET.iter().copied().collect();
        assert_eq!(letters.len(), ALPHABET.len());
    }
}
