//! Which addresses may be connected to: the public internet, and what the configuration
//! allows. Else whoever names an address could have this service knock at machines that
//! only it can see.
//!
//! A host is looked up once, by the connection itself, and what may not be reached is
//! taken out of the answer; so no second look-up can bring another address.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::{Network, WebhookUrl, is_public};

/// What may be reached. Cheap to clone.
#[derive(Clone)]
pub(super) struct Reach(Arc<[Network]>);

/// None of a host's addresses may be reached.
#[derive(Debug, thiserror::Error)]
#[error("the host is not at an address that may be reached")]
pub(super) struct NotReachable;

impl Reach {
    pub(super) fn new(allowed: Vec<Network>) -> Self {
        Self(allowed.into())
    }

    /// Refuses what is surely not reachable, before any look-up. Hosts that are addresses
    /// themselves are never looked up, so this is where they are judged.
    pub(super) fn may_reach(&self, url: &WebhookUrl) -> Result<(), NotReachable> {
        if !url.is_encrypted() && self.0.is_empty() {
            return Err(NotReachable);
        }
        let permits = |address| self.lookups(url.is_encrypted()).permits(address);
        if url.literal().is_none_or(permits) { Ok(()) } else { Err(NotReachable) }
    }

    /// What looks hosts up. Without encryption only allowed networks are reached.
    pub(super) fn lookups(&self, encrypted: bool) -> Lookups {
        Lookups { allowed: self.0.clone(), public: encrypted }
    }
}

/// Looks hosts up and keeps the addresses that may be reached.
#[derive(Clone)]
pub(super) struct Lookups {
    allowed: Arc<[Network]>,
    public: bool,
}

impl Lookups {
    fn permits(&self, address: IpAddr) -> bool {
        (self.public && is_public(address))
            || self.allowed.iter().any(|network| network.contains(address))
    }
}

impl Resolve for Lookups {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|found| this.permits(found.ip())).collect();
            if found.is_empty() {
                return Err(Box::new(NotReachable) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
