//! The surface for clients of Vonage (Nexmo) Verify, version 1, unmodified ones.
//!
//! It reads what they send, calls the same use cases as the API, and answers in
//! their words: HTTP 200 whatever happens, the outcome in `status`, every value a
//! text. It decides nothing about verifications. It is not in the API's
//! description, since its contract is somebody else's.

mod answer;
mod call;
mod check;
mod control;
mod credentials;
mod fields;
mod locale;
mod order;
mod psd2;
mod refusal;
mod request;
mod search;
mod shown;
mod workflow;

use actix_web::web;

/// Registers every path, for GET and POST; another method is answered with 405.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let at = |path: &str| web::resource(format!("/verify{path}/{{format:json|xml}}"));
    let (get, post) = (web::get, web::post);
    config
        .service(at("").route(get().to(request::request)).route(post().to(request::request)))
        .service(at("/psd2").route(get().to(psd2::psd2)).route(post().to(psd2::psd2)))
        .service(at("/check").route(get().to(check::check)).route(post().to(check::check)))
        .service(at("/search").route(get().to(search::search)).route(post().to(search::search)))
        .service(
            at("/control").route(get().to(control::control)).route(post().to(control::control)),
        );
}
