//! Deliveries: what apps are told, and what became of telling them.
//!
//! They are stored by the change that causes them, see `Change` and `Start`. From
//! then on these rows are the only queue: due at a time, leased while somebody
//! sends, given back by the lease's end if that one is gone.

use std::time::Duration;

use jiff::Timestamp;

use super::{Audited, Store, StoreError, adapter};
use crate::domain::{DeliveryId, Name, VerificationId};

/// A delivery about to be stored; it is due at once.
pub struct NewDelivery {
    /// Its id, the same at every try.
    pub id: DeliveryId,
    /// The app that is told.
    pub app: Name,
    /// What it is about.
    pub verification: VerificationId,
    /// Where it goes.
    pub target: Target,
    /// What happened, in a word.
    pub kind: Box<str>,
    /// When that was.
    pub at: Timestamp,
    /// What is sent.
    pub payload: Box<[u8]>,
}

/// Where a delivery goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An endpoint of the configuration.
    Endpoint(Name),
    /// The address that a start named.
    Callback(Box<str>),
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It will be tried.
    Pending,
    /// The app took it.
    Delivered,
    /// It was given up.
    Failed,
    /// Its endpoint is disabled or not in the configuration; it waits.
    Held,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Held];

    /// The word used in the API and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }
}

/// A delivery that somebody may lease.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The app that is told.
    pub app: Name,
    /// Where it goes.
    pub target: Target,
}

/// A delivery that is the caller's to send until its lease ends.
pub struct LeasedDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The app that is told.
    pub app: Name,
    /// Where it goes.
    pub target: Target,
    /// What is sent.
    pub payload: Box<[u8]>,
    /// How often it was tried since it was made or asked for again.
    pub tries_in_round: u32,
    /// When others may take it.
    pub lease_until: Timestamp,
}

/// One try to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// Why it did not succeed.
    pub error: Option<Box<str>>,
}

/// What is to become of a delivery after a try, or without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The app took it.
    Delivered,
    /// It is tried again then.
    RetryAt(Timestamp),
    /// It is given up.
    Failed,
    /// Its endpoint said that it is gone: the endpoint is disabled and this one waits.
    EndpointGone,
    /// There is nowhere to send it to; it waits.
    Held,
}

/// A try that has ended.
pub struct FinishedTry {
    /// The delivery.
    pub id: DeliveryId,
    /// The lease under which it was tried.
    pub lease_until: Timestamp,
    /// The try; none if nothing could be tried.
    pub tried: Option<Tried>,
    /// What is to become of the delivery.
    pub outcome: DeliveryOutcome,
}

/// A delivery as the log shows it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The app that is told.
    pub app: Name,
    /// What it is about.
    pub verification: VerificationId,
    /// Where it goes.
    pub target: Target,
    /// What happened, in a word.
    pub kind: Box<str>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it is tried next.
    pub due_at: Option<Timestamp>,
    /// How often it was tried.
    pub tries: u32,
    /// The last try.
    pub last: Option<Tried>,
}

/// A delivery with everything that is known of it.
pub struct DeliveryDetails {
    /// The delivery.
    pub delivery: Delivery,
    /// What is sent.
    pub payload: Box<[u8]>,
    /// Every try, in order.
    pub tries: Vec<Tried>,
}

/// What to search the log for. Every filter that is given must pass.
#[derive(Clone, Debug)]
pub struct DeliverySearch {
    /// The app whose deliveries are searched.
    pub app: Name,
    /// Where they stand.
    pub state: Option<DeliveryState>,
    /// The endpoint that they go to.
    pub endpoint: Option<Name>,
    /// The verification that they are about.
    pub verification: Option<VerificationId>,
    /// The last id of the page before this one.
    pub before: Option<DeliveryId>,
    /// At most so many.
    pub limit: u16,
}

/// An endpoint that gets nothing until it is enabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisabledEndpoint {
    /// Its name.
    pub name: Name,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: Box<str>,
}

impl Store {
    /// Deliveries that are due at `now` and leased by nobody, those that wait longest
    /// first: at most `each` to one endpoint, and to all callbacks of one app.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn due_deliveries(
        &self,
        now: Timestamp,
        each: u32,
        limit: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        adapter!(self.due_deliveries(now, each, limit))
    }

    /// Leases those of the deliveries that are still due. Those whose endpoint is
    /// disabled are held instead.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn lease_deliveries(
        &self,
        ids: Vec<DeliveryId>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<LeasedDelivery>, StoreError> {
        adapter!(self.lease_deliveries(ids, now, until))
    }

    /// Keeps a try and what follows from it; whether the lease still held. If it did
    /// not, the try is noted and nothing follows.
    ///
    /// # Errors
    /// See [`StoreError`]; the delivery is due again when its lease ends.
    pub async fn finish_try(&self, finished: FinishedTry) -> Result<bool, StoreError> {
        adapter!(self.finish_try(finished))
    }

    /// The deliveries of an app that pass every filter, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn deliveries(&self, search: DeliverySearch) -> Result<Vec<Delivery>, StoreError> {
        adapter!(self.deliveries(search))
    }

    /// A delivery with what is sent and every try, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetails>, StoreError> {
        adapter!(self.delivery(id))
    }

    /// Makes an app's delivery due now, whatever became of it before, and even if it is
    /// under way; whether the app has it. If so, `audited` is appended in the same transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn redeliver(
        &self,
        app: &Name,
        id: DeliveryId,
        now: Timestamp,
        audited: Audited,
    ) -> Result<bool, StoreError> {
        adapter!(self.redeliver(app, id, now, audited))
    }

    /// The endpoints of an app that are disabled.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn disabled_endpoints(
        &self,
        app: &Name,
    ) -> Result<Vec<DisabledEndpoint>, StoreError> {
        adapter!(self.disabled_endpoints(app))
    }

    /// Enables an endpoint and makes what was held for it due; how many those are.
    /// Appends `audited` in the same transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn enable_endpoint(
        &self,
        app: &Name,
        endpoint: &Name,
        now: Timestamp,
        audited: Audited,
    ) -> Result<u64, StoreError> {
        adapter!(self.enable_endpoint(app, endpoint, now, audited))
    }
}
