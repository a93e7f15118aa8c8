//! Sounds and prompts: what is played into calls, uploaded, looked at, and tried.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use maud::{Markup, html};

use crate::domain::Name;
use crate::service::{SoundRefusal, SoundState, to_the_end};

use super::super::problem::sentence;
use super::super::read::{Upload, upload};
use super::super::state::State;
use super::elements::{badge, hidden_token, plain};
use super::form;
use super::operator::{self, Operator};
use super::page::{self, Section};
use super::prompts;
use super::refused::Refused;

const TITLE: &str = "Sounds and prompts";

/// Every sound and prompt.
pub async fn page(operator: Operator, state: Data<State>) -> HttpResponse {
    show(&operator, &state, StatusCode::OK, None)
}

/// Keeps a file as the newest version of a sound; its page then says what was found out.
pub async fn upload_one(
    request: HttpRequest,
    state: Data<State>,
    payload: Payload,
) -> Result<HttpResponse, Refused> {
    form::from_here(&request)?;
    let operator = operator::of(&request).await?;
    let place = match state.service.place_to_prepare() {
        Ok(place) => place,
        Err(why) => return Ok(refused(&operator, &state, &why)),
    };
    let mut upload = upload(&request, &mut payload.into_inner()).await?;
    form::of_session(&operator, upload.take(form::TOKEN).as_deref())?;
    let name = match named(&mut upload) {
        Ok(name) => name,
        Err(why) => {
            return Ok(show(&operator, &state, StatusCode::UNPROCESSABLE_ENTITY, Some(why)));
        }
    };
    let service = state.service.clone();
    let (sound, by) = (name.clone(), operator.actor());
    let work = async move { service.upload_sound(place, sound, None, upload.file, &by).await };
    match to_the_end(state.service.background(), work).await {
        Ok(_) => Ok(page::see_other(&format!("/console/sounds/{name}"))),
        Err(SoundRefusal::Store(error)) => Err(Refused::store(&error)),
        Err(why) => Ok(refused(&operator, &state, &why)),
    }
}

fn named(upload: &mut Upload) -> Result<Name, &'static str> {
    let name = upload.take("name").unwrap_or_default();
    Name::parse(name.trim())
        .map_err(|_| "The sound's name has 1 to 64 characters of a-z, 0-9, \"-\" and \"_\".")
}

fn refused(operator: &Operator, state: &State, why: &SoundRefusal) -> HttpResponse {
    let status = match why {
        SoundRefusal::Busy | SoundRefusal::Provider { .. } => StatusCode::SERVICE_UNAVAILABLE,
        SoundRefusal::Bad(_)
        | SoundRefusal::TooSlow
        | SoundRefusal::NotFound
        | SoundRefusal::UnknownAccount { .. }
        | SoundRefusal::InUse(_)
        | SoundRefusal::Store(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    show(operator, state, status, Some(&sentence(why)))
}

/// The page, with what is wrong if anything is.
pub(super) fn show(
    operator: &Operator,
    state: &State,
    status: StatusCode,
    wrong: Option<&str>,
) -> HttpResponse {
    let sounds = state.service.list_sounds();
    let content = html! {
        h1 { (TITLE) }
        p.lead { "A button call plays a prompt: a greeting, then \"confirmed\" or a fallback. Each is a sound that the provider has." }
        @if let Some(wrong) = wrong { p.notice role="alert" { (wrong) } }
        (upload_form(operator, &sounds))
        (list(&sounds))
        (prompts::all(operator, state, &sounds))
    };
    page::with_status(status, operator, Section::Sounds, TITLE, &content)
}

fn upload_form(operator: &Operator, sounds: &[SoundState]) -> Markup {
    html! {
        section.panel {
            h2 { "Upload a sound" }
            form.upload method="post" action="/console/sounds" enctype="multipart/form-data" {
                (hidden_token(&operator.session))
                label { "Name"
                    input name="name" required maxlength="64" pattern="[a-z0-9_\\-]+" list="sounds"
                        autocomplete="off" spellcheck="false" placeholder="greeting-en";
                }
                datalist id="sounds" { @for sound in sounds { option value=(sound.name) {} } }
                label.drop { "File: drop it here, or choose one"
                    input type="file" name="file" required accept=".wav,.mp3,.flac,.ogg,audio/*";
                }
                button.primary { "Upload" }
            }
            p.hint { "WAV, MP3, FLAC or Ogg Vorbis, at most 16 MiB, 0.5 to 60 seconds. It is inspected first, converted to what telephones play, and levelled. A name that exists gets a new version." }
        }
    }
}

fn list(sounds: &[SoundState]) -> Markup {
    html! {
        @if sounds.is_empty() {
            div.panel.empty {
                h2 { "No sound yet" }
                p { "Upload the three of a prompt above: greeting, confirmed, fallback. Prompts of the configuration may also name sounds that the provider has already." }
            }
        } @else {
            div.panel.flush {
                table.cards {
                    thead { tr { th { "Sound" } th.number { "Version" } th.number { "Length" } th.number { "Loudness" } th { "State" } th { "Used by" } } }
                    tbody { @for sound in sounds { (row(sound)) } }
                }
            }
        }
    }
}

fn row(sound: &SoundState) -> Markup {
    let newest = sound.versions.last();
    html! {
        tr {
            td data-label="Sound" { a.strong href={ "/console/sounds/" (sound.name) } { (sound.name) } }
            td.number data-label="Version" { (newest.map_or(0, |newest| newest.row.version)) }
            td.number data-label="Length" { @if let Some(newest) = newest { (seconds(newest.inspection.duration_ms)) } }
            td.number data-label="Loudness" { @if let Some(newest) = newest { (newest.inspection.loudness_lufs) " LUFS" } }
            td data-label="State" { (state_of(sound)) }
            td.text data-label="Used by" { (uses(sound)) }
        }
    }
}

/// Whether calls can play it, and whether it should be mended.
pub(super) fn state_of(sound: &SoundState) -> Markup {
    let advice = sound.versions.last().map_or(0, |newest| newest.inspection.advice.len());
    html! {
        @if sound.missing_at.is_empty() {
            (badge("good", "at the provider"))
        } @else {
            (badge("bad", "missing")) " at "
            @for (place, account) in sound.missing_at.iter().enumerate() { @if place > 0 { ", " } (account) }
        }
        @if advice > 0 { " " (badge("open", "see advice")) }
    }
}

/// The prompts that play it.
pub(super) fn uses(sound: &SoundState) -> Markup {
    html! {
        @if sound.used_by.is_empty() { span.muted { "no prompt" } }
        @for (place, of) in sound.used_by.iter().enumerate() {
            @if place > 0 { ", " }
            (of.prompt) " " span.muted { (of.language) " " (plain(of.part)) }
        }
    }
}

/// Milliseconds as seconds.
pub(super) fn seconds(milliseconds: u32) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}
