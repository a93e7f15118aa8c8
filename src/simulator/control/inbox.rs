//! `/_simulator/inbox` and `/_simulator/requests`: what people and the API received.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{answered, listed};
use crate::simulator::call::Call;
use crate::simulator::inbox::Message;
use crate::simulator::numbers::digits;
use crate::simulator::world::{RequestRecord, World};

pub(super) fn routes(service: &mut web::ServiceConfig) {
    service.route("/inbox", web::get().to(inbox)).route("/requests", web::get().to(requests));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addressee {
    to: String,
}

async fn inbox(query: web::Query<Addressee>, world: web::Data<World>) -> HttpResponse {
    let to = query.into_inner().to;
    let number = digits(&to);
    let is_theirs = |message: &&Message| {
        if to.contains('@') { message.to == to } else { digits(&message.to) == number }
    };
    let (messages, calls) = world.look(|state| {
        let messages: Vec<Message> = state.messages.iter().filter(is_theirs).cloned().collect();
        let theirs = state.calls.iter().filter(|call| !number.is_empty() && call.number == number);
        (messages, theirs.cloned().collect::<Vec<Call>>())
    });
    answered(&json!({ "to": to, "messages": messages, "calls": calls }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    path: Option<String>,
    to: Option<String>,
}

async fn requests(query: web::Query<Wanted>, world: web::Data<World>) -> HttpResponse {
    let wanted = query.into_inner();
    let number = wanted.to.as_deref().map(digits);
    let is_wanted = |request: &&RequestRecord| {
        let to = request.params.iter().find(|(name, _)| name == "to");
        wanted.path.as_ref().is_none_or(|path| request.path == *path)
            && number
                .as_ref()
                .is_none_or(|wanted| to.is_some_and(|(_, given)| digits(given) == *wanted))
    };
    let found: Vec<RequestRecord> =
        world.look(|state| state.requests.iter().filter(is_wanted).cloned().collect());
    listed("requests", &found)
}
