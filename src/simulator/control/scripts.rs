//! `/_simulator/scripts/{number}`: what the phone with that number does.

use actix_web::{HttpResponse, web};

use super::{answered, refused, unreadable};
use crate::simulator::numbers::digits;
use crate::simulator::script::Script;
use crate::simulator::world::World;

pub(super) fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/scripts", web::get().to(list))
        .route("/scripts", web::delete().to(clear))
        .route("/scripts/{number}", web::put().to(put))
        .route("/scripts/{number}", web::get().to(show))
        .route("/scripts/{number}", web::delete().to(delete));
}

async fn list(world: web::Data<World>) -> HttpResponse {
    answered(&world.look(|state| state.scripts.clone()))
}

async fn clear(world: web::Data<World>) -> HttpResponse {
    world.change(|state| state.scripts.clear());
    HttpResponse::NoContent().finish()
}

async fn put(number: web::Path<String>, body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let number = digits(&number);
    if number.is_empty() {
        return refused(400, "the number has no digits");
    }
    match Script::parse(&body) {
        Ok(script) => {
            world.change(|state| state.scripts.insert(number, script.clone()));
            answered(&script)
        }
        Err(error) => unreadable(&error),
    }
}

/// The script that would be followed, be it the number's own or not.
async fn show(number: web::Path<String>, world: web::Data<World>) -> HttpResponse {
    answered(&world.look(|state| state.script(&digits(&number))))
}

async fn delete(number: web::Path<String>, world: web::Data<World>) -> HttpResponse {
    world.change(|state| state.scripts.remove(&digits(&number)));
    HttpResponse::NoContent().finish()
}
