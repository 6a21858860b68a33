//! Tokens that were withdrawn before their time.

use super::{LEEWAY_S, LIFE_S_MAX};
use std::collections::BTreeMap;

/// Revocations kept at most: one per second for a day fits; each takes about 100 bytes.
pub const REVOCATIONS_MAX: usize = 100_000;

/// Which `jti` of which tenant no longer counts, until every token of that name has run out by itself.
#[derive(Debug, Default)]
pub struct Revocations {
    until: BTreeMap<(String, String), u64>,
}

impl Revocations {
    /// Withdraws a token. False: there are too many already, nothing was done.
    pub fn revoke(&mut self, tenant: &str, jti: &str, unix: u64) -> bool {
        if self.until.len() >= REVOCATIONS_MAX {
            self.forget_expired(unix);
        }
        if self.until.len() >= REVOCATIONS_MAX {
            return false;
        }
        // No accepted token lives longer than this, so that afterwards it is expired anyway.
        self.until.insert((tenant.to_owned(), jti.to_owned()), unix + LIFE_S_MAX + 2 * LEEWAY_S);
        true
    }

    /// Whether a token was withdrawn.
    #[must_use]
    pub fn contains(&self, tenant: &str, jti: &str) -> bool {
        !self.until.is_empty() && self.until.contains_key(&(tenant.to_owned(), jti.to_owned()))
    }

    /// Forgets what has run out by itself.
    pub fn forget_expired(&mut self, unix: u64) {
        self.until.retain(|_, until| *until > unix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_outlives_every_token_it_could_name() {
        let mut revocations = Revocations::default();
        assert!(revocations.revoke("shop", "t1", 1000));
        assert!(revocations.contains("shop", "t1"));
        assert!(!revocations.contains("other", "t1"), "tenants do not touch each other");
        revocations.forget_expired(1000 + LIFE_S_MAX + LEEWAY_S);
        assert!(revocations.contains("shop", "t1"));
        revocations.forget_expired(1000 + LIFE_S_MAX + 2 * LEEWAY_S);
        assert!(!revocations.contains("shop", "t1"));
    }

    #[test]
    fn refuses_beyond_its_limit_until_some_have_run_out() {
        let mut revocations = Revocations::default();
        for n in 0..REVOCATIONS_MAX {
            assert!(revocations.revoke("shop", &n.to_string(), 0));
        }
        assert!(!revocations.revoke("shop", "one more", 0));
        assert!(revocations.revoke("shop", "one more", LIFE_S_MAX + 3 * LEEWAY_S));
    }
}
