//! Prompts: what they play, what they lack; made, changed, deleted, and tried by a call.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use maud::{Markup, html};

use crate::domain::{CodeRules, Key, Name, PhoneNumber, Recipient};
use crate::service::{
    ANSWER_WITHIN, NewPrompt, PromptKey, PromptRefusal, PromptSounds, PromptState, Scope,
    SoundState, StartRefusal, StartRequest, WantedBy, WantedPlan, WantedSounds, WantedStep,
    to_the_end,
};

use super::super::problem::sentence;
use super::super::state::State;
use super::elements::{badge, hidden_token, plain};
use super::form::Posted;
use super::operator::Operator;
use super::refused::Refused;
use super::{page, sounds};

/// The three sounds of a prompt.
const PARTS: [&str; 3] = ["greeting", "confirmed", "fallback"];

/// Stores a prompt, or one more language of it, or changes one.
pub async fn put(state: Data<State>, posted: Posted) -> Result<HttpResponse, Refused> {
    let wrong = |text: &str| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        sounds::show(&posted.operator, &state, status, Some(text))
    };
    let (name, language, three) = match wanted(&posted) {
        Ok(wanted) => wanted,
        Err(text) => return Ok(wrong(text)),
    };
    let known = state.service.show_prompt(&name).filter(|known| !known.configured);
    let (mut languages, default_language) = known.map_or_else(
        || (BTreeMap::new(), None),
        |known| (known.prompt.languages, known.prompt.default_language),
    );
    languages.insert(language, three);
    let (service, new) = (state.service.clone(), NewPrompt { default_language, languages });
    let by = posted.operator.actor();
    let work = async move { service.put_prompt(name, new, &by).await };
    match to_the_end(state.service.background(), work).await {
        Ok(_) => Ok(page::see_other("/console/sounds")),
        Err(PromptRefusal::Store(error)) => Err(Refused::store(&error)),
        Err(why) => Ok(wrong(&sentence(&why))),
    }
}

/// Deletes a stored prompt; its sounds stay.
pub async fn delete(
    state: Data<State>,
    name: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let none = || Refused::not_found("There is no stored prompt of this name.");
    let (service, name) = (state.service.clone(), Name::parse(&name).map_err(|_| none())?);
    let by = posted.operator.actor();
    let work = async move { service.delete_prompt(&name, &by).await };
    match to_the_end(state.service.background(), work).await {
        Ok(()) => Ok(page::see_other("/console/sounds")),
        Err(PromptRefusal::Store(error)) => Err(Refused::store(&error)),
        Err(_) => Err(none()),
    }
}

/// Calls a number with a prompt, for the app of the operator's key.
pub async fn call(
    state: Data<State>,
    name: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let wrong = |text: &str| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(sounds::show(&posted.operator, &state, status, Some(text)))
    };
    let operator = &posted.operator.session.operator;
    if !operator.scopes.contains(&Scope::Start) {
        return wrong("Your key may not start calls: it lacks the scope \"start\".");
    }
    let number = posted.field("to").unwrap_or_default();
    let to = match PhoneNumber::parse(number) {
        Ok(to) => to,
        Err(why) => return wrong(&format!("The number: {why}.")),
    };
    let language = posted.field("language").and_then(|text| Name::parse(text).ok());
    let (Ok(name), Some(language)) = (Name::parse(&name), language) else {
        return wrong("There is no such prompt or language.");
    };
    let request = trial(operator.app.clone(), to.into(), name, language, operator.test);
    let service = state.service.clone();
    let work = async move { service.start(request).await };
    match to_the_end(state.service.background(), work).await {
        Ok(started) => {
            Ok(page::see_other(&format!("/console/verifications/{}", started.verification.id)))
        }
        Err(StartRefusal::Store(error)) => Err(Refused::store(&error)),
        Err(why) => wrong(&sentence(&why)),
    }
}

fn trial(app: Name, to: Recipient, prompt: Name, language: Name, test: bool) -> StartRequest {
    let sounds = WantedSounds::Prompt { name: Some(prompt), language: Some(language) };
    let by = WantedBy::Button { from: None, sounds, press: None };
    StartRequest {
        app,
        to,
        account: None,
        plan: WantedPlan::Steps(vec![WantedStep { wait: None, by }]),
        language: None,
        code: None,
        code_length: None,
        expires_in: None,
        reference: Some("tried in the console".into()),
        metadata: None,
        callback_url: None,
        idempotency: None,
        rules: CodeRules::default(),
        max_sends: None,
        alone: false,
        evidence: None,
        client_ip: None,
        rate_keys: Vec::new(),
        answer_within: ANSWER_WITHIN,
        test,
    }
}

fn wanted(posted: &Posted) -> Result<(Name, Name, PromptSounds), &'static str> {
    let field = |name: &str| posted.field(name).unwrap_or_default().trim().to_owned();
    let name = Name::parse(&field("name"))
        .map_err(|_| "The prompt's name has 1 to 64 characters of a-z, 0-9, \"-\" and \"_\".")?;
    let language = Name::parse(&field("language"))
        .map_err(|_| "A language is two or three letters, perhaps with a region, such as en.")?;
    let key = |digit: &str| digit.parse().ok().filter(|_| digit.len() == 1).and_then(Key::new);
    let press = match &*field("press") {
        "random" => PromptKey::Random,
        digit => PromptKey::Fixed(key(digit).ok_or("The key is a digit, or random.")?),
    };
    let refuse = match &*field("never_again") {
        "" => None,
        digit => Some(key(digit).ok_or("The key for never again is a digit, or none.")?),
    };
    let [greeting, confirmed, fallback] = PARTS.map(field);
    Ok((name, language, PromptSounds { greeting, confirmed, fallback, press, refuse }))
}

/// Every prompt, and the form for another one.
#[must_use]
pub fn all(operator: &Operator, state: &State, sounds: &[SoundState]) -> Markup {
    let prompts = state.service.list_prompts();
    html! {
        h2.above { "Prompts" }
        @for prompt in &prompts { (one(operator, prompt)) }
        (form(operator, sounds))
    }
}

fn one(operator: &Operator, prompt: &PromptState) -> Markup {
    html! {
        section.panel {
            header.row {
                h2 { (prompt.name) " "
                    (badge("quiet", if prompt.configured { "configuration" } else { "stored" })) " "
                    @if prompt.missing.is_empty() { (badge("good", "complete")) } @else { (badge("bad", "sounds missing")) }
                }
                @if !prompt.configured {
                    details.confirm {
                        summary { "Delete" span.hidden { " " (prompt.name) } }
                        form method="post" action={ "/console/prompts/" (prompt.name) "/delete" } {
                            (hidden_token(&operator.session))
                            button.danger { "Delete it now" }
                        }
                    }
                }
            }
            details open[prompt.prompt.languages.len() <= 2] {
                summary { (count(prompt.prompt.languages.len())) ": " @for language in prompt.prompt.languages.keys() { (language) " " } }
                table.cards {
                    thead { tr { th { "Language" } th { "Key" } th { "Greeting" } th { "Confirmed" } th { "Fallback" } } }
                    tbody { @for (language, three) in &prompt.prompt.languages {
                        tr {
                            td data-label="Language" { (language) }
                            td data-label="Key" { kbd { (press(three.press)) } @if let Some(key) = three.refuse { " never again " kbd { (key.to_string()) } } }
                            td.text data-label="Greeting" { (three.greeting) }
                            td.text data-label="Confirmed" { (three.confirmed) }
                            td.text data-label="Fallback" { (three.fallback) }
                        }
                    } }
                }
            }
            @for lacks in &prompt.missing {
                p.notice { "The provider of " (lacks.account) " lacks " code { (lacks.sound) } ", the " (plain(lacks.part)) " in " (lacks.language) ". Upload it." }
            }
            (try_form(operator, prompt))
        }
    }
}

fn try_form(operator: &Operator, prompt: &PromptState) -> Markup {
    html! {
        details.try {
            summary { "Try it by a call" }
            form.fields method="post" action={ "/console/prompts/" (prompt.name) "/call" } {
                (hidden_token(&operator.session))
                label { "Call this number" input type="tel" name="to" required placeholder="+380…"; }
                label { "Language"
                    select name="language" { @for language in prompt.prompt.languages.keys() { option value=(language) { (language) } } }
                }
                button.primary { "Call me" }
            }
            p.hint { "A real call at your tariff, as a verification of the app " (operator.session.operator.app) "." }
        }
    }
}

fn form(operator: &Operator, sounds: &[SoundState]) -> Markup {
    html! {
        details.panel {
            summary { "Make a prompt, or add a language to one" }
            form.fields method="post" action="/console/prompts" {
                (hidden_token(&operator.session))
                label { "Prompt" input name="name" required maxlength="64" pattern="[a-z0-9_\\-]+" autocomplete="off" spellcheck="false" placeholder="login"; }
                label { "Language" input name="language" required maxlength="16" autocomplete="off" spellcheck="false" placeholder="en"; }
                label { "Key that the greeting names"
                    select name="press" {
                        @for digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "random"] { option value=(digit) { (digit) } }
                    }
                }
                label { "Key for never again"
                    select name="never_again" {
                        option value="" { "none" }
                        @for digit in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] { option value=(digit) { (digit) } }
                    }
                }
                @for part in PARTS {
                    label.part { (part) input name=(part) required maxlength="128" list="sounds" autocomplete="off" spellcheck="false"; }
                }
                button.primary { "Store it" }
            }
            @if sounds.is_empty() { p.hint { "Upload its sounds first." } }
        }
    }
}

fn count(languages: usize) -> String {
    if languages == 1 { "1 language".to_owned() } else { format!("{languages} languages") }
}

fn press(key: PromptKey) -> String {
    match key {
        PromptKey::Fixed(key) => key.to_string(),
        PromptKey::Random => "random".to_owned(),
    }
}
