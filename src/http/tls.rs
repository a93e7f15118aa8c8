//! TLS on the listener.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Tls;

/// Why a listener has no TLS. Each names the file, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error(
        "{path} cannot be read as PEM; check that it exists, that this user may read it, and that it begins with a -----BEGIN line"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The certificate's file holds none.
    #[error(
        "{0} holds no certificate; server.tls.certificate is the certificate followed by its chain"
    )]
    NoCertificate(PathBuf),
    /// Certificate and key do not work together.
    #[error(
        "the key in {key} does not belong to the certificate in {certificate}, or is of a kind that is not supported"
    )]
    NoPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        source: rustls::Error,
    },
}

/// The configuration of a listener with TLS 1.2 and 1.3.
pub fn configure(tls: &Tls) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&tls.certificate)?;
    let key =
        PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| unreadable(&tls.key, error))?;
    let no_pair = |source| TlsError::NoPair {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        source,
    };
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(no_pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(no_pair)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, error))?;
    let chain: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| unreadable(path, error))?;
    if chain.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(chain) }
}

fn unreadable(path: &Path, source: pem::Error) -> TlsError {
    TlsError::Unreadable { path: path.to_owned(), source }
}
