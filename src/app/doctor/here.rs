//! What stands on this machine: the store, its disk, the listener's certificate.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::{Config, StoreUrl};
use crate::store::{self, Beside, CopyError};

use super::account::chain;
use super::{Finding, certificate};

/// Free bytes below which a disk is nearly full, and full.
const LITTLE: u64 = 1024 * 1024 * 1024;
const TOO_LITTLE: u64 = 128 * 1024 * 1024;

/// A certificate is renewed in time if this much of it is left.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) async fn examine(config: &Config, clock: &Clock) -> Vec<Finding> {
    let mut findings = match &config.store.url {
        StoreUrl::Sqlite(path) => vec![health(path).await, disk(path)],
        // Its disk is not this machine's.
        StoreUrl::Postgres(_) => vec![answers(&config.store.url).await],
    };
    if let Some(tls) = &config.server.tls {
        findings.push(expiry(&tls.certificate, clock.now()));
    }
    findings
}

async fn health(path: &Path) -> Finding {
    match store::check(path).await {
        Ok(bytes) => {
            let found = format!("sound, {} MiB at {}", bytes / (1024 * 1024), path.display());
            Finding::ok("store", found)
        }
        Err(CopyError::Missing(path)) => Finding::warning(
            "store",
            format!("there is none at {} yet", path.display()),
            "the first `ringproof serve` makes it",
        ),
        Err(error) => Finding::wrong(
            "store",
            error.to_string(),
            "stop the service and put the last backup in its place with `ringproof restore`",
        ),
    }
}

/// Whether a server answers; what it holds is its own tools' business.
async fn answers(url: &StoreUrl) -> Finding {
    let asked = async { Beside::new(url)?.catalogue().await };
    match asked.await {
        Ok(_) => Finding::ok("store", "PostgreSQL answers"),
        Err(error) => Finding::wrong(
            "store",
            format!("PostgreSQL does not answer as it should: {}", chain(&error)),
            "see that the server runs, that store.url is right, and that this release has \
             served it once",
        ),
    }
}

fn disk(path: &Path) -> Finding {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let free = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            let found = format!("{} cannot be looked at: {error}", folder.display());
            return Finding::wrong("disk", found, "make the store's folder");
        }
    };
    let found = format!("{} MiB are free at {}", free / (1024 * 1024), folder.display());
    let advice = "free some: a store that cannot be written refuses starts and results";
    match free {
        0..TOO_LITTLE => Finding::wrong("disk", found, advice),
        TOO_LITTLE..LITTLE => Finding::warning("disk", found, advice),
        LITTLE.. => Finding::ok("disk", found),
    }
}

fn expiry(path: &Path, now: Timestamp) -> Finding {
    let about = "certificate";
    let until = match certificate::valid_until(path) {
        Ok(until) => until,
        Err(error) => {
            let advice = "server.tls.certificate is a PEM file with the certificate and its chain";
            return Finding::wrong(about, format!("{}: {error}", path.display()), advice);
        }
    };
    let found = format!("valid until {}", until.strftime("%Y-%m-%d"));
    let left = until.duration_since(now);
    if left <= SignedDuration::ZERO {
        let advice = "renew it and restart the service: the provider reaches nobody behind it";
        Finding::wrong(about, format!("expired {}", until.strftime("%Y-%m-%d")), advice)
    } else if left < SOON {
        Finding::warning(about, found, "renew it and restart the service")
    } else {
        Finding::ok(about, found)
    }
}
