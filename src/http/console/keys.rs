//! Apps and their keys: listed, made, revoked.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use maud::{Markup, html};

use crate::domain::Name;
use crate::service::{
    KeyOptions, KeyRefusal, KeyRow, NewKey, Scope, Session, SignatureMethod, to_the_end,
};

use super::super::state::State;
use super::elements::{badge, hidden_token, instant};
use super::form::Posted;
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

const TITLE: &str = "Apps and keys";

/// What stands above the list.
enum Above {
    Nothing,
    Made(Box<NewKey>),
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
    Ok((app, scopes, KeyOptions { test, signs, ..KeyOptions::default() }))
}

async fn show(
    operator: &Operator,
    state: &State,
    status: StatusCode,
    above: &Above,
) -> Result<HttpResponse, Refused> {
    let keys = state.service.list_keys().await?;
    let mut apps = state.service.app_names().await?;
    apps.sort();
    let content = html! {
        h1 { (TITLE) }
        p.lead { "An app is whoever uses this service, by name. Its keys say what it may do." }
        @match above {
            Above::Nothing => {}
            Above::Made(made) => (just_made(made)),
            Above::Wrong(why) => p.notice role="alert" { (why) },
        }
        (form(&operator.session, &apps))
        @for app in &apps {
            (keys_of(operator, app, &keys))
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
        }
    }
}

fn keys_of(operator: &Operator, app: &Name, keys: &[KeyRow]) -> Markup {
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
                    thead { tr { th { "Key" } th { "May" } th { "Made (UTC)" } th { "State" } th { span.hidden { "Revoke" } } } }
                    tbody { @for key in keys { (row(operator, key)) } }
                }
            }
        }
    }
}

fn row(operator: &Operator, key: &KeyRow) -> Markup {
    let is_own = operator.session.operator.key_id == key.id;
    html! {
        tr {
            td data-label="Key" { code { (key.id) } @if is_own { " " span.muted { "(yours)" } } }
            td data-label="May" {
                (key.scopes.join(", "))
                @if key.test { " " (badge("quiet", "test")) }
                @if key.signature_secret.is_some() { " " (badge("quiet", "signs")) }
            }
            td data-label="Made" { (instant(key.created_at)) }
            td data-label="State" {
                @match key.revoked_at {
                    None => (badge("good", "in force")),
                    Some(at) => { (badge("quiet", "revoked")) " " (instant(at)) }
                }
            }
            td.actions {
                @if key.revoked_at.is_none() {
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
        }
    }
}
