//! Sounds that tests make, and how they are sent.

use std::io::Cursor;

use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::app::{Answer, TestApp, answer};

pub const FLAC: &[u8] = include_bytes!("../data/sounds/tone.flac");
pub const MP3: &[u8] = include_bytes!("../data/sounds/tone.mp3");
pub const OGG: &[u8] = include_bytes!("../data/sounds/tone.ogg");
pub const OPUS: &[u8] = include_bytes!("../data/sounds/tone.opus");

/// A tone of some pitch as a WAV of 16 bits in one channel.
pub fn tone(hertz: f32, seconds: f32) -> Vec<u8> {
    tone_at(16_000, hertz, seconds)
}

/// The same with so many samples a second.
pub fn tone_at(rate: u32, hertz: f32, seconds: f32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for frame in 0..(seconds * rate as f32) as u32 {
        let at = frame as f32 / rate as f32;
        let sample = (at * hertz * std::f32::consts::TAU).sin() * 8_000.0;
        writer.write_sample(sample as i16).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

impl TestApp {
    /// Uploads a file as a sound.
    pub async fn upload(&self, name: &str, file: &[u8]) -> Answer {
        self.upload_with("/v1/sounds", &[("name", name)], Some(file)).await
    }

    pub async fn upload_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<&[u8]>,
    ) -> Answer {
        let mut form = Form::new();
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        if let Some(file) = file {
            form = form.part("file", Part::bytes(file.to_vec()).file_name("sound.mp3"));
        }
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.key);
        answer(request.multipart(form)).await
    }

    /// Uploads a sound that is new or changed; the provider's id of it.
    pub async fn uploaded(&self, name: &str, file: &[u8]) -> String {
        let answer = self.upload(name, file).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        place(&answer.json())
    }

    /// The bytes of a sound.
    pub async fn audio(&self, path: &str) -> Vec<u8> {
        let request = self.http.get(format!("{}/v1/sounds/{path}", self.base));
        let response = request.bearer_auth(&self.key).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().to_vec()
    }

    /// The provider's requests for a path, oldest first.
    pub async fn requests(&self, path: &str) -> Vec<Value> {
        let path = format!("/_simulator/requests?path={path}");
        let answer = self.simulator(reqwest::Method::GET, &path, None).await;
        answer["requests"].as_array().unwrap().clone()
    }
}

/// The provider's id of a sound's newest version.
pub fn place(sound: &Value) -> String {
    sound["versions"][0]["places"][0]["provider_id"].as_str().unwrap().to_owned()
}
