//! The id of a verification in a path.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::VerificationId;
use crate::http::error::Code;
use crate::http::problem::Problem;

/// The id in the path. What is no id names no verification.
pub struct Id(pub VerificationId);

impl FromRequest for Id {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let path = request.match_info();
        // A route that has only a prefix leaves the rest of the path.
        let first = || path.unprocessed().strip_prefix('/')?.split('/').next();
        let id = path.get("id").or_else(first).and_then(|text| text.parse().ok());
        ready(id.map(Self).ok_or_else(|| {
            let detail =
                "An id is \"ver_\" and 32 hexadecimal digits, as in the answer of the start.";
            Problem::new(Code::NotFound, detail)
        }))
    }
}
