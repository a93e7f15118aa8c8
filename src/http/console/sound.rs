//! One sound: how it looks and sounds, what was found out, where it is and who uses it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use crate::domain::Name;
use crate::service::{Inspection, SoundFile, SoundRefusal, SoundState, SoundVersion, to_the_end};

use super::super::problem::sentence;
use super::super::state::State;
use super::elements::{badge, hidden_token, instant};
use super::form::Posted;
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;
use super::sounds::{seconds, state_of, uses};
use super::waveform::waveform;

/// The page.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    name: Path<String>,
) -> Result<HttpResponse, Refused> {
    show(&operator, &state, &named(&name)?, StatusCode::OK, None).await
}

/// Which version is to be heard.
#[derive(Deserialize)]
pub struct Which {
    version: Option<u32>,
}

/// The sound as calls play it.
pub async fn audio(
    _operator: Operator,
    state: Data<State>,
    name: Path<String>,
    which: Query<Which>,
) -> Result<HttpResponse, Refused> {
    let file = state.service.sound_file(&named(&name)?, which.version, SoundFile::Converted).await;
    Ok(HttpResponse::Ok().content_type("audio/wav").body(file.map_err(refused)?))
}

/// Deletes a sound that no prompt uses.
pub async fn delete(
    state: Data<State>,
    name: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let name = named(&name)?;
    let (service, sound, by) = (state.service.clone(), name.clone(), posted.operator.actor());
    let work = async move { service.delete_sound(&sound, &by).await };
    match to_the_end(state.service.background(), work).await {
        Ok(_) => Ok(page::see_other("/console/sounds")),
        Err(why @ SoundRefusal::InUse(_)) => {
            let text = sentence(&why);
            show(&posted.operator, &state, &name, StatusCode::CONFLICT, Some(&text)).await
        }
        Err(why) => Err(refused(why)),
    }
}

fn named(text: &str) -> Result<Name, Refused> {
    Name::parse(text).map_err(|_| Refused::not_found("There is no sound of this name."))
}

fn refused(refusal: SoundRefusal) -> Refused {
    match refusal {
        SoundRefusal::Store(error) => Refused::store(&error),
        other => Refused::not_found(&sentence(&other)),
    }
}

async fn show(
    operator: &Operator,
    state: &State,
    name: &Name,
    status: StatusCode,
    wrong: Option<&str>,
) -> Result<HttpResponse, Refused> {
    let sound = state.service.show_sound(name).ok_or_else(|| refused(SoundRefusal::NotFound))?;
    let newest = sound.versions.last().ok_or_else(|| refused(SoundRefusal::NotFound))?;
    let wav = state.service.sound_file(name, None, SoundFile::Converted).await.map_err(refused)?;
    let content = html! {
        nav.crumbs aria-label="Where you are" { a href="/console/sounds" { "Sounds and prompts" } }
        header.head {
            h1 { (name) }
            p.state { (state_of(&sound)) }
        }
        @if let Some(wrong) = wrong { p.notice role="alert" { (wrong) } }
        section.panel {
            h2 { "Version " (newest.row.version) ", as calls play it" }
            (waveform(&wav))
            audio controls preload="metadata" src={ "/console/sounds/" (name) "/audio?version=" (newest.row.version) } {}
            (advice(&newest.inspection))
            (inspection(&newest.inspection))
        }
        (used(&sound))
        (versions(&sound))
        (deletion(operator, &sound))
    };
    Ok(page::with_status(status, operator, Section::Sounds, "Sound", &content))
}

fn advice(inspection: &Inspection) -> Markup {
    html! {
        @if inspection.advice.is_empty() {
            p.state { (badge("good", "nothing to mend")) }
        } @else {
            ul.advice { @for one in &inspection.advice { li { (one) } } }
        }
    }
}

fn inspection(of: &Inspection) -> Markup {
    html! {
        dl.facts #inspection {
            div { dt { "Length" } dd { (seconds(of.duration_ms)) } }
            div { dt { "File" } dd { (of.format) ", " (of.sample_rate) " Hz, " (of.channels) @if of.channels == 1 { " channel" } @else { " channels" } } }
            div { dt { "Loudness" } dd { (of.loudness_lufs) " LUFS" } }
            div { dt { "As played" } dd { (of.converted_loudness_lufs) " LUFS" } }
            div { dt { "Peak" } dd { (of.peak_dbfs) " dBFS" } }
            div { dt { "Clipped" } dd { (of.clipped_samples) " samples" } }
            div { dt { "Silence before" } dd { (of.leading_silence_ms) " ms" } }
            div { dt { "Silence after" } dd { (of.trailing_silence_ms) " ms" } }
            div { dt { "Longest pause" } dd { (of.longest_pause_ms) " ms" } }
        }
    }
}

fn used(sound: &SoundState) -> Markup {
    html! { section.panel { h2 { "Used by" } p { (uses(sound)) } } }
}

fn versions(sound: &SoundState) -> Markup {
    html! {
        section.panel {
            h2 { "Versions" }
            table.cards {
                thead { tr { th.number { "#" } th { "Uploaded (UTC)" } th.number { "Bytes" } th { "SHA-256" } th { "At" } th { "Listen" } } }
                tbody { @for one in sound.versions.iter().rev() { (version(&sound.name, one)) } }
            }
        }
    }
}

fn version(name: &Name, version: &SoundVersion) -> Markup {
    let row = &version.row;
    html! {
        tr {
            td.number data-label="#" { (row.version) }
            td data-label="Uploaded" { (instant(row.created_at)) }
            td.number data-label="Bytes" { (row.size) }
            td data-label="SHA-256" { code { (const_hex::encode(&row.digest[..6])) "…" } }
            td.text data-label="At" {
                @if row.places.is_empty() { span.muted { "no provider" } }
                @for place in &row.places { div { (place.account) " " code { (place.provider_id) } } }
            }
            td data-label="Listen" { a href={ "/console/sounds/" (name) "/audio?version=" (row.version) } { "play" } }
        }
    }
}

fn deletion(operator: &Operator, sound: &SoundState) -> Markup {
    html! {
        details.panel {
            summary { "Delete this sound" }
            @if sound.used_by.is_empty() {
                form method="post" action={ "/console/sounds/" (sound.name) "/delete" } {
                    (hidden_token(&operator.session))
                    p { "All its versions go, here and at the provider." }
                    button.danger { "Delete it now" }
                }
            } @else {
                p.empty { "Prompts use it. Change or delete them first." }
            }
        }
    }
}
