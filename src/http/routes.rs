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
    lift_block, list_blocks, list_suppressions, list_switches, set_switch, show_guard, suppress,
    unsuppress,
};
use super::v1::{
    cancel, check, create_key, delete_prompt, delete_sound, enable_endpoint, erase, events, feed,
    inspect_sound, list_audit, list_deliveries, list_endpoints, list_keys, list_notifications,
    list_prompts, list_sounds, next, put_prompt, redeem, redeliver, replay_notification,
    revoke_key, rotate_key, search, show, show_delivery, show_notification, show_prompt,
    show_sound, sound_audio, start, stats, upload_sound, verify_audit,
};
use super::{cors, describe};

/// Registers every route that is described. The provider's come first, being the many.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(zadarma::notify)
        .service(zadarma::handshake)
        .service(start::start)
        .service(search::search)
        .service(show::show)
        .service(events::events)
        .service(check::check)
        .service(next::next)
        .service(cancel::cancel)
        .service(redeem::redeem)
        .service(list_deliveries::list_deliveries)
        .service(show_delivery::show_delivery)
        .service(redeliver::redeliver)
        .service(list_endpoints::list_endpoints)
        .service(enable_endpoint::enable_endpoint)
        .service(list_notifications::list_notifications)
        .service(show_notification::show_notification)
        .service(replay_notification::replay_notification)
        .service(feed::feed)
        .service(stats::stats)
        .service(create_key::create_key)
        .service(list_keys::list_keys)
        .service(revoke_key::revoke_key)
        .service(rotate_key::rotate_key)
        .service(erase::erase)
        .service(list_audit::list_audit)
        .service(verify_audit::verify_audit)
        .service(upload_sound::upload_sound)
        .service(inspect_sound::inspect_sound)
        .service(list_sounds::list_sounds)
        .service(show_sound::show_sound)
        .service(sound_audio::sound_audio)
        .service(delete_sound::delete_sound)
        .service(list_prompts::list_prompts)
        .service(show_prompt::show_prompt)
        .service(put_prompt::put_prompt)
        .service(delete_prompt::delete_prompt)
        .service(show_guard::show_guard)
        .service(list_switches::list_switches)
        .service(set_switch::set_switch)
        .service(list_blocks::list_blocks)
        .service(lift_block::lift_block)
        .service(list_suppressions::list_suppressions)
        .service(suppress::suppress)
        .service(unsuppress::unsuppress)
        .service(healthz::healthz)
        .service(readyz::readyz)
        .service(metrics::metrics)
        .service(openapi::openapi);
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
