//! `PUT /v1/prompts/{name}`: make or change a prompt.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, put};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::Key;
use crate::service::{NewPrompt, Press, PromptKey, PromptSounds, to_the_end};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Json;
use super::super::state::State;
use super::prompt::{PromptView, refused};
use super::step::{language, name, press};

/// What can be wrong with storing a prompt.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidJson,
    Code::JsonTooDeep,
    Code::Unauthorized,
    Code::MissingScope,
    Code::RequestTimeout,
    Code::PromptConfigured,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnknownField,
    Code::MissingField,
    Code::InvalidField,
    Code::SoundMissing,
    Code::Internal,
    Code::StoreUnavailable,
];

/// A prompt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptBody {
    /// The language of those who are to be spoken to in one that it does not have; one of
    /// `languages`. Default: `en`, or the first.
    default_language: Option<String>,
    /// Its sounds, 1 to 100 languages, none twice.
    languages: Vec<PromptLanguageBody>,
}

/// A prompt's sounds in one language.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptLanguageBody {
    /// Two or three letters, perhaps with a region, such as `en` or `pt-br`.
    language: String,
    /// Played on answer: a sound's name, `NAME@VERSION`, or the provider's id or name of one.
    greeting: String,
    /// Played after the key.
    confirmed: String,
    /// Played after another key or none.
    fallback: String,
    /// The key that the greeting names, `0` to `9`, or `random`.
    press: String,
    /// The key that the greeting names for never being called again, `0` to `9`, another one than
    /// `press`; null: none. Pressed, it ends the verification with `not_me` and suppresses the number.
    never_again: Option<String>,
}

/// Stores a prompt in place of the one of this name. Its sounds must be there.
#[utoipa::path(
    operation_id = "put_prompt",
    tag = "prompts",
    params(("name" = String, Path, description = "The prompt's name")),
    request_body = PromptBody,
    responses(
        (status = 201, description = "It is new", body = PromptView),
        (status = 200, description = "It was changed", body = PromptView),
    ),
    security(("key" = ["operate"])),
)]
#[put("/v1/prompts/{name}")]
pub async fn put_prompt(
    holder: Holder<ToOperate>,
    path: Path<String>,
    state: Data<State>,
    body: Json<PromptBody>,
) -> Result<HttpResponse, Problem> {
    let prompt = name("name", &path)?;
    let new = new(body.body)?;
    let (service, of) = (Arc::clone(&state.service), prompt.clone());
    let work = async move { service.put_prompt(of, new, &holder.actor()).await };
    let is_new = to_the_end(state.service.background(), work).await.map_err(refused)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let stored = state.service.show_prompt(&prompt);
    let stored = stored
        .ok_or_else(|| Problem::new(Code::Internal, "It was deleted again while it was stored."))?;
    Ok(answer::json(status, &PromptView::new(&stored)))
}

fn never_again(field: &str, text: Option<&str>) -> Result<Option<Key>, Problem> {
    match text.map(|text| press(field, text)).transpose() {
        Ok(None) => Ok(None),
        Ok(Some(Press::Fixed(key))) => Ok(Some(key)),
        Ok(Some(Press::Random)) | Err(_) => {
            let detail = "\"never_again\" is one digit, \"0\" to \"9\", or null.";
            Err(Problem::field(Code::InvalidField, field, detail))
        }
    }
}

fn new(body: PromptBody) -> Result<NewPrompt, Problem> {
    let default = body.default_language;
    let default = default.map(|text| language("default_language", &text)).transpose()?;
    let mut languages = BTreeMap::new();
    for (index, three) in body.languages.into_iter().enumerate() {
        let field = |of: &str| format!("languages.{index}.{of}");
        let spoken = language(&field("language"), &three.language)?;
        let sounds = PromptSounds {
            greeting: three.greeting,
            confirmed: three.confirmed,
            fallback: three.fallback,
            press: match press(&field("press"), &three.press)? {
                Press::Fixed(key) => PromptKey::Fixed(key),
                Press::Random => PromptKey::Random,
            },
            refuse: never_again(&field("never_again"), three.never_again.as_deref())?,
        };
        if languages.insert(spoken, sounds).is_some() {
            let detail = format!("The language {:?} is there twice.", three.language);
            return Err(Problem::field(Code::InvalidField, &field("language"), detail));
        }
    }
    Ok(NewPrompt { default_language: default, languages })
}
