//! `[[tenants]]`: who may use the node, from which pages, with which keys.

use super::{CobrowseConfig, ConfigError};
use crate::token::{Key, KeySource, Tenant};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::{Path, PathBuf};

/// `[[tenants]]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// The tenant's name, as tokens say it.
    pub id: String,
    /// Where its pages come from, such as `https://shop.example`; the port may be `*`.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Its API keys.
    #[serde(default)]
    pub keys: Vec<KeyConfig>,
    /// What it decides about pages that its shoppers share.
    #[serde(default)]
    pub cobrowse: CobrowseConfig,
}

/// `[[tenants.keys]]`: one of `secret`, `secret_file`, or `algorithm` with `public_key_file`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// The key's name: the `kid` and `iss` of its tokens.
    pub id: String,
    /// At least 32 bytes, for HS256 and the REST API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// A file that holds the secret and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// The algorithm of a public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<KeyAlgorithm>,
    /// A PEM file with the public key of tokens that are signed elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_file: Option<PathBuf>,
}

/// How tokens of a public key are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

/// A secret in a configuration: read, never written out.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Secret {}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl TenantConfig {
    /// Reads the keys that stand in files.
    pub(super) fn read(&self) -> Result<Tenant, ConfigError> {
        let keys = self.keys.iter().map(KeyConfig::read).collect::<Result<_, _>>()?;
        Ok(Tenant { id: self.id.clone(), origins: self.origins.clone(), keys })
    }
}

impl KeyConfig {
    /// A key with its secret in place.
    #[must_use]
    pub fn with_secret(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: Some(Secret(secret.to_owned().into())), ..Self::default() }
    }

    /// Whether this is the key with that secret.
    pub(super) fn is(&self, secret: &str) -> bool {
        self.secret.as_ref().is_some_and(|own| own.0.expose_secret() == secret)
    }

    fn read(&self) -> Result<Key, ConfigError> {
        let source = match (&self.secret, &self.secret_file, self.algorithm, &self.public_key_file) {
            (Some(secret), None, None, None) => KeySource::Secret(secret.0.clone()),
            (None, Some(path), None, None) => KeySource::Secret(self.file(path)?.trim_end().to_owned().into()),
            (None, None, Some(KeyAlgorithm::EdDSA), Some(path)) => KeySource::Ed25519(self.file(path)?),
            (None, None, Some(KeyAlgorithm::ES256), Some(path)) => KeySource::P256(self.file(path)?),
            _ => {
                let why = "set `secret`, or `secret_file`, or `algorithm` and `public_key_file`; not several of them";
                return Err(ConfigError::Invalid { key: self.key(), why: why.to_owned() });
            }
        };
        Ok(Key { id: self.id.clone(), source })
    }

    fn file(&self, path: &Path) -> Result<String, ConfigError> {
        std::fs::read_to_string(path).map_err(|error| ConfigError::Invalid {
            key: self.key(),
            why: format!("cannot read {}: {error}", path.display()),
        })
    }

    fn key(&self) -> String {
        format!("tenants.keys, id = {:?}", self.id)
    }
}
