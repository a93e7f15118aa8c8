//! Deliveries: what an app was told, asked for again, and the endpoints that it has.

use crate::domain::{DeliveryId, Name};
use serde_json::json;

use crate::store::{
    Delivery, DeliveryDetails, DeliverySearch, DeliveryState, DisabledEndpoint, Target,
};

use super::{Actor, Administered, Service, StoreError};

/// One page of the log.
pub struct DeliveryPage {
    /// The deliveries, newest first.
    pub deliveries: Vec<Delivery>,
    /// What the next page begins after, if there may be one.
    pub next: Option<DeliveryId>,
}

/// An endpoint of the configuration, and whether it gets anything.
pub struct EndpointState {
    /// Its name.
    pub name: Name,
    /// Where to.
    pub url: String,
    /// What it is told, in a word.
    pub events: &'static str,
    /// Since when and why it gets nothing.
    pub disabled: Option<DisabledEndpoint>,
}

/// Why a delivery or an endpoint is not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryRefusal {
    /// There is none, or it is another app's.
    #[error("there is no such delivery or endpoint")]
    NotFound,
    /// The endpoint is disabled.
    #[error("the endpoint {0} is disabled; enable it first")]
    EndpointDisabled(Name),
    /// The endpoint is not in the configuration any more.
    #[error("the endpoint {0} is not in the configuration any more")]
    EndpointRemoved(Name),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Whether any app is told anything.
    #[must_use]
    pub fn tells_apps(&self) -> bool {
        self.outbound.has_targets()
    }

    /// Tries every delivery that is due; returns when none is.
    ///
    /// # Errors
    /// When the store does not answer; what is due stays due.
    pub async fn deliver_due(&self) -> Result<(), StoreError> {
        self.outbound.deliver_due().await
    }

    /// Returns when there is something new to deliver.
    pub async fn new_deliveries(&self) {
        self.outbound.woken().await;
    }

    /// One page of the log.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_deliveries(
        &self,
        mut search: DeliverySearch,
    ) -> Result<DeliveryPage, StoreError> {
        let limit = usize::from(search.limit);
        search.limit += 1;
        let mut deliveries = self.store.deliveries(search).await?;
        let more = deliveries.len() > limit;
        deliveries.truncate(limit);
        let next = deliveries.last().filter(|_| more).map(|last| last.id);
        Ok(DeliveryPage { deliveries, next })
    }

    /// An app's delivery with what is sent and every try.
    ///
    /// # Errors
    /// When there is none, or it is another app's.
    pub async fn show_delivery(
        &self,
        app: &Name,
        id: DeliveryId,
    ) -> Result<DeliveryDetails, DeliveryRefusal> {
        let found = self.store.delivery(id).await?;
        found.filter(|found| found.delivery.app == *app).ok_or(DeliveryRefusal::NotFound)
    }

    /// Has an app's delivery made again, with the same id, even if it is under way.
    ///
    /// # Errors
    /// See [`DeliveryRefusal`].
    pub async fn redeliver(
        &self,
        app: &Name,
        id: DeliveryId,
        by: &Actor,
    ) -> Result<Delivery, DeliveryRefusal> {
        let delivery = self.show_delivery(app, id).await?.delivery;
        if let Target::Endpoint(name) = delivery.target {
            let endpoint = self.list_endpoints(app).await?.into_iter().find(|one| one.name == name);
            match endpoint {
                None => return Err(DeliveryRefusal::EndpointRemoved(name)),
                Some(endpoint) if endpoint.disabled.is_some() => {
                    return Err(DeliveryRefusal::EndpointDisabled(name));
                }
                Some(_) => {}
            }
        }
        let state =
            |state: DeliveryState, tries: u32| json!({ "state": state.as_str(), "tries": tries });
        let done = Administered {
            action: "delivery.redelivered",
            subject: id.to_string(),
            before: Some(state(delivery.state, delivery.tries)),
            after: Some(state(DeliveryState::Pending, delivery.tries)),
        };
        let audited = self.audited(by, done);
        if !self.store.redeliver(app, id, self.clock.now(), audited).await? {
            return Err(DeliveryRefusal::NotFound);
        }
        self.outbound.wake();
        Ok(self.show_delivery(app, id).await?.delivery)
    }

    /// The endpoints of an app.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_endpoints(&self, app: &Name) -> Result<Vec<EndpointState>, StoreError> {
        let disabled = self.store.disabled_endpoints(app).await?;
        let state = |(name, endpoint): (&Name, &crate::outbound::Endpoint)| EndpointState {
            name: name.clone(),
            url: endpoint.url.as_str().to_owned(),
            events: endpoint.events.as_str(),
            disabled: disabled.iter().find(|one| one.name == *name).cloned(),
        };
        Ok(self.outbound.endpoints(app).map(state).collect())
    }

    /// Enables an app's endpoint; what was held for it is due.
    ///
    /// # Errors
    /// See [`DeliveryRefusal`].
    pub async fn enable_endpoint(
        &self,
        app: &Name,
        name: &Name,
        by: &Actor,
    ) -> Result<EndpointState, DeliveryRefusal> {
        let endpoints = self.list_endpoints(app).await?;
        let before = endpoints.into_iter().find(|one| one.name == *name);
        let disabled = before.ok_or(DeliveryRefusal::NotFound)?.disabled;
        let done = Administered {
            action: "endpoint.enabled",
            subject: format!("{app}/{name}"),
            before: Some(json!({
                "enabled": disabled.is_none(),
                "reason": disabled.as_ref().map(|one| &*one.reason),
            })),
            after: Some(json!({ "enabled": true })),
        };
        let audited = self.audited(by, done);
        self.store.enable_endpoint(app, name, self.clock.now(), audited).await?;
        self.outbound.wake();
        let endpoints = self.list_endpoints(app).await?;
        endpoints.into_iter().find(|one| one.name == *name).ok_or(DeliveryRefusal::NotFound)
    }
}
