//! Tokens: who somebody is and what they may do, signed by an API key of a tenant.
//!
//! Owns the claims, the keys and every check on them. Pure: the time is an argument. Whether a `jti` was revoked is
//! known to [`Revocations`].

mod keyring;
mod revocations;

pub use keyring::{Key, KeyError, KeySource, Keyring, SECRET_BYTES_MIN, Tenant};
pub use revocations::{REVOCATIONS_MAX, Revocations};

use crate::protocol::{Cobrowse, Grants, NAME_BYTES_MAX, Role, Source};
use crate::random;
use serde::{Deserialize, Serialize};

/// How far the clocks of the minting machine and ours may differ, in seconds (SEC-21).
pub const LEEWAY_S: u64 = 10;
/// Longest time a token may still have to live, in seconds. Bounds how long a revocation must be remembered.
pub const LIFE_S_MAX: u64 = 24 * 60 * 60;
/// Longest token text, in bytes: claims of a few hundred bytes and an Ed25519 or P-256 signature.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// Longest room, tenant, key and subject name, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// What a token says. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The id of the API key that signed it.
    pub iss: String,
    /// Whom it is about, in the tenant's own words.
    pub sub: String,
    /// Not valid before.
    pub nbf: u64,
    /// Not valid after.
    pub exp: u64,
    /// Its own name, for revocation.
    pub jti: String,
    /// The tenant; must be the key's.
    pub tenant: String,
    /// The name others see.
    pub name: String,
    /// The role.
    pub role: Role,
    /// What is allowed.
    #[serde(default)]
    pub grants: Grants,
}

/// Why a token is not accepted. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or its claims are missing or of the wrong type.
    #[error("the token is malformed: it must be a JWT with iss, sub, nbf, exp, jti, tenant, name, role and grants")]
    Malformed,
    /// An unknown key, another algorithm than the key's, or a wrong signature: one answer for all (SEC-35).
    #[error("the token's signature is not that of a known key")]
    Signature,
    /// The tenant is not the key's.
    #[error("the token names another tenant than its key belongs to")]
    Tenant,
    /// `nbf` lies ahead.
    #[error("the token is not valid yet: compare the clocks of both machines")]
    NotYet,
    /// `exp` lies behind.
    #[error("the token has expired: fetch a new one")]
    Expired,
    /// `exp` lies too far ahead.
    #[error("the token lives for more than 24 hours: mint it with a nearer exp")]
    LivesTooLong,
    /// Its `jti` was revoked.
    #[error("the token was revoked")]
    Revoked,
}

impl TokenError {
    /// The value of the metric's `reason` label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Signature => "signature",
            Self::Tenant => "tenant",
            Self::NotYet => "not_yet",
            Self::Expired => "expired",
            Self::LivesTooLong => "lives_too_long",
            Self::Revoked => "revoked",
        }
    }
}

impl Claims {
    /// Checks what can change or be wrong once the signature is right.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::NotYet`], [`TokenError::Expired`], [`TokenError::LivesTooLong`].
    pub fn check(&self, unix: u64) -> Result<(), TokenError> {
        let names = [&self.sub, &self.jti];
        let room_is_fine = self.grants.room.as_deref().is_none_or(is_id);
        if names.iter().any(|name| name.is_empty() || name.len() > 4 * ID_BYTES_MAX)
            || !is_display_name(&self.name)
            || !room_is_fine
            || self.nbf > self.exp
        {
            return Err(TokenError::Malformed);
        }
        if unix.saturating_add(LEEWAY_S) < self.nbf {
            return Err(TokenError::NotYet);
        }
        if unix >= self.exp.saturating_add(LEEWAY_S) {
            return Err(TokenError::Expired);
        }
        if self.exp > unix.saturating_add(LIFE_S_MAX + LEEWAY_S) {
            return Err(TokenError::LivesTooLong);
        }
        Ok(())
    }

    /// Whether the holder may send such a track. An observer sends nothing, whatever its grants say.
    #[must_use]
    pub fn may_publish(&self, source: Source) -> bool {
        self.role != Role::Observer && self.grants.publish.contains(&source)
    }

    /// Whether the holder may write chat and data. An observer is silent.
    #[must_use]
    pub fn may_speak(&self) -> bool {
        self.role != Role::Observer
    }

    /// Whether the holder may mute, remove, lock and end. Shoppers and observers never may, whatever their grants say.
    #[must_use]
    pub fn may_moderate(&self) -> bool {
        self.grants.moderate && matches!(self.role, Role::Agent | Role::Supervisor)
    }

    /// Whether the holder may share its page. Nobody but a shopper ever may.
    #[must_use]
    pub fn may_share(&self) -> bool {
        self.role == Role::Shopper && self.grants.cobrowse == Some(Cobrowse::Share)
    }

    /// Whether the holder may see shared pages of its room. A shopper never may.
    #[must_use]
    pub fn may_view_pages(&self) -> bool {
        self.role != Role::Shopper && matches!(self.grants.cobrowse, Some(Cobrowse::View | Cobrowse::Control))
    }

    /// Whether the holder may ask a shopper for its page. An observer waits until somebody else does.
    #[must_use]
    pub fn may_ask_for_pages(&self) -> bool {
        self.may_view_pages() && self.role != Role::Observer
    }

    /// Whether the holder may ask for control of a shared page.
    #[must_use]
    pub fn may_control_pages(&self) -> bool {
        self.may_ask_for_pages() && self.grants.cobrowse == Some(Cobrowse::Control)
    }

    /// Whether the holder sees all rooms of the tenant.
    #[must_use]
    pub fn sees_desk(&self) -> bool {
        self.grants.room.is_none() && matches!(self.role, Role::Agent | Role::Supervisor)
    }

    /// What `welcome` repeats: the grants as they really act for this role.
    #[must_use]
    pub fn effective_grants(&self) -> Grants {
        let publish = self.grants.publish.iter().copied().filter(|source| self.may_publish(*source)).collect();
        let cobrowse = self.grants.cobrowse.filter(|_| self.may_share() || self.may_view_pages());
        let cobrowse = cobrowse.map(|granted| match granted {
            Cobrowse::Control if !self.may_control_pages() => Cobrowse::View,
            other => other,
        });
        Grants { publish, cobrowse, moderate: self.may_moderate(), ..self.grants.clone() }
    }
}

/// Whether `text` can name a room, a tenant or a key: 1 to [`ID_BYTES_MAX`] of `A-Z a-z 0-9 . _ -`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether `text` can be shown as a name: not empty, not long, no control characters, nothing that turns text around.
fn is_display_name(text: &str) -> bool {
    let deceives = |c: char| {
        c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    !text.trim().is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(deceives)
}

/// A fresh API key: its id and its secret, drawn from the system.
#[must_use]
pub fn fresh_key() -> (String, String) {
    let mut rng = random::from_system();
    (random::name("k_", &mut rng), random::secret(&mut rng))
}

/// A fresh `jti`, drawn from the system.
#[must_use]
pub fn fresh_jti() -> String {
    random::name("t_", &mut random::from_system())
}

#[cfg(test)]
mod tests;
