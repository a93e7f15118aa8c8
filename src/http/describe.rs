//! The API's description: what the routes declare, completed with the problems
//! that each may answer, from the one table of codes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use actix_web::App;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa_actix_web::AppExt;

use super::error::Code;
use super::routes::described;
use super::v1::guard::{
    exempt, lift_block, list_blocks, list_exemptions, list_suppressions, list_switches, set_switch,
    show_guard, suppress, unexempt, unsuppress,
};
use super::v1::{
    cancel, check, create_key, delete_prompt, delete_sound, enable_endpoint, erase, events, feed,
    inspect_sound, list_audit, list_deliveries, list_endpoints, list_keys, list_notifications,
    list_prompts, list_sounds, next, put_prompt, redeem, redeliver, replay_notification,
    revoke_key, rotate_key, search, show, show_delivery, show_notification, show_prompt,
    show_sound, sound_audio, start, stats, upload_sound, verify_audit,
};

/// Which problems each operation may answer, as declared beside it.
const PROBLEMS: &[(&str, &[Code])] = &[
    ("start", start::PROBLEMS),
    ("search", search::PROBLEMS),
    ("show", show::PROBLEMS),
    ("events", events::PROBLEMS),
    ("check", check::PROBLEMS),
    ("next", next::PROBLEMS),
    ("cancel", cancel::PROBLEMS),
    ("redeem", redeem::PROBLEMS),
    ("list_deliveries", list_deliveries::PROBLEMS),
    ("show_delivery", show_delivery::PROBLEMS),
    ("redeliver", redeliver::PROBLEMS),
    ("list_endpoints", list_endpoints::PROBLEMS),
    ("enable_endpoint", enable_endpoint::PROBLEMS),
    ("list_notifications", list_notifications::PROBLEMS),
    ("show_notification", show_notification::PROBLEMS),
    ("replay_notification", replay_notification::PROBLEMS),
    ("feed", feed::PROBLEMS),
    ("stats", stats::PROBLEMS),
    ("create_key", create_key::PROBLEMS),
    ("list_keys", list_keys::PROBLEMS),
    ("revoke_key", revoke_key::PROBLEMS),
    ("rotate_key", rotate_key::PROBLEMS),
    ("erase", erase::PROBLEMS),
    ("list_audit", list_audit::PROBLEMS),
    ("verify_audit", verify_audit::PROBLEMS),
    ("upload_sound", upload_sound::PROBLEMS),
    ("inspect_sound", inspect_sound::PROBLEMS),
    ("list_sounds", list_sounds::PROBLEMS),
    ("show_sound", show_sound::PROBLEMS),
    ("sound_audio", sound_audio::PROBLEMS),
    ("delete_sound", delete_sound::PROBLEMS),
    ("list_prompts", list_prompts::PROBLEMS),
    ("show_prompt", show_prompt::PROBLEMS),
    ("put_prompt", put_prompt::PROBLEMS),
    ("delete_prompt", delete_prompt::PROBLEMS),
    ("show_guard", show_guard::PROBLEMS),
    ("list_switches", list_switches::PROBLEMS),
    ("set_switch", set_switch::PROBLEMS),
    ("list_blocks", list_blocks::PROBLEMS),
    ("lift_block", lift_block::PROBLEMS),
    ("list_exemptions", list_exemptions::PROBLEMS),
    ("exempt", exempt::PROBLEMS),
    ("unexempt", unexempt::PROBLEMS),
    ("list_suppressions", list_suppressions::PROBLEMS),
    ("suppress", suppress::PROBLEMS),
    ("unsuppress", unsuppress::PROBLEMS),
];

/// What any of them may answer.
const EVERYWHERE: [Code; 2] = [Code::ForbiddenSource, Code::TooManyRequests];

/// What every problem has (RFC 9457). Some have more members, as their `detail` says.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemSchema {
    /// `urn:ringproof:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What the code means.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What programs act on; stable.
    #[schema(schema_with = codes)]
    code: &'static str,
    /// What is wrong in this case, and what to do.
    detail: String,
    /// The route, without the path's values.
    instance: Option<String>,
    /// The field or parameter that is wrong.
    field: Option<String>,
    /// The header that is wrong.
    header: Option<String>,
    /// The scope that the key lacks.
    scope: Option<String>,
    /// The channel that does not fit.
    channel: Option<String>,
    /// The limit that was passed.
    limit: Option<u64>,
    /// The names or words that there are.
    known: Option<Vec<String>>,
    /// Seconds until a retry makes sense, as in `Retry-After`.
    retry_after: Option<u64>,
    /// When a retry makes sense.
    #[schema(format = DateTime)]
    retry_at: Option<String>,
    /// What uses the sound, as PROMPT/LANGUAGE/PART.
    used_by: Option<Vec<String>>,
    /// The rule of the guard that refuses.
    rule: Option<String>,
    /// Whether it passes by itself, at `retry_at`.
    passes: Option<bool>,
    /// The day of UTC whose budget is spent.
    #[schema(format = Date)]
    day: Option<String>,
    /// A channel that may be tried instead.
    next_channel: Option<String>,
    /// How the verification ended.
    verification_status: Option<String>,
}

fn codes() -> Object {
    let words = Code::ALL.map(Code::as_str);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// The description as JSON, made once.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| description().to_json().unwrap_or_default())
}

/// Every path's pattern with its methods, as described.
pub fn methods_by_path() -> &'static BTreeMap<String, Vec<&'static str>> {
    static METHODS: OnceLock<BTreeMap<String, Vec<&'static str>>> = OnceLock::new();
    METHODS.get_or_init(|| {
        let methods = |item: &PathItem| {
            let all = [
                ("DELETE", &item.delete),
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
            ];
            all.into_iter()
                .filter(|(_, operation)| operation.is_some())
                .map(|(name, _)| name)
                .collect()
        };
        description().paths.paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
    })
}

fn description() -> OpenApi {
    let (_, mut api) = App::new().into_utoipa_app().configure(described).split_for_parts();
    api.info = InfoBuilder::new()
        .title("Ringproof")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(env!("CARGO_PKG_DESCRIPTION")))
        .build();
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Problem".into(), <ProblemSchema as utoipa::PartialSchema>::schema());
    for (name, description) in [
        ("key", "A key, ID.SECRET. The scopes are start, read and operate"),
        ("wait_token", "The wait_token of a start: shows and awaits this one verification"),
    ] {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description))
            .build();
        components.add_security_scheme(name, SecurityScheme::Http(bearer));
    }
    for item in api.paths.paths.values_mut() {
        let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            add_problems(operation);
        }
    }
    api
}

fn add_problems(operation: &mut Operation) {
    let id = operation.operation_id.as_deref();
    let Some((_, codes)) = PROBLEMS.iter().find(|(name, _)| Some(*name) == id) else { return };
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in codes.iter().chain(&EVERYWHERE) {
        let line = format!("`{}`: {}", code.as_str(), code.title());
        by_status.entry(code.status().as_u16()).or_default().push(line);
    }
    for (status, lines) in by_status {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new()
            .description(lines.join("; "))
            .content("application/problem+json", content)
            .build();
        operation.responses.responses.insert(status.to_string(), RefOr::T(response));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_api_declares_its_problems() {
        let api: serde_json::Value = serde_json::from_str(text()).unwrap();
        let mut declared = 0;
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if !path.starts_with("/v1/") {
                    continue;
                }
                declared += 1;
                let unauthorized = &operation["responses"]["401"]["content"];
                assert!(!unauthorized["application/problem+json"].is_null(), "{method} {path}");
                assert!(!operation["security"].is_null(), "{method} {path}");
            }
        }
        assert_eq!(declared, PROBLEMS.len());
    }

    #[test]
    fn every_reference_in_the_description_leads_somewhere() {
        let api: serde_json::Value = serde_json::from_str(text()).unwrap();
        let mut references = Vec::new();
        collect(&api, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(api.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect(value: &serde_json::Value, references: &mut Vec<String>) {
        if let Some(reference) = value.get("$ref").and_then(|reference| reference.as_str()) {
            references.push(reference.to_owned());
        }
        match value {
            serde_json::Value::Object(members) => {
                members.values().for_each(|v| collect(v, references))
            }
            serde_json::Value::Array(items) => items.iter().for_each(|v| collect(v, references)),
            _ => {}
        }
    }
}
