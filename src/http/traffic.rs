//! How often requests may come: with one key, from one address, and refused ones.
//!
//! Counted in this process only. A key is charged after its secret was found right, so
//! that nobody uses up what is another's. Notifications are not limited here: an
//! authentic one never is, and forged ones are the intake's business.

use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use jiff::Timestamp;

use crate::config;
use crate::service::{Buckets, Empty, Rate, site};

use super::error::Code;
use super::hooks::source::client_of;
use super::problem::Problem;
use super::state::State;

/// What may come at once, in seconds of the rate.
const BURST_SECONDS: u32 = 10;

/// The limits, by what they count.
pub struct Traffic {
    keys: Buckets<Box<str>>,
    addresses: Buckets<IpAddr>,
    refusals: Buckets<IpAddr>,
}

impl Traffic {
    /// With the limits of the configuration.
    #[must_use]
    pub fn new(server: &config::Server) -> Self {
        let rate = |each_second| Rate::per_second(each_second, BURST_SECONDS);
        Self {
            keys: Buckets::new(rate(server.requests_per_key)),
            addresses: Buckets::new(rate(server.requests_per_address)),
            refusals: Buckets::new(rate(server.refusals_per_address)),
        }
    }

    /// Counts a request with a key whose secret was right.
    ///
    /// # Errors
    /// When there were too many.
    pub fn of_key(&self, key_id: &str, now: Timestamp) -> Result<(), Problem> {
        let taken = self.keys.take(key_id.into(), now);
        taken.map_err(|empty| too_many("key", "with this key", empty, now))
    }

    /// Counts a request from an address.
    ///
    /// # Errors
    /// When there were too many.
    pub fn of_address(&self, address: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let taken = self.addresses.take(site(address), now);
        taken.map_err(|empty| too_many("address", "from this address", empty, now))
    }

    fn of_refused(&self, address: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let taken = self.refusals.take(site(address), now);
        let what = "from this address that are refused";
        taken.map_err(|empty| too_many("refused", what, empty, now))
    }
}

/// The middleware: counts what comes to the API.
pub async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<Data<State>>().filter(|_| request.path().starts_with("/v1/"));
    let Some(state) = state.cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let address = client_of(request.request(), &state.trusted_proxies);
    let now = || state.service.clock().now();
    if let Err(problem) = state.traffic.of_address(address, now()) {
        return Ok(request.into_response(HttpResponse::from_error(problem)));
    }
    let answer = next.call(request).await?.map_into_boxed_body();
    if answer.status() == StatusCode::UNAUTHORIZED
        && let Err(problem) = state.traffic.of_refused(address, now())
    {
        let (request, _) = answer.into_parts();
        return Ok(ServiceResponse::new(request, HttpResponse::from_error(problem)));
    }
    Ok(answer)
}

/// The refusal, with the fields of draft-ietf-httpapi-ratelimit-headers.
fn too_many(policy: &str, what: &str, empty: Empty, now: Timestamp) -> Problem {
    let Empty { rate: Rate { burst, .. }, until } = empty;
    let each = burst / BURST_SECONDS;
    let detail = format!("{each} requests in a second may come {what}, and some more at once.");
    let seconds = u64::try_from(until.duration_since(now).as_secs()).unwrap_or(0) + 1;
    let header =
        |value: String| HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
    Problem::new(Code::TooManyRequests, detail)
        .with("limit", each)
        .retry_after(seconds)
        .header(
            HeaderName::from_static("ratelimit-policy"),
            header(format!("\"{policy}\";q={burst};w={BURST_SECONDS}")),
        )
        .header(
            HeaderName::from_static("ratelimit"),
            header(format!("\"{policy}\";r=0;t={seconds}")),
        )
}
