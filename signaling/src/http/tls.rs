//! Certificates for the public listener: read from files, and read again when they change.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::watch;

/// The certificate in use, which may be replaced while connections run.
#[derive(Clone, Debug)]
pub struct Certificates {
    current: watch::Receiver<Arc<ServerConfig>>,
}

/// Where the certificate comes from, and the means to replace it.
#[derive(Debug)]
pub struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    changed: Option<SystemTime>,
    current: watch::Sender<Arc<ServerConfig>>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds something else.
    #[error("cannot read {path}: {why}. [tls] needs a PEM certificate chain and its PEM private key")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// The two do not belong together, or are too weak.
    #[error("the certificate and key of [tls] cannot be used together: {0}")]
    Pair(rustls::Error),
}

impl CertificateFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = watch::Sender::new(Arc::new(read(certificate, key)?));
        let changed = modified(certificate);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), changed, current })
    }

    /// The certificate in use.
    #[must_use]
    pub fn certificates(&self) -> Certificates {
        Certificates { current: self.current.subscribe() }
    }

    /// Reads the files again if they have changed. A certificate that cannot be used leaves the old one in place.
    pub fn reload_if_changed(&mut self) {
        let changed = modified(&self.certificate);
        if changed == self.changed {
            return;
        }
        self.changed = changed;
        match read(&self.certificate, &self.key) {
            Ok(config) => {
                self.current.send_replace(Arc::new(config));
                tracing::info!("the TLS certificate was replaced");
            }
            Err(error) => tracing::error!(%error, "the old TLS certificate stays in use"),
        }
    }
}

impl Certificates {
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.borrow().clone()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let file = |path: &Path, why: String| TlsError::File { path: path.to_owned(), why };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| file(certificate, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(TlsError::Pair)?;
    // HTTP/2 is not spoken on this port (SEC-17).
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
