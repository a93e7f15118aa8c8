//! `/v1/pbx/ivr/sounds/`.

use serde_json::json;

use super::answer::Answer;
use super::received::Received;
use super::{PBX_ID, required};
use crate::simulator::Sound;
use crate::simulator::world::{World, random_hex};

pub(super) fn list(world: &World) -> Answer {
    let sounds: Vec<_> = world.look(|state| {
        state.sounds.iter().map(|sound| json!({ "id": sound.id, "name": sound.name })).collect()
    });
    Answer::success(json!({ "pbx_id": PBX_ID, "sounds": sounds }))
}

/// Tells no id of the new sound, as documented.
pub(super) fn upload(world: &World, received: &Received) -> Answer {
    let Some(name) = received.param("name") else { return required("name") };
    let Some(file) = &received.file else { return required("file") };
    let is_audio =
        file.starts_with(b"RIFF") || file.starts_with(b"ID3") || file.starts_with(&[0xff]);
    if !is_audio {
        return Answer::error("Wrong file format");
    }
    let sound = Sound { id: random_hex(24), name: name.to_owned(), wav: file.to_vec().into() };
    world.change(|state| state.sounds.push(sound));
    Answer::success(json!({}))
}

pub(super) fn delete(world: &World, received: &Received) -> Answer {
    let Some(id) = received.param("id") else { return required("id") };
    let deleted = world.change(|state| {
        let before = state.sounds.len();
        state.sounds.retain(|sound| sound.id != id);
        state.sounds.len() < before
    });
    if deleted { Answer::success(json!({})) } else { Answer::error("Sound not found") }
}
