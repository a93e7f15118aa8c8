//! `GET /docs/`: the API's description for people, rendered by Swagger UI, which is in the
//! binary (4.3 MB of files): nothing is loaded from elsewhere.

use std::sync::{Arc, OnceLock};

use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_swagger_ui::{Config, serve};

use super::super::error::Code;
use super::super::problem::Problem;

/// Scripts and requests of this origin only, and nobody may frame the page. Styles may stand
/// in elements, since Swagger UI puts some there.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Registers the pages. They are no part of the API and not described.
pub fn pages(config: &mut web::ServiceConfig) {
    config.route("/docs", web::get().to(to_folder)).route("/docs/{file:.*}", web::get().to(file));
}

/// Relative, so that it holds behind a proxy's path too.
async fn to_folder() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "docs/")).finish()
}

async fn file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    static CONFIG: OnceLock<Arc<Config<'static>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        // No validator of somebody else is asked about our description.
        let config = Config::new(["../openapi.json"]).validator_url("none");
        Arc::new(config.persist_authorization(false).display_operation_id(false))
    });
    let name = request.match_info().get("file").unwrap_or_default();
    let found = serve(name, Arc::clone(config)).ok().flatten();
    let found = found.ok_or_else(|| Problem::new(Code::NoRoute, "The page is at /docs/."))?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(found.content_type)
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"));
    if found.gzpipped {
        answer.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(answer.body(found.bytes.into_owned()))
}
