//! One request of a client, whatever its shape.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};

use super::super::hooks::source::client_of;
use super::super::read::{MAX_JSON, read_body};
use super::super::state::State;
use super::answer::Format;
use super::credentials::{Basic, basic};
use super::fields::Fields;
use super::refusal::Refusal;

/// What was sent. Reading it never fails, since even what cannot be read is answered
/// in the client's words.
pub struct Call {
    /// How it is to be answered.
    pub format: Format,
    /// Its parameters.
    pub fields: Result<Fields, Refusal>,
    /// The credentials of its header.
    pub basic: Option<Basic>,
    /// Whether too many come from where it was sent.
    pub throttled: bool,
    /// Where it was sent from.
    pub source: IpAddr,
}

impl FromRequest for Call {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let xml = request.match_info().get("format") == Some("xml");
            let state = request.app_data::<Data<State>>();
            let trusted = state.map_or(&[][..], |state| &state.trusted_proxies);
            let source = client_of(&request, trusted);
            let throttled = state.is_some_and(|state| {
                state.traffic.of_address(source, state.service.clock().now()).is_err()
            });
            let body = read_body(&request, &mut payload, MAX_JSON).await;
            let body = body.map_err(|_| Refusal::invalid("body"));
            Ok(Self {
                format: if xml { Format::Xml } else { Format::Json },
                fields: body.and_then(|body| Fields::read(request.query_string(), &body)),
                basic: basic(request.headers()),
                throttled,
                source,
            })
        })
    }
}

impl Call {
    /// The parameters.
    ///
    /// # Errors
    /// When they could not be read.
    pub fn fields(&self) -> Result<&Fields, Refusal> {
        self.fields.as_ref().map_err(Clone::clone)
    }
}
