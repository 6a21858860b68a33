//! Tenants and their API keys: checks signatures, mints tokens, knows the origins of each tenant's pages.

use super::{Claims, TOKEN_BYTES_MAX, TokenError, is_id};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// Shortest secret of an HS256 key, in bytes (RFC 7518 §3.2: as long as the hash).
pub const SECRET_BYTES_MIN: usize = 32;

/// A customer of the operator: a store, with its keys and pages.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub id: String,
    /// Where its pages may come from, such as `https://shop.example`; the port may be `*`.
    pub origins: Vec<String>,
    /// Its keys.
    pub keys: Vec<Key>,
}

/// An API key.
#[derive(Debug)]
pub struct Key {
    /// Its name: the `kid` and `iss` of tokens.
    pub id: String,
    /// What it consists of.
    pub source: KeySource,
}

/// What a key consists of. Each works with one algorithm only.
#[derive(Debug)]
pub enum KeySource {
    /// HS256: signs, checks and opens the REST API.
    Secret(SecretString),
    /// `EdDSA`: checks tokens signed elsewhere. PEM.
    Ed25519(String),
    /// ES256: checks tokens signed elsewhere. PEM.
    P256(String),
}

/// A key or tenant that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Names are used in URLs and tokens.
    #[error("{0:?} cannot be a tenant or key id: use 1 to 64 of A-Z a-z 0-9 . _ -")]
    Id(String),
    /// Which of two is meant would be unclear.
    #[error("{0:?} is there twice: tenant ids and key ids must differ")]
    Duplicate(String),
    /// Guessable.
    #[error("the secret of key {0:?} is shorter than 32 bytes: make one with `tillside keys generate`")]
    ShortSecret(String),
    /// Not PEM, or of another kind.
    #[error("the public key of {0:?} cannot be read: expected a PEM public key of the stated algorithm")]
    PublicKey(String),
    /// Not scheme and host.
    #[error("{0:?} is not an origin: expected scheme://host or scheme://host:port, without a path")]
    Origin(String),
}

/// All tenants and keys of a node. Replaced as a whole when the configuration is read again.
pub struct Keyring {
    keys: BTreeMap<String, Entry>,
    origins: BTreeMap<String, Vec<String>>,
}

struct Entry {
    tenant: String,
    algorithm: Algorithm,
    decoding: DecodingKey,
    secret: Option<SecretString>,
}

impl Keyring {
    /// Reads every key once.
    ///
    /// # Errors
    /// See [`KeyError`]: the first one that cannot be used.
    pub fn new(tenants: Vec<Tenant>) -> Result<Self, KeyError> {
        let mut keyring = Self { keys: BTreeMap::new(), origins: BTreeMap::new() };
        for tenant in tenants {
            if !is_id(&tenant.id) {
                return Err(KeyError::Id(tenant.id));
            }
            if let Some(origin) = tenant.origins.iter().find(|origin| !is_origin(origin)) {
                return Err(KeyError::Origin(origin.clone()));
            }
            for key in tenant.keys {
                let entry = Entry::new(&tenant.id, &key)?;
                if keyring.keys.insert(key.id.clone(), entry).is_some() {
                    return Err(KeyError::Duplicate(key.id));
                }
            }
            if keyring.origins.insert(tenant.id.clone(), tenant.origins).is_some() {
                return Err(KeyError::Duplicate(tenant.id));
            }
        }
        Ok(keyring)
    }

    /// Checks a token's signature, key, tenant, form and times. Not whether it was revoked.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, unix: u64) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        // RFC 7515 §4.1.11: an extension that must be understood and is not.
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let kid = header.kid.as_deref().ok_or(TokenError::Malformed)?;
        let entry = self.keys.get(kid).ok_or(TokenError::Signature)?;
        let claims = entry.decode(&header, token)?;
        if claims.iss != kid {
            return Err(TokenError::Malformed);
        }
        if claims.tenant != entry.tenant {
            return Err(TokenError::Tenant);
        }
        claims.check(unix)?;
        Ok(claims)
    }

    /// Checks a token again that was good once: its key is still there and its time has not run out.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn recheck(&self, claims: &Claims, unix: u64) -> Result<(), TokenError> {
        let entry = self.keys.get(&claims.iss).ok_or(TokenError::Signature)?;
        if entry.tenant != claims.tenant {
            return Err(TokenError::Tenant);
        }
        claims.check(unix)
    }

    /// Signs claims with the key they name in `iss`. `None`: there is no such key, or it cannot sign.
    #[must_use]
    pub fn mint(&self, claims: &Claims) -> Option<String> {
        let secret = self.keys.get(&claims.iss)?.secret.as_ref()?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(claims.iss.clone());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret.expose_secret().as_bytes())).ok()
    }

    /// The tenant of an API key, if the secret is right. Takes as long for a wrong key as for a wrong secret.
    #[must_use]
    pub fn authenticate(&self, key: &str, secret: &str) -> Option<&str> {
        let entry = self.keys.get(key);
        let expected = entry.and_then(|entry| entry.secret.as_ref()).map_or("", |secret| secret.expose_secret());
        let equal: bool = expected.as_bytes().ct_eq(secret.as_bytes()).into();
        entry.filter(|_| equal && !expected.is_empty()).map(|entry| entry.tenant.as_str())
    }

    /// Whether pages of this origin may act for the tenant.
    #[must_use]
    pub fn allows_origin(&self, tenant: &str, origin: &str) -> bool {
        self.origins.get(tenant).is_some_and(|allowed| allowed.iter().any(|pattern| origin_matches(pattern, origin)))
    }

    /// Whether pages of this origin may act for some tenant: all that is known before the token.
    #[must_use]
    pub fn any_allows_origin(&self, origin: &str) -> bool {
        self.origins.keys().any(|tenant| self.allows_origin(tenant, origin))
    }
}

// Keys must not reach a log.
impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("tenants", &self.origins.len()).field("keys", &self.keys.len()).finish()
    }
}

impl Entry {
    fn new(tenant: &str, key: &Key) -> Result<Self, KeyError> {
        if !is_id(&key.id) {
            return Err(KeyError::Id(key.id.clone()));
        }
        let (algorithm, decoding, secret) = match &key.source {
            KeySource::Secret(secret) if secret.expose_secret().len() < SECRET_BYTES_MIN => {
                return Err(KeyError::ShortSecret(key.id.clone()));
            }
            KeySource::Secret(secret) => {
                let decoding = DecodingKey::from_secret(secret.expose_secret().as_bytes());
                (Algorithm::HS256, Ok(decoding), Some(secret.clone()))
            }
            KeySource::Ed25519(pem) => (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem.as_bytes()), None),
            KeySource::P256(pem) => (Algorithm::ES256, DecodingKey::from_ec_pem(pem.as_bytes()), None),
        };
        let decoding = decoding.map_err(|_| KeyError::PublicKey(key.id.clone()))?;
        Ok(Self { tenant: tenant.to_owned(), algorithm, decoding, secret })
    }

    /// Checks the signature of a token with this header by the one algorithm of this key, and reads its claims, of which it
    /// checks the types and not the values. `jsonwebtoken::decode` would read the header two more times and the claims
    /// twice, and ask the system for the time, which [`Claims::check`] is told.
    fn decode(&self, header: &Header, token: &str) -> Result<Claims, TokenError> {
        use jsonwebtoken::errors::ErrorKind;
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (_, claims) = message.rsplit_once('.').ok_or(TokenError::Malformed)?;
        // A key is for one algorithm, whatever the token says (RFC 8725 §3.1).
        if header.alg != self.algorithm {
            return Err(TokenError::Signature);
        }
        match crypto::verify(signature, message.as_bytes(), &self.decoding, self.algorithm) {
            Ok(true) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Base64(_)) => return Err(TokenError::Malformed),
            Ok(false) | Err(_) => return Err(TokenError::Signature),
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&claims).map_err(|_| TokenError::Malformed)
    }
}

/// Whether `text` has the form of an origin (RFC 6454), the port possibly `*`.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', '?', '#', '@', ' '])
}

fn origin_matches(pattern: &str, origin: &str) -> bool {
    let Some(prefix) = pattern.strip_suffix(":*") else { return pattern.eq_ignore_ascii_case(origin) };
    let Some(head) = origin.get(..prefix.len()) else { return false };
    let rest = &origin[prefix.len()..];
    let is_port =
        rest.strip_prefix(':').is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    head.eq_ignore_ascii_case(prefix) && (rest.is_empty() || is_port)
}
