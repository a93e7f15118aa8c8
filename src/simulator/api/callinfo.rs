//! `/v1/pbx/callinfo/`: where notifications go, and which.

use serde_json::{Value, json};

use super::answer::Answer;
use super::received::Received;
use super::{required, word};
use crate::simulator::world::{State, TOGGLES, World, random_hex};

pub(super) fn show(world: &World) -> Answer {
    world.look(|state| {
        let url = state.settings.notification_url.clone().unwrap_or_default();
        Answer::success(json!({ "url": url, "notifications": toggles(state) }))
    })
}

/// Saves the address if it returns the value of `zd_echo`.
pub(super) async fn set_url(world: &World, received: &Received) -> Answer {
    let Some(url) = received.param("url") else { return required("url") };
    if !echoes(world, url).await {
        return Answer::error("URL is not available or does not return zd_echo");
    }
    world.change(|state| state.settings.notification_url = Some(url.to_owned()));
    Answer::success(json!({ "url": url }))
}

pub(super) fn clear_url(world: &World) -> Answer {
    world.change(|state| state.settings.notification_url = None);
    Answer::success(json!({ "url": "" }))
}

pub(super) fn set_toggles(world: &World, received: &Received) -> Answer {
    let named = TOGGLES.iter().filter_map(|name| Some((*name, received.param(name)?)));
    world.change(|state| {
        for (name, value) in named {
            state.toggles.insert(name, value == "true");
        }
        Answer::success(toggles(state))
    })
}

async fn echoes(world: &World, url: &str) -> bool {
    let value = random_hex(32);
    let separator = if url.contains('?') { '&' } else { '?' };
    let answer = world.client.get(format!("{url}{separator}zd_echo={value}")).send().await;
    match answer {
        Ok(answer) if answer.status().is_success() => {
            answer.text().await.is_ok_and(|body| body == value)
        }
        Ok(_) | Err(_) => false,
    }
}

fn toggles(state: &State) -> Value {
    state.toggles.iter().map(|(name, on)| ((*name).to_owned(), word(*on))).collect()
}
