//! Our private key, read once for all handshakes.
//!
//! The engine asks for its key twice in each handshake. Reading it from DER makes the crypto library check that it lies
//! on its curve, which costs as much as a signature.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use dimpl::crypto::{Buf, CryptoProvider, KeyProvider, SigningKey};
use dimpl::{CryptoError, CryptoOperation, HashAlgorithm, SignatureAlgorithm};

/// The only hash that a P-256 key signs with here.
const HASH: HashAlgorithm = HashAlgorithm::SHA256;

/// A P-256 key that is ready to sign.
#[derive(Clone)]
struct Key(Arc<EcdsaKeyPair>);

/// Has one key at hand, whatever it is asked for.
#[derive(Debug)]
struct OneKey(Key);

/// The engine's usual provider, with this key at hand. A key that is not P-256 in PKCS #8 is left to the usual provider,
/// which reads it each time.
///
/// The engine wants its providers to live for ever, so the key does, too: one per identity.
pub(super) fn provider(private_key: &[u8]) -> CryptoProvider {
    let mut provider = dimpl::crypto::aws_lc_rs::default_provider();
    if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, private_key) {
        provider.key_provider = Box::leak(Box::new(OneKey(Key(Arc::new(pair)))));
    }
    provider
}

impl KeyProvider for OneKey {
    fn load_private_key(&self, _der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        Ok(Box::new(self.0.clone()))
    }
}

impl SigningKey for Key {
    fn sign(&mut self, data: &[u8], hash: HashAlgorithm, out: &mut Buf) -> Result<(), CryptoError> {
        if hash != HASH {
            return Err(CryptoError::SigningKeyHashMismatch { key_hash: HASH, requested: hash });
        }
        let signature = self.0.sign(&SystemRandom::new(), data);
        let signature = signature.map_err(|_| CryptoError::OperationFailed(CryptoOperation::Sign))?;
        out.clear();
        out.extend_from_slice(signature.as_ref());
        Ok(())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HASH
    }

    fn supported_hash_algorithms(&self) -> &[HashAlgorithm] {
        &[HASH]
    }
}

// A private key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}
