//! Every route, and what becomes of requests that have none.

use actix_web::dev::ResourceDef;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, guard, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::error::Code;
use super::hooks::zadarma;
use super::ops::{healthz, metrics, openapi, readyz};
use super::problem::Problem;
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
use super::{cors, describe};

/// Every route that is described.
macro_rules! all {
    ($($route:path),* $(,)?) => {
        /// Registers every route that is described.
        pub fn routes(config: &mut web::ServiceConfig) {
            config$(.service($route))*;
        }

        /// The same, collecting what they are described as.
        pub fn described(config: &mut ServiceConfig<'_>) {
            config$(.service($route))*;
        }
    };
}

all! {
    zadarma::notify,
    zadarma::handshake,
    start::start,
    search::search,
    show::show,
    events::events,
    check::check,
    next::next,
    cancel::cancel,
    redeem::redeem,
    list_deliveries::list_deliveries,
    show_delivery::show_delivery,
    redeliver::redeliver,
    list_endpoints::list_endpoints,
    enable_endpoint::enable_endpoint,
    list_notifications::list_notifications,
    show_notification::show_notification,
    replay_notification::replay_notification,
    feed::feed,
    stats::stats,
    create_key::create_key,
    list_keys::list_keys,
    revoke_key::revoke_key,
    rotate_key::rotate_key,
    erase::erase,
    list_audit::list_audit,
    verify_audit::verify_audit,
    upload_sound::upload_sound,
    inspect_sound::inspect_sound,
    list_sounds::list_sounds,
    show_sound::show_sound,
    sound_audio::sound_audio,
    delete_sound::delete_sound,
    list_prompts::list_prompts,
    show_prompt::show_prompt,
    put_prompt::put_prompt,
    delete_prompt::delete_prompt,
    show_guard::show_guard,
    list_switches::list_switches,
    set_switch::set_switch,
    list_blocks::list_blocks,
    lift_block::lift_block,
    list_exemptions::list_exemptions,
    exempt::exempt,
    unexempt::unexempt,
    list_suppressions::list_suppressions,
    suppress::suppress,
    unsuppress::unsuppress,
    healthz::healthz,
    readyz::readyz,
    metrics::metrics,
    openapi::openapi,
}

/// What the routes of verifications begin with.
const VERIFICATIONS: &str = "/v1/verifications";
/// The patterns below it.
const BELOW: [&str; 6] = [
    "/v1/verifications/{id}",
    "/v1/verifications/{id}/cancel",
    "/v1/verifications/{id}/check",
    "/v1/verifications/{id}/events",
    "/v1/verifications/{id}/next",
    "/v1/verifications/{id}/redeem",
];
const SHOW: &str = BELOW[0];
const CHECK: &str = BELOW[2];

/// The pattern of a verification's path, told without the router's regular expressions, which
/// take longer than all else that a poll needs.
pub fn pattern(path: &str) -> Option<&'static str> {
    let below = path.strip_prefix(VERIFICATIONS)?;
    if below.is_empty() {
        return Some(VERIFICATIONS);
    }
    let below = below.strip_prefix('/')?;
    let end = below.find('/').unwrap_or(below.len());
    let (id, verb) = below.split_at(end);
    BELOW.into_iter().find(|pattern| !id.is_empty() && pattern[SHOW.len()..] == *verb)
}

/// Registers what comes most: notifications, polls and checks of codes, each by a prefix, so
/// that no regular expression is matched.
pub fn most(config: &mut web::ServiceConfig) {
    let notifications = web::scope(zadarma::PREFIX).guard(guard::Post());
    let is = |wanted: &'static str| {
        guard::fn_guard(move |request| pattern(request.head().uri.path()) == Some(wanted))
    };
    let below = || web::scope(VERIFICATIONS);
    let shown = below().guard(guard::Get()).guard(is(SHOW));
    let checked = below().guard(guard::Post()).guard(is(CHECK));
    config
        .service(notifications.default_service(web::to(zadarma::receive)))
        .service(shown.default_service(web::to(show::handle)))
        .service(checked.default_service(web::to(check::handle)));
}

/// Registers what browsers ask before they use a wait token.
pub fn preflights(config: &mut web::ServiceConfig) {
    for path in ["/v1/verifications/{id}", "/v1/verifications/{id}/events"] {
        config.service(web::resource(path).guard(guard::Options()).to(cors::preflight));
    }
}

/// Answers what no route takes: 405 when the path has other methods, otherwise 404.
pub async fn nowhere(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let methods = describe::methods_by_path();
    let found =
        methods.iter().find(|(path, _)| ResourceDef::new(path.as_str()).is_match(request.path()));
    let Some((_, methods)) = found else {
        return Err(Problem::new(Code::NoRoute, "/openapi.json lists every path."));
    };
    let methods = methods.join(", ");
    let detail = format!("The path has: {methods}.");
    let allow = HeaderValue::try_from(methods).unwrap_or(HeaderValue::from_static(""));
    Err(Problem::new(Code::MethodNotAllowed, detail).header(ALLOW, allow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_a_verification_has_its_pattern() {
        let described = describe::methods_by_path().keys();
        let mut told = 0;
        for path in described.filter(|path| path.starts_with(VERIFICATIONS)) {
            let filled = path.replace("{id}", "ver_0123456789abcdef0123456789abcdef");
            assert_eq!(pattern(&filled), Some(path.as_str()));
            told += 1;
        }
        assert_eq!(told, BELOW.len() + 1);
    }

    #[test]
    fn other_paths_have_none() {
        for path in [
            "",
            "/v1",
            "/v1/verifications/",
            "/v1/verifications//check",
            "/v1/verifications/ver_1/",
            "/v1/verifications/ver_1/checks",
            "/v1/verifications/ver_1/check/",
            "/v1/verificationsver_1",
            "/v1/sounds/1",
        ] {
            assert_eq!(pattern(path), None, "{path}");
        }
    }
}
