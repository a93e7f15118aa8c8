//! `POST /v1/guard/exemptions`: a prefix is not to be blocked for how little of it is proved.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::Channel;
use crate::service::{Exemption, LONGEST_PREFIX};

use super::super::super::access::{Holder, ToOperate};
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::read::Json;
use super::super::super::state::State;
use super::super::words;
use super::bar::{BarView, put_up, reason};
use super::set_switch::channel;

/// What can be wrong with an exemption.
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

/// What is never to be blocked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExemptionBody {
    /// What the numbers begin with in international form: a plus and 1 to 11 digits.
    #[schema(example = "+38099")]
    prefix: String,
    /// Only by this channel, which is not `email`. Default: every channel.
    #[schema(schema_with = words::channel)]
    channel: Option<String>,
    /// Why, for whoever looks later; at most 256 bytes.
    reason: Option<String>,
}

/// Keeps the rule `conversion` from blocking a prefix, by every channel or by one; for all
/// apps. A block that stands holds the prefix no more.
#[utoipa::path(
    operation_id = "exempt",
    tag = "guard",
    request_body = ExemptionBody,
    responses((status = 201, description = "It is not blocked any more", body = BarView)),
    security(("key" = ["operate"])),
)]
#[post("/v1/guard/exemptions")]
pub async fn exempt(
    holder: Holder<ToOperate>,
    state: Data<State>,
    body: Json<ExemptionBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.body;
    let by_channel = body.channel.as_deref().map(channel).transpose()?;
    let (exemption, reason) = (exemption(&body.prefix, by_channel)?, reason(body.reason)?);
    let service = Arc::clone(&state.service);
    let work = async move { service.exempt(&exemption, reason, &holder.actor()).await };
    put_up(&state, work).await
}

fn exemption(prefix: &str, by: Option<Channel>) -> Result<Exemption, Problem> {
    if by == Some(Channel::Email) {
        let detail = "\"channel\" reaches numbers; an e-mail address has no prefix.";
        return Err(Problem::field(Code::InvalidField, "channel", detail));
    }
    Exemption::parse(prefix, by).ok_or_else(|| {
        let detail = format!(
            "\"prefix\" is what numbers begin with in international form: a plus and 1 to \
             {LONGEST_PREFIX} digits, such as \"+38099\"; a number's last four are none of it."
        );
        Problem::field(Code::InvalidField, "prefix", detail)
    })
}
