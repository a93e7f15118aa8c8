//! What pages load: the stylesheet and the modules, compiled in.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};

use super::refused::Refused;

const STYLE: &str = include_str!("assets/console.css");
const LIVE: &str = include_str!("assets/live.js");
const ICON: &str = include_str!("assets/icon.svg");

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files: name, type, content.
const ALL: [(&str, &str, &str); 3] = [
    ("console.css", "text/css; charset=utf-8", STYLE),
    ("live.js", SCRIPT, LIVE),
    ("icon.svg", "image/svg+xml", ICON),
];

/// One file. It may be kept for a while and is asked for again by its tag.
pub async fn asset(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Refused> {
    let found = ALL.iter().find(|(known, ..)| *known == name.as_str());
    let Some((_, kind, content)) = found else {
        return Err(Refused::not_found("There is no such file."));
    };
    let unchanged = request.headers().get(header::IF_NONE_MATCH);
    let unchanged = unchanged.is_some_and(|tag| tag.as_bytes() == tag_of_all().as_bytes());
    let mut answer = match unchanged {
        true => HttpResponse::build(StatusCode::NOT_MODIFIED),
        false => HttpResponse::Ok(),
    };
    answer.insert_header((CACHE_CONTROL, "no-cache")).insert_header((ETAG, tag_of_all()));
    Ok(if unchanged { answer.finish() } else { answer.content_type(*kind).body(*content) })
}

/// Another one with every release that changes a file.
fn tag_of_all() -> &'static str {
    static TAG: OnceLock<String> = OnceLock::new();
    TAG.get_or_init(|| {
        let mut hash = Sha256::new();
        for (_, _, content) in ALL {
            hash.update(content);
        }
        format!("\"{}\"", const_hex::encode(&hash.finalize()[..8]))
    })
}
