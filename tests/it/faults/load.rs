//! People and apps: starts, presses and checks, and what was acknowledged of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ringproof::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::site::Site;
use crate::app::note_secrets_of;
use crate::codes::wrong;
use crate::intake_verifies::end;

/// What is known for sure of one verification.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its start was answered with 201.
    pub id: String,
    pub number: String,
    /// A true press was answered with 200.
    pub pressed: bool,
    /// Wrong codes that were answered with "incorrect".
    pub wrong_checks: usize,
    /// The right code was answered with "correct".
    pub correct: bool,
}

/// What a person does once the start is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// Answers the call and presses the key.
    Presses,
    /// Types a wrong code from an SMS, then the right one.
    TypesACode,
    /// Nothing: the verification expires.
    IsAway,
}

/// Load on one or more processes over one store, through the site's provider.
pub struct Load {
    pub site: Arc<Site>,
    /// Whom requests go to, in turn.
    bases: Mutex<Vec<String>>,
    turn: AtomicUsize,
    known: Mutex<Vec<Known>>,
    acknowledged: watch::Sender<usize>,
}

impl Load {
    /// Load on the processes at `bases`.
    pub fn on(site: &Arc<Site>, bases: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            site: Arc::clone(site),
            bases: Mutex::new(bases.iter().map(ToString::to_string).collect()),
            turn: AtomicUsize::new(0),
            known: Mutex::new(Vec::new()),
            acknowledged: watch::Sender::new(0),
        })
    }

    /// Goes on with other addresses, as after a restart.
    pub fn moves_to(&self, bases: &[&str]) {
        *self.bases.lock().unwrap() = bases.iter().map(ToString::to_string).collect();
    }

    /// One of the addresses; they take turns.
    pub fn base(&self) -> String {
        let bases = self.bases.lock().unwrap();
        bases[self.turn.fetch_add(1, Ordering::SeqCst) % bases.len()].clone()
    }

    /// What is known so far.
    pub fn known(&self) -> Vec<Known> {
        self.known.lock().unwrap().clone()
    }

    /// How many requests have been acknowledged.
    pub fn acknowledged(&self) -> usize {
        *self.acknowledged.borrow()
    }

    /// Returns once so many requests have been acknowledged.
    pub async fn reaches(&self, acknowledged: usize) {
        let mut count = self.acknowledged.subscribe();
        count.wait_for(|count| *count >= acknowledged).await.unwrap();
    }

    /// Runs so many people at the same time, each from the start to what it does last.
    pub fn run(self: &Arc<Self>, people: usize) -> JoinSet<()> {
        let mut running = JoinSet::new();
        for index in 0..people {
            let load = Arc::clone(self);
            let person = [Person::Presses, Person::TypesACode, Person::IsAway][index % 3];
            running.spawn(async move {
                if let Some(place) = load.begin(person).await {
                    load.act(place, person).await;
                }
            });
        }
        running
    }

    /// Starts a verification; its place among the known ones if that is acknowledged.
    /// A start that is refused because the store is away must say when to come back.
    pub async fn begin(&self, person: Person) -> Option<usize> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = format!("+38099{:07}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let body = match person {
            Person::Presses => json!({ "to": number, "expires_in": 30 }),
            Person::TypesACode => {
                json!({ "to": number, "channel": "sms", "code_length": 10, "expires_in": 30 })
            }
            Person::IsAway => json!({ "to": number, "expires_in": 10 }),
        };
        let request = self.site.http.post(format!("{}/v1/verifications", self.base()));
        let response = request.bearer_auth(&self.site.key).json(&body).send().await.ok()?;
        let (status, retry) = (response.status(), response.headers().contains_key("retry-after"));
        let text = response.text().await.ok()?;
        if status == 503 {
            assert!(retry, "503 without Retry-After: {text}");
            return None;
        }
        assert_eq!(status, 201, "{number}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        note_secrets_of(&answer);
        let id = answer["id"].as_str().unwrap().to_owned();
        let mut known = self.known.lock().unwrap();
        known.push(Known { id, number, ..Known::default() });
        let place = known.len() - 1;
        drop(known);
        self.count();
        Some(place)
    }

    /// Does what the person does, and notes what is acknowledged.
    pub async fn act(&self, place: usize, person: Person) {
        let known = self.known.lock().unwrap()[place].clone();
        match person {
            // A replica that lost its store may have left the call to nobody.
            Person::Presses => {
                if self.site.is_called(&known.number).await
                    && self.press(&known.number).await == Some(200)
                {
                    self.note(place, |known| known.pressed = true);
                }
            }
            Person::TypesACode => {
                let Some(code) = self.site.code(&known.number).await else { return };
                crate::app::note_secret(&code);
                if self.check(&known.id, &wrong(&code)).await.as_deref() == Some("incorrect") {
                    self.note(place, |known| known.wrong_checks += 1);
                }
                if self.check(&known.id, &code).await.as_deref() == Some("correct") {
                    self.note(place, |known| known.correct = true);
                }
            }
            Person::IsAway => {}
        }
    }

    /// The provider tells of a press now; the status of the answer, if there was one.
    pub async fn press(&self, number: &str) -> Option<u64> {
        let time = Clock::real().now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        self.site.notify(&self.base(), &end(number, &time, "1")).await
    }

    async fn check(&self, id: &str, code: &str) -> Option<String> {
        let url = format!("{}/v1/verifications/{id}/check", self.base());
        let request = self.site.http.post(url).bearer_auth(&self.site.key);
        let response = request.json(&json!({ "code": code })).send().await.ok()?;
        let status = response.status();
        let answer: Value = response.json().await.ok()?;
        if status == 503 {
            assert!(answer["retry_after"].is_u64(), "{answer}");
            return None;
        }
        assert_eq!(status, 200, "{answer}");
        Some(answer["result"].as_str().unwrap().to_owned())
    }

    fn note(&self, place: usize, what: impl FnOnce(&mut Known)) {
        what(&mut self.known.lock().unwrap()[place]);
        self.count();
    }

    fn count(&self) {
        self.acknowledged.send_modify(|count| *count += 1);
    }
}
