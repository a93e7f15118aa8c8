//! `PUT /v1/guard/switches`: stop starts, or let them be again.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, put};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::Channel;
use crate::service::{Switch, to_the_end};

use super::super::super::access::{Holder, ToOperate};
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::read::Json;
use super::super::super::state::State;
use super::super::step::name;
use super::super::words;
use super::bar::reason;
use super::list_switches::{SwitchesView, stopped};

/// What can be wrong with a switch.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What to stop, or to let be again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchBody {
    /// Whether it is stopped.
    stopped: bool,
    /// Only this app. Default: every app.
    app: Option<String>,
    /// Only this channel. Default: every channel.
    #[schema(schema_with = words::channel)]
    channel: Option<String>,
    /// Why, for whoever looks later; at most 256 bytes.
    reason: Option<String>,
}

/// Stops starts, later steps of plans and what waits to be dispatched, of everything, of one
/// app, of one channel, or of one channel of one app; or lets them be again. Effective at
/// once, on every replica. Calls that ring go on.
#[utoipa::path(
    operation_id = "set_switch",
    tag = "guard",
    request_body = SwitchBody,
    responses((status = 200, description = "What is stopped now", body = SwitchesView)),
    security(("key" = ["operate"])),
)]
#[put("/v1/guard/switches")]
pub async fn set_switch(
    holder: Holder<ToOperate>,
    state: Data<State>,
    body: Json<SwitchBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.body;
    let switch = Switch {
        app: body.app.map(|text| name("app", &text)).transpose()?,
        channel: body.channel.as_deref().map(channel).transpose()?,
    };
    let reason = reason(body.reason)?;
    let by = holder.actor();
    let service = Arc::clone(&state.service);
    let work = async move {
        if body.stopped {
            service.stop_starts(switch, reason, &by).await
        } else {
            service.resume_starts(&switch, &by).await.map(drop)
        }
    };
    to_the_end(state.service.background(), work).await.map_err(|error| Problem::store(&error))?;
    stopped(&state).await
}

/// The channel of a word.
pub(super) fn channel(text: &str) -> Result<Channel, Problem> {
    Channel::parse(text).ok_or_else(|| {
        let known = Channel::ALL.map(Channel::as_str);
        let detail = format!("\"channel\" is one of: {}.", known.join(", "));
        Problem::field(Code::InvalidField, "channel", detail).with("known", known.to_vec())
    })
}
