//! `/_simulator/settings`, `/_simulator/toggles` and `/_simulator/secret`.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{answered, refused, unreadable};
use crate::simulator::world::World;
use crate::zadarma::Secret;

pub(super) fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/settings", web::get().to(show))
        .route("/settings", web::put().to(change))
        .route("/toggles", web::get().to(show_toggles))
        .route("/toggles", web::put().to(change_toggles))
        .route("/secret", web::put().to(change_secret));
}

async fn show(world: web::Data<World>) -> HttpResponse {
    answered(&world.look(|state| state.settings.clone()))
}

async fn change(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let changed = world.change(|state| {
        state.settings = state.settings.changed_by(&body)?;
        Ok::<_, serde_json::Error>(state.settings.clone())
    });
    match changed {
        Ok(settings) => answered(&settings),
        Err(error) => unreadable(&error),
    }
}

async fn show_toggles(world: web::Data<World>) -> HttpResponse {
    answered(&world.look(|state| state.toggles.clone()))
}

async fn change_toggles(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let toggles: BTreeMap<String, bool> = match serde_json::from_slice(&body) {
        Ok(toggles) => toggles,
        Err(error) => return unreadable(&error),
    };
    world.change(|state| {
        if let Some(name) = toggles.keys().find(|name| !state.toggles.contains_key(name.as_str())) {
            return refused(400, &format!("unknown toggle `{name}`"));
        }
        for (name, on) in &mut state.toggles {
            *on = toggles.get(*name).copied().unwrap_or(*on);
        }
        answered(&state.toggles)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSecrets {
    secret: Option<String>,
    signing_secret: Option<String>,
}

async fn change_secret(body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    match serde_json::from_slice::<NewSecrets>(&body) {
        Ok(NewSecrets { secret, signing_secret }) => {
            world.change(|state| {
                if let Some(secret) = secret {
                    state.secret = Secret::new(secret);
                }
                state.signing_secret = signing_secret.map(Secret::new);
            });
            HttpResponse::NoContent().finish()
        }
        Err(error) => unreadable(&error),
    }
}
