//! A delivery as answers show it, and what its endpoints share.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::DeliveryId;
use crate::service::{Delivery, DeliveryDetails, DeliveryRefusal, Target, Tried};

use super::super::error::Code;
use super::super::problem::{Problem, instant, sentence};
use super::words;

/// What an app was told, or is to be told.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// Its id, which receivers see as `webhook-id`, the same at every try.
    #[schema(example = "msg_019d3b2e7c5a7f0c9f2d1a4be8c03f11")]
    id: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "verification.verified")]
    kind: String,
    /// The verification that it is about.
    verification_id: String,
    /// The endpoint that it goes to; null when it goes to a callback.
    endpoint: Option<String>,
    /// The `callback_url` that the start named; null when it goes to an endpoint.
    callback_url: Option<String>,
    /// Where it stands: `held` ones wait for their endpoint to be enabled.
    #[schema(schema_with = words::delivery_state)]
    state: &'static str,
    /// When it was stored.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next; null unless it is pending.
    #[schema(format = DateTime)]
    next_try_at: Option<String>,
    /// How often it was tried.
    tries: u32,
    /// The last try; null before the first.
    last_try: Option<TryView>,
    /// What is sent. Only when one delivery is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    payload: Option<Value>,
    /// Every try, oldest first. Only when one delivery is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Vec<TryView>>,
}

/// One try to deliver.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryTry)]
pub struct TryView {
    /// When it began.
    #[schema(format = DateTime)]
    at: String,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// The status of the receiver's answer; null when none came.
    status: Option<u16>,
    /// Why no answer came; null when one did.
    error: Option<String>,
}

impl DeliveryView {
    /// The delivery for its app.
    #[must_use]
    pub fn new(delivery: &Delivery) -> Self {
        let (endpoint, callback_url) = match &delivery.target {
            Target::Endpoint(name) => (Some(name.to_string()), None),
            Target::Callback(url) => (None, Some(url.to_string())),
        };
        Self {
            id: delivery.id.to_string(),
            kind: delivery.kind.to_string(),
            verification_id: delivery.verification.to_string(),
            endpoint,
            callback_url,
            state: delivery.state.as_str(),
            created_at: instant(delivery.created_at),
            next_try_at: delivery.due_at.map(instant),
            tries: delivery.tries,
            last_try: delivery.last.as_ref().map(TryView::new),
            payload: None,
            log: None,
        }
    }

    /// The delivery with what is sent and every try.
    #[must_use]
    pub fn whole(details: &DeliveryDetails) -> Self {
        Self {
            payload: serde_json::from_slice(&details.payload).ok(),
            log: Some(details.tries.iter().map(TryView::new).collect()),
            ..Self::new(&details.delivery)
        }
    }
}

impl TryView {
    /// One try.
    #[must_use]
    pub fn new(tried: &Tried) -> Self {
        Self {
            at: instant(tried.at),
            duration_ms: u64::try_from(tried.duration.as_millis()).unwrap_or(u64::MAX),
            status: tried.status,
            error: tried.error.as_deref().map(str::to_owned),
        }
    }
}

/// The id in a path. What is no id names no delivery.
pub(super) fn id(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| refused(DeliveryRefusal::NotFound))
}

/// What a delivery or an endpoint that is not shown or changed is answered with.
pub(super) fn refused(refusal: DeliveryRefusal) -> Problem {
    let detail = sentence(&refusal);
    match refusal {
        DeliveryRefusal::NotFound => Problem::new(
            Code::NotFound,
            "There is none of this name, or it is another app's, or its retention has ended.",
        ),
        DeliveryRefusal::EndpointDisabled(_) | DeliveryRefusal::EndpointRemoved(_) => {
            Problem::new(Code::EndpointDisabled, detail)
        }
        DeliveryRefusal::Store(error) => Problem::store(&error),
    }
}
