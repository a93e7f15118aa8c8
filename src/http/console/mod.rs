//! The console: pages for operators, rendered here, at `/console`.
//!
//! A page calls the same use cases as the API and decides nothing. Everything that a
//! browser loads comes from this binary: one stylesheet, small modules of our own, and
//! nothing inline, so the policy on content is strict. Pages work without scripts; those
//! only keep a page as it would be if it were loaded again.

mod assets;
mod attempt;
mod attempts;
mod audit;
mod chart;
mod cookie;
mod elements;
mod exemptions;
mod filter;
mod form;
mod guard;
mod headers;
mod health;
mod keys;
mod live;
mod notification;
mod notifications;
mod operator;
mod overview;
mod page;
mod prompts;
mod refused;
mod sign_in;
mod sign_out;
mod sound;
mod sounds;
mod spend;
mod theme;
mod timeline;
mod verification;
mod verifications;
mod waveform;

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};

use attempts::Attempts;
use operator::Operator;
use refused::Refused;

/// What the console keeps beside what every surface shares.
pub struct Console {
    /// Sign-ins that were refused.
    attempts: Attempts,
    /// Whether the listener itself speaks TLS.
    tls: bool,
}

impl Console {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(tls: bool) -> Self {
        Self { attempts: Attempts::default(), tls }
    }
}

/// Registers every page.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let pages = web::scope("/console")
        .app_data(web::QueryConfig::default().error_handler(|_, _| {
            Refused::unreadable("The address's query cannot be read.").into()
        }))
        .wrap(from_fn(headers::guard))
        .service(web::resource(["", "/"]).route(web::get().to(home)))
        .service(web::resource("/assets/{name}").route(web::get().to(assets::asset)))
        .service(
            web::resource("/sign-in")
                .route(web::get().to(sign_in::page))
                .route(web::post().to(sign_in::sign_in)),
        )
        .service(web::resource("/sign-out").route(web::post().to(sign_out::here)))
        .service(web::resource("/sign-out-everywhere").route(web::post().to(sign_out::everywhere)))
        .service(web::resource("/theme").route(web::post().to(theme::choose)))
        .service(web::resource("/overview").route(web::get().to(overview::page)))
        .service(web::resource("/live").route(web::get().to(live::everything)))
        .service(web::resource("/notifications").route(web::get().to(notifications::page)))
        .service(
            web::resource("/notifications/{sequence}").route(web::get().to(notification::page)),
        )
        .service(
            web::resource("/notifications/{sequence}/replay")
                .route(web::post().to(notification::replay)),
        )
        .service(web::resource("/verifications").route(web::get().to(verifications::page)))
        .service(web::resource("/verifications/{id}").route(web::get().to(verification::page)))
        .service(web::resource("/verifications/{id}/live").route(web::get().to(live::verification)))
        .service(
            web::resource("/keys")
                .route(web::get().to(keys::page))
                .route(web::post().to(keys::create)),
        )
        .service(
            web::resource("/sounds")
                .route(web::get().to(sounds::page))
                .route(web::post().to(sounds::upload_one)),
        )
        .service(web::resource("/sounds/{name}").route(web::get().to(sound::page)))
        .service(web::resource("/sounds/{name}/audio").route(web::get().to(sound::audio)))
        .service(web::resource("/sounds/{name}/delete").route(web::post().to(sound::delete)))
        .service(web::resource("/prompts").route(web::post().to(prompts::put)))
        .service(web::resource("/prompts/{name}/call").route(web::post().to(prompts::call)))
        .service(web::resource("/prompts/{name}/delete").route(web::post().to(prompts::delete)))
        .service(web::resource("/guard").route(web::get().to(guard::page)))
        .service(web::resource("/guard/stop").route(web::post().to(guard::stop)))
        .service(web::resource("/guard/resume").route(web::post().to(guard::resume)))
        .service(web::resource("/guard/blocks/{id}/lift").route(web::post().to(guard::lift)))
        .service(web::resource("/guard/exemptions").route(web::post().to(exemptions::exempt)))
        .service(
            web::resource("/guard/exemptions/{id}/delete")
                .route(web::post().to(exemptions::unexempt)),
        )
        .service(web::resource("/guard/suppressions").route(web::post().to(guard::suppress)))
        .service(
            web::resource("/guard/suppressions/{id}/delete")
                .route(web::post().to(guard::unsuppress)),
        )
        .service(web::resource("/audit").route(web::get().to(audit::page)))
        .service(web::resource("/keys/{id}/rotate").route(web::post().to(keys::rotate)))
        .service(web::resource("/keys/{id}/revoke").route(web::post().to(keys::revoke)))
        .default_service(web::to(nowhere));
    config.service(pages);
}

async fn home(_operator: Operator) -> HttpResponse {
    page::see_other("/console/overview")
}

async fn nowhere() -> Refused {
    Refused::not_found("There is no such page.")
}
