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
    /// The same, after half a minute.
    IsAwayForLong,
}

/// What a start was answered with.
enum Start {
    /// It is known, at this place.
    Acknowledged(usize),
    /// A call to the number is in flight.
    Busy,
    /// It was refused, or its answer is lost.
    Unknown,
}

/// How long, in seconds, somebody has to press or to type, unless a test says otherwise.
const LIFE: u32 = 30;

/// Load on one or more processes over one store, through the site's provider.
pub struct Load {
    pub site: Arc<Site>,
    /// Whom requests go to, in turn.
    bases: Mutex<Vec<String>>,
    turn: AtomicUsize,
    /// How long, in seconds, somebody has to press or to type.
    life: u32,
    known: Mutex<Vec<Known>>,
    acknowledged: watch::Sender<usize>,
}

impl Load {
    /// Load on the processes at `bases`.
    pub fn on(site: &Arc<Site>, bases: &[&str]) -> Arc<Self> {
        Self::lasting(LIFE, site, bases)
    }

    /// The same, with so many seconds to press or to type.
    pub fn lasting(life: u32, site: &Arc<Site>, bases: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            site: Arc::clone(site),
            bases: Mutex::new(bases.iter().map(ToString::to_string).collect()),
            turn: AtomicUsize::new(0),
            life,
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

    /// All of the addresses.
    pub fn bases(&self) -> Vec<String> {
        self.bases.lock().unwrap().clone()
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
    /// A call is asked for twice at once, of two processes if there are: one may come of it.
    pub fn run(self: &Arc<Self>, people: usize) -> JoinSet<()> {
        let mut running = JoinSet::new();
        for index in 0..people {
            let load = Arc::clone(self);
            let person = [Person::Presses, Person::TypesACode, Person::IsAway][index % 3];
            running.spawn(async move {
                let place = match person {
                    Person::Presses => load.begin_at_two(person).await,
                    Person::TypesACode | Person::IsAway | Person::IsAwayForLong => {
                        load.begin(person).await
                    }
                };
                if let Some(place) = place {
                    load.act(place, person).await;
                }
            });
        }
        running
    }

    /// Starts a verification; its place among the known ones if that is acknowledged.
    pub async fn begin(&self, person: Person) -> Option<usize> {
        match self.start(&new_number(), person).await {
            Start::Acknowledged(place) => Some(place),
            Start::Busy => panic!("nobody else calls this number"),
            Start::Unknown => None,
        }
    }

    async fn begin_at_two(&self, person: Person) -> Option<usize> {
        let number = new_number();
        let both = tokio::join!(self.start(&number, person), self.start(&number, person));
        match both {
            (Start::Acknowledged(_), Start::Acknowledged(_)) => {
                panic!("two attempts are in flight to {number}")
            }
            (Start::Acknowledged(place), _) | (_, Start::Acknowledged(place)) => Some(place),
            (Start::Busy | Start::Unknown, Start::Busy | Start::Unknown) => None,
        }
    }

    /// A start that is refused because the store is away must say when to come back.
    async fn start(&self, number: &str, person: Person) -> Start {
        let life = self.life;
        let body = match person {
            Person::Presses => json!({ "to": number, "expires_in": life }),
            Person::TypesACode => {
                json!({ "to": number, "channel": "sms", "code_length": 10, "expires_in": life })
            }
            Person::IsAway => json!({ "to": number, "expires_in": 10 }),
            Person::IsAwayForLong => json!({ "to": number, "expires_in": 30 }),
        };
        let request = self.site.http.post(format!("{}/v1/verifications", self.base()));
        let request = request.bearer_auth(&self.site.key).json(&body);
        let Ok(response) = request.send().await else { return Start::Unknown };
        let (status, retry) = (response.status(), response.headers().contains_key("retry-after"));
        let Ok(text) = response.text().await else { return Start::Unknown };
        let answer: Value = serde_json::from_str(&text).unwrap();
        if status == 503 {
            assert!(retry, "503 without Retry-After: {text}");
            return Start::Unknown;
        }
        if status == 409 {
            assert_eq!(answer["code"], "number_busy", "{text}");
            return Start::Busy;
        }
        assert_eq!(status, 201, "{number}: {text}");
        note_secrets_of(&answer);
        let id = answer["id"].as_str().unwrap().to_owned();
        let mut known = self.known.lock().unwrap();
        known.push(Known { id, number: number.to_owned(), ..Known::default() });
        let place = known.len() - 1;
        drop(known);
        self.count();
        Start::Acknowledged(place)
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
            Person::IsAway | Person::IsAwayForLong => {}
        }
    }

    /// The provider tells of a press now; the status of the answer, if there was one.
    pub async fn press(&self, number: &str) -> Option<u64> {
        let time = Clock::real().now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        self.site.notify(&self.base(), &end(number, &time, "1")).await
    }

    /// Notes that a press of this person was answered with 200.
    pub fn was_pressed(&self, place: usize) {
        self.note(place, |known| known.pressed = true);
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

/// A number that nobody else has.
fn new_number() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("+38099{:07}", NUMBER.fetch_add(1, Ordering::SeqCst))
}
