//! Apps and their keys: listed, made, rotated, revoked.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::domain::{Name, Network};
use crate::service::{
    KeyOptions, KeyRefusal, KeyRow, NewKey, RotatedKey, Scope, Session, SignatureMethod, to_the_end,
};

use super::super::state::State;
use super::elements::{badge, dash, hidden_token, instant};
use super::form::Posted;
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

const TITLE: &str = "Apps and keys";
/// How many networks a key may have, as of the API.
const MOST_NETWORKS: usize = 32;
/// How many days a key may be made for.
const DAYS: std::ops::RangeInclusive<i64> = 1..=3_650;
/// For how long an old secret may stay good: hours, and how that is said.
const OVERLAPS: [(i64, &str); 4] =
    [(24, "for a day more"), (1, "for an hour more"), (168, "for a week more"), (0, "no more")];

/// What stands above the list.
enum Above {
    Nothing,
    Made(Box<NewKey>),
    Rotated(Box<RotatedKey>),
    Wrong(&'static str),
}

/// Every app with its keys.
pub async fn page(operator: Operator, state: Data<State>) -> Result<HttpResponse, Refused> {
    show(&operator, &state, StatusCode::OK, &Above::Nothing).await
}

/// Makes a key. Its secret is on the page that answers, and never again.
pub async fn create(state: Data<State>, posted: Posted) -> Result<HttpResponse, Refused> {
    let (app, scopes, options) = match wanted(&posted) {
        Ok(wanted) => wanted,
        Err(why) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return show(&posted.operator, &state, status, &Above::Wrong(why)).await;
        }
    };
    let service = state.service.clone();
    let by = posted.operator.actor();
    let work = async move { service.create_key_with(app, &scopes, options, &by).await };
    let made = to_the_end(state.service.background(), work).await.map_err(refused)?;
    let above = Above::Made(Box::new(made));
    show(&posted.operator, &state, StatusCode::CREATED, &above).await
}

/// Gives a key a new secret, which is on the page that answers, and never again.
pub async fn rotate(
    state: Data<State>,
    id: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let hours = posted.field("overlap").and_then(|hours| hours.parse().ok());
    let known = hours.filter(|hours| OVERLAPS.iter().any(|(known, _)| known == hours));
    let Some(hours) = known else {
        let (status, why) =
            (StatusCode::UNPROCESSABLE_ENTITY, "Choose how long the old secret counts.");
        return show(&posted.operator, &state, status, &Above::Wrong(why)).await;
    };
    let service = state.service.clone();
    let by = posted.operator.actor();
    let overlap = SignedDuration::from_hours(hours);
    let work = async move { service.rotate_key(&id, overlap, &by).await };
    let rotated = to_the_end(state.service.background(), work).await.map_err(refused)?;
    let above = Above::Rotated(Box::new(rotated));
    show(&posted.operator, &state, StatusCode::OK, &above).await
}

/// Revokes a key.
pub async fn revoke(
    state: Data<State>,
    id: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let service = state.service.clone();
    let by = posted.operator.actor();
    let work = async move { service.revoke_key(&id, &by).await };
    to_the_end(state.service.background(), work).await.map_err(refused)?;
    Ok(page::see_other("/console/keys"))
}

fn refused(refusal: KeyRefusal) -> Refused {
    match refusal {
        KeyRefusal::Store(error) => Refused::store(&error),
        KeyRefusal::NotFound => {
            Refused::not_found("No key in force has this id; it may have been revoked before.")
        }
        KeyRefusal::NotAccepted
        | KeyRefusal::Expired
        | KeyRefusal::ForbiddenSource(_)
        | KeyRefusal::Malformed
        | KeyRefusal::Exists => Refused::fault(),
    }
}

fn wanted(posted: &Posted) -> Result<(Name, Vec<Scope>, KeyOptions), &'static str> {
    let app = posted.field("app").unwrap_or_default().trim();
    let app = Name::parse(app)
        .map_err(|_| "The app's name has 1 to 64 characters of a-z, 0-9, \"-\" and \"_\".")?;
    let scopes: Option<Vec<Scope>> = posted.all("scope").map(Scope::parse).collect();
    let scopes = scopes.filter(|scopes| !scopes.is_empty());
    let scopes = scopes.ok_or("Choose at least one scope.")?;
    let signs = match posted.field("signature_method").unwrap_or_default() {
        "" => None,
        method => Some(SignatureMethod::parse(method).ok_or("There is no such way to sign.")?),
    };
    let test = posted.field("test").is_some();
    let options =
        KeyOptions { test, signs, expires_in: lifetime(posted)?, networks: networks(posted)? };
    Ok((app, scopes, options))
}

fn lifetime(posted: &Posted) -> Result<Option<SignedDuration>, &'static str> {
    let days = posted.field("days").unwrap_or_default().trim();
    if days.is_empty() {
        return Ok(None);
    }
    let days = days.parse().ok().filter(|days| DAYS.contains(days));
    let days = days.ok_or("A key is made for 1 to 3650 days, or without an end.")?;
    Ok(Some(SignedDuration::from_hours(24 * days)))
}

fn networks(posted: &Posted) -> Result<Vec<Network>, &'static str> {
    let networks = posted.field("networks").unwrap_or_default();
    let texts = networks.split([',', ' ']).filter(|text| !text.is_empty());
    let parsed: Option<Vec<Network>> = texts.map(|text| text.parse().ok()).collect();
    parsed.filter(|networks| networks.len() <= MOST_NETWORKS).ok_or(
        "Networks are at most 32 addresses and networks with commas between, as in 192.0.2.0/24, 2001:db8::1.",
    )
}

async fn show(
    operator: &Operator,
    state: &State,
    status: StatusCode,
    above: &Above,
) -> Result<HttpResponse, Refused> {
    let (keys, now) = (state.service.list_keys().await?, state.service.clock().now());
    let mut apps = state.service.app_names().await?;
    apps.sort();
    let content = html! {
        h1 { (TITLE) }
        p.lead { "An app is whoever uses this service, by name. Its keys say what it may do." }
        @match above {
            Above::Nothing => {}
            Above::Made(made) => (just_made(made)),
            Above::Rotated(rotated) => (just_rotated(rotated)),
            Above::Wrong(why) => p.notice role="alert" { (why) },
        }
        (form(&operator.session, &apps))
        @for app in &apps {
            (keys_of(operator, app, &keys, now))
        }
    };
    Ok(page::with_status(status, operator, Section::Keys, TITLE, &content))
}

fn just_made(made: &NewKey) -> Markup {
    html! {
        section.panel.made role="status" {
            h2 { "New key for " (made.row.app) }
            p { "Copy it now: it is shown here and never again." }
            p { code.secret #new-key { (made.key.expose()) } }
            @if let Some(secret) = &made.signature_secret {
                p { "What it signs requests with:" }
                p { code.secret { (secret.expose()) } }
            }
        }
    }
}

fn just_rotated(rotated: &RotatedKey) -> Markup {
    html! {
        section.panel.made role="status" {
            h2 { "New secret" }
            p { "Copy it now: it is shown here and never again." }
            p { code.secret #new-key { (rotated.key.expose()) } }
            p { "The old one counts until " (instant(rotated.old_until)) " UTC." }
        }
    }
}

fn form(session: &Session, apps: &[Name]) -> Markup {
    html! {
        details.panel open[apps.len() < 2] {
            summary { "Make a key" }
            form.fields method="post" action="/console/keys" {
                (hidden_token(session))
                label { "App"
                    input name="app" required maxlength="64" pattern="[a-z0-9_\\-]+" list="apps"
                        autocomplete="off" spellcheck="false" placeholder="shop";
                }
                datalist id="apps" { @for app in apps { option value=(app) {} } }
                label { "Signs Vonage requests"
                    select name="signature_method" {
                        option value="" { "no" }
                        @for method in SignatureMethod::ALL {
                            option value=(method.as_str()) { (method.as_str()) }
                        }
                    }
                }
                label { "Ends after, in days"
                    input type="number" name="days" min=(DAYS.start()) max=(DAYS.end()) placeholder="never";
                }
                label { "Counts only from"
                    input name="networks" autocomplete="off" spellcheck="false" placeholder="anywhere" aria-describedby="networks-hint";
                }
                fieldset.checks {
                    legend { "May" }
                    @for (scope, checked, what) in [
                        (Scope::Start, true, "start, cancel, redeem"),
                        (Scope::Read, true, "show, await, search"),
                        (Scope::Operate, false, "this console, every app"),
                    ] {
                        label { input type="checkbox" name="scope" value=(scope.as_str()) checked[checked];
                            (scope.as_str()) " " span.muted { (what) } }
                    }
                    label { input type="checkbox" name="test" value="1"; "test " span.muted { "test numbers act for it" } }
                }
                button.primary { "Make key" }
            }
            p.hint #networks-hint { "Counts only from: addresses and networks with commas between, as in 192.0.2.0/24, 2001:db8::1." }
        }
    }
}

fn keys_of(operator: &Operator, app: &Name, keys: &[KeyRow], now: Timestamp) -> Markup {
    let keys: Vec<&KeyRow> = keys.iter().filter(|key| key.app == *app).collect();
    let app_query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("app", app.as_str())
        .finish();
    html! {
        section.panel {
            header.row {
                h2 { (app) }
                a href={ "/console/verifications?" (app_query) } { "Its verifications" }
            }
            @if keys.is_empty() {
                p.empty { "This app has no key. Make one above, so that it can ask for verifications." }
            } @else {
                table.cards {
                    thead { tr { th { "Key" } th { "May" } th { "Made (UTC)" } th { "Last used (UTC)" } th { "State" } th { span.hidden { "Rotate or revoke" } } } }
                    tbody { @for key in keys { (row(operator, key, now)) } }
                }
            }
        }
    }
}

fn row(operator: &Operator, key: &KeyRow, now: Timestamp) -> Markup {
    let is_own = operator.session.operator.key_id == key.id;
    html! {
        tr {
            td data-label="Key" { code { (key.id) } @if is_own { " " span.muted { "(yours)" } } }
            td data-label="May" {
                (key.scopes.join(", "))
                @if key.test { " " (badge("quiet", "test")) }
                @if key.signature_secret.is_some() { " " (badge("quiet", "signs")) }
                @if !key.networks.is_empty() {
                    div.muted { "only from" }
                    @for network in &key.networks { div.muted { (network) } }
                }
            }
            td data-label="Made" { (instant(key.created_at)) }
            td data-label="Last used" { @match key.last_used_at { Some(at) => (instant(at)), None => (dash()) } }
            td data-label="State" { (state_of(key, now)) }
            td.actions { @if key.revoked_at.is_none() { (actions(operator, key, is_own)) } }
        }
    }
}

fn state_of(key: &KeyRow, now: Timestamp) -> Markup {
    let old_until = key.previous.as_ref().map(|previous| previous.until);
    html! {
        @match (key.revoked_at, key.expires_at) {
            (Some(at), _) => { (badge("quiet", "revoked")) " " (instant(at)) }
            (None, Some(at)) if at <= now => { (badge("quiet", "ended")) " " (instant(at)) }
            (None, Some(at)) => { (badge("good", "in force")) div.muted { "until " (instant(at)) } }
            (None, None) => (badge("good", "in force")),
        }
        @if let Some(until) = old_until.filter(|until| *until > now) {
            div.muted { "old secret until " (instant(until)) }
        }
    }
}

fn actions(operator: &Operator, key: &KeyRow, is_own: bool) -> Markup {
    html! {
        details.confirm.calm {
            summary { "Rotate" span.hidden { " " (key.id) } }
            form.stack method="post" action={ "/console/keys/" (key.id) "/rotate" } {
                (hidden_token(&operator.session))
                label { "The old secret counts"
                    select name="overlap" { @for (hours, says) in OVERLAPS { option value=(hours) { (says) } } }
                }
                button { "Make a new secret" }
            }
        }
        details.confirm {
            summary { "Revoke" span.hidden { " " (key.id) } }
            form method="post" action={ "/console/keys/" (key.id) "/revoke" } {
                (hidden_token(&operator.session))
                p { "Whoever uses it is refused from now on."
                    @if is_own { " It is the key that you are signed in with." } }
                button.danger { "Revoke it now" }
            }
        }
    }
}
