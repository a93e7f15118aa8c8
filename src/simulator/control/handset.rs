//! `/_simulator/handset`: a phone in the browser, and what its page needs.

use std::convert::Infallible;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::refused;
use crate::simulator::numbers::digits;
use crate::simulator::world::World;

pub(super) fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/handset", web::get().to(page))
        .route("/handset.css", web::get().to(style))
        .route("/handset.js", web::get().to(script))
        .route("/events", web::get().to(follow))
        .route("/sounds/{id}", web::get().to(sound));
}

/// The page asks for its number itself, so it is the same for all.
async fn page() -> HttpResponse {
    file("text/html; charset=utf-8", include_str!("../page/handset.html"))
}

async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", include_str!("../page/handset.css"))
}

async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", include_str!("../page/handset.js"))
}

fn file(content_type: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("Content-Security-Policy", "default-src 'self'; img-src data:"))
        .body(text)
}

async fn sound(id: web::Path<String>, world: web::Data<World>) -> HttpResponse {
    let found = world.look(|state| state.sounds.iter().find(|sound| sound.id == *id).cloned());
    match found {
        Some(sound) => {
            let wav = sound.wav.starts_with(b"RIFF");
            let content_type = if wav { "audio/wav" } else { "audio/mpeg" };
            HttpResponse::Ok().content_type(content_type).body(sound.wav.into_owned())
        }
        None => refused(404, "no such sound"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phone {
    number: Option<String>,
}

/// The phone's latest call as server-sent events: at once, and after every step of it.
async fn follow(query: web::Query<Phone>, world: web::Data<World>) -> HttpResponse {
    let number = query.into_inner().number.as_deref().map(digits).filter(|text| !text.is_empty());
    let steps = world.change(|state| state.follow(number));
    let stream = futures_util::stream::unfold(steps, |mut steps| async move {
        let event = format!("data: {}\n\n", steps.recv().await?);
        Some((Ok::<_, Infallible>(web::Bytes::from(event)), steps))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .streaming(stream)
}
