//! The stored sounds: listed, added and removed.

use serde::de::IgnoredAny;

use super::client::{File, Verb};
use super::{Method, Zadarma, wait_in};
use crate::provider::{ProviderError, Sound};
use crate::zadarma::form::Params;
use crate::zadarma::wire::SoundsAnswer;

// Without a slash at the end, as the provider writes these three.
const LIST: Method = Method { verb: Verb::Get, path: "/v1/pbx/ivr/sounds/list" };
const UPLOAD: Method = Method { verb: Verb::Post, path: "/v1/pbx/ivr/sounds/upload" };
const DELETE: Method = Method { verb: Verb::Delete, path: "/v1/pbx/ivr/sounds/delete" };

impl Zadarma {
    pub(in crate::provider) async fn sounds(&self) -> Result<Vec<Sound>, ProviderError> {
        let answer: SoundsAnswer = self.ask(LIST).await?;
        let sound = |sound: crate::zadarma::wire::Sound| Sound { id: sound.id, name: sound.name };
        Ok(answer.sounds.into_iter().map(sound).collect())
    }

    pub(in crate::provider) async fn upload_sound(
        &self,
        name: &str,
        wav: Vec<u8>,
    ) -> Result<(), ProviderError> {
        wait_in(&self.queue).await?;
        let sent_at = self.clock.now();
        let file = File { name: format!("{name}.wav"), bytes: wav };
        let params = Params::new().text("name", name);
        let answer = self.client.send_file::<IgnoredAny>(UPLOAD.path, params, file).await;
        self.measured(&self.queue, UPLOAD, sent_at, answer).map(drop)
    }

    pub(in crate::provider) async fn delete_sound(&self, id: &str) -> Result<(), ProviderError> {
        wait_in(&self.queue).await?;
        let params = Params::new().text("id", id);
        self.send::<IgnoredAny>(&self.queue, DELETE, params).await.map(drop)
    }
}
