//! The address of a server: what its URL says, and how its connection is encrypted.
//!
//! `sslmode` means what it does elsewhere, but for one thing: a certificate that is shown
//! is always checked, its name too. Without the key, connections that leave the machine
//! are encrypted, and others are not.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded;

use super::connect::{Connector, PATIENCE};
use crate::domain::Secret;
use crate::store::OpenError;

/// After so long without an acknowledgement a connection counts as broken.
const SILENCE: Duration = Duration::from_secs(5);

/// What a URL says.
pub(super) struct Address {
    pub(super) connector: Connector,
    /// Where it is, without who asks: for texts.
    pub(super) shown: String,
    /// The newest schema that this process is to know, if it is to know less than it does.
    pub(super) newest_schema: Option<u32>,
}

/// The parameters that the driver does not know, or not so.
#[derive(Default)]
struct Ours {
    sslmode: Option<String>,
    sslrootcert: Option<String>,
    newest_schema: Option<String>,
}

impl Address {
    /// Reads a URL. No message repeats it, since it may hold a password.
    pub(super) fn read(secret: &Secret) -> Result<Self, OpenError> {
        let wrong = |what: &str| OpenError::Address { what: what.to_owned() };
        let (ours, url) = Ours::taken_from(secret.expose());
        let mut config: Config = url.parse().map_err(|_| {
            wrong("it is no URL of PostgreSQL, or has a parameter that is not known, or a value that is not understood")
        })?;
        let (shown, mode) = (shown(&config), ours.mode(&config)?);
        config
            .application_name("ringproof")
            .ssl_mode(mode)
            .connect_timeout(PATIENCE)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE)
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(2)
            // After a failover the primary is looked for.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        let tls = MakeRustlsConnect::new(ours.encryption()?);
        let newest_schema = ours.newest_schema.map(|text| text.parse());
        let newest_schema =
            newest_schema.transpose().map_err(|_| wrong("newest_schema must be a number"))?;
        Ok(Self { connector: Connector { config, tls }, shown, newest_schema })
    }
}

impl Ours {
    /// Takes the parameters out of a URL, which then holds what the driver knows.
    fn taken_from(url: &str) -> (Self, String) {
        let mut ours = Self::default();
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut left = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let key = pair.split('=').next().unwrap_or_default();
            let value = || form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value);
            match key {
                "sslmode" => ours.sslmode = value().map(Into::into),
                "sslrootcert" => ours.sslrootcert = value().map(Into::into),
                "newest_schema" => ours.newest_schema = value().map(Into::into),
                _ => left.push(pair),
            }
        }
        let separator = if left.is_empty() { "" } else { "?" };
        (ours, format!("{place}{separator}{}", left.join("&")))
    }

    fn mode(&self, config: &Config) -> Result<SslMode, OpenError> {
        match self.sslmode.as_deref() {
            Some("disable") => Ok(SslMode::Disable),
            Some("prefer") => Ok(SslMode::Prefer),
            Some("require" | "verify-ca" | "verify-full") => Ok(SslMode::Require),
            Some(_) => Err(OpenError::Address {
                what: "sslmode must be disable, prefer, require or verify-full".to_owned(),
            }),
            None if config.get_hosts().iter().all(stays_here) => Ok(SslMode::Disable),
            None => Ok(SslMode::Require),
        }
    }

    /// The certificates that are trusted: those of the file, or else the system's.
    fn encryption(&self) -> Result<ClientConfig, OpenError> {
        let wrong = |what: String| OpenError::Address { what };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has what these versions need");
        let Some(path) = &self.sslrootcert else {
            let builder = builder
                .with_platform_verifier()
                .map_err(|error| wrong(format!("the system's certificates: {error}")))?;
            return Ok(builder.with_no_client_auth());
        };
        let unusable = |why: &dyn std::fmt::Display| wrong(format!("sslrootcert {path}: {why}"));
        let pem = fs::read(path).map_err(|error| unusable(&error))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        if roots.is_empty() {
            return Err(unusable(&"it holds no certificate"));
        }
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// Whether a connection to the host does not leave the machine.
fn stays_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn shown(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().map_or(5432, |port| *port);
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("{host}:{port}/{database}")
}
