//! Keys: who may use the service. A key belongs to an app and has scopes; its
//! secret is random, shown once, and kept as a hash.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::{Name, Network, Secret};
use crate::store::{KeyRow, StoreError};

use super::{Actor, Administered, Service, SignatureMethod};

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Start, cancel and redeem its app's verifications.
    Start,
    /// Show, await and search its app's verifications.
    Read,
    /// Manage keys, of every app.
    Operate,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Start, Self::Read, Self::Operate];

    /// The word used in the API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The app.
    pub app: Name,
    /// The key's id.
    pub key_id: Box<str>,
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// Whether test numbers act for it.
    pub test: bool,
}

/// What a key has beyond its scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyOptions {
    /// Whether test numbers act for it.
    pub test: bool,
    /// How it may sign requests, if it may.
    pub signs: Option<SignatureMethod>,
    /// How long it is in force, if not until it is revoked.
    pub expires_in: Option<SignedDuration>,
    /// From where it counts; from everywhere if there are none.
    pub networks: Vec<Network>,
}

/// Why a key is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefusal {
    /// It is not of the form `ID.SECRET`, unknown, revoked, or the secret is wrong: one answer for all.
    #[error(
        "the key is not accepted; send \"Authorization: Bearer ID.SECRET\" with a key from `ringproof keys create`"
    )]
    NotAccepted,
    /// Its time is over. Only told to who knows its secret.
    #[error("the key has expired; ask an operator for a new one")]
    Expired,
    /// It does not count from this address. Only told to who knows its secret.
    #[error("the key does not count from the address {0}; an operator can list its networks")]
    ForbiddenSource(IpAddr),
    /// A given key is too short to be safe.
    #[error(
        "a key is ID.SECRET: an id of 1 to 64 and a secret of 16 to 128 characters of A-Z, a-z, 0-9, \"-\" and \"_\""
    )]
    Malformed,
    /// A key with this id exists.
    #[error("a key with this id exists already, with another secret or for another app")]
    Exists,
    /// There is no such key.
    #[error("there is no such key")]
    NotFound,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key just made. Its secret is not kept and cannot be shown again.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The key as stored.
    pub row: KeyRow,
    /// `ID.SECRET`, what callers send.
    pub key: Secret,
    /// What it signs requests with, if it may. Shown once too.
    pub signature_secret: Option<Secret>,
}

impl Caller {
    pub(super) fn of(row: &KeyRow) -> Self {
        let scopes = row.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect();
        Self { app: row.app.clone(), key_id: row.id.clone(), scopes, test: row.test }
    }
}

/// Whether this is the key's secret, or the one before it while that is good.
fn knows(row: &KeyRow, secret: &str, now: Timestamp) -> bool {
    let hash = hash(secret);
    let is = |known: &[u8; 32]| bool::from(hash.ct_eq(known));
    let previous = row.previous.filter(|previous| now < previous.until);
    is(&row.secret_hash) || previous.is_some_and(|previous| is(&previous.hash))
}

impl Service {
    /// Who sent this bearer token from the address `source`.
    ///
    /// # Errors
    /// `NotAccepted`, whatever is wrong with it; to who knows the secret, that the key
    /// has expired or does not count from there.
    pub fn caller(&self, token: &str, source: IpAddr) -> Result<Caller, KeyRefusal> {
        let (id, secret) = token.split_once('.').ok_or(KeyRefusal::NotAccepted)?;
        let row = self.keys.find(id).ok_or(KeyRefusal::NotAccepted)?;
        let now = self.clock.now();
        if !knows(&row, secret, now) {
            return Err(KeyRefusal::NotAccepted);
        }
        self.keys.use_from(&row, source, now)?;
        Ok(Caller::of(&row))
    }

    /// Makes a key with a random id and secret, for whoever runs this process.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn create_key(&self, app: Name, scopes: &[Scope]) -> Result<NewKey, KeyRefusal> {
        self.create_key_with(app, scopes, KeyOptions::default(), &Actor::Local).await
    }

    /// The same with options.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn create_key_with(
        &self,
        app: Name,
        scopes: &[Scope],
        options: KeyOptions,
        by: &Actor,
    ) -> Result<NewKey, KeyRefusal> {
        let id = format!("key_{}", const_hex::encode(rand::random::<[u8; 8]>()));
        let (secret, _) = new_secret();
        self.keep_key(&Secret::new(format!("{id}.{secret}")), app, scopes, options, by).await
    }

    /// Takes in a key that was made elsewhere. One that is known already for
    /// this app is taken as it is.
    ///
    /// # Errors
    /// When it is malformed, known otherwise, or the store does not answer.
    pub async fn add_key(
        &self,
        key: &Secret,
        app: Name,
        scopes: &[Scope],
    ) -> Result<NewKey, KeyRefusal> {
        self.keep_key(key, app, scopes, KeyOptions::default(), &Actor::Local).await
    }

    async fn keep_key(
        &self,
        key: &Secret,
        app: Name,
        scopes: &[Scope],
        options: KeyOptions,
        by: &Actor,
    ) -> Result<NewKey, KeyRefusal> {
        let mut row = new_row(key, app, scopes, self.clock.now())?;
        row.test = options.test;
        row.expires_at = options.expires_in.map(|span| later(row.created_at, span));
        row.networks = options.networks;
        let signing = options.signs.map(|method| self.new_signing_secret(&row.id, method));
        row.signature_secret = signing.as_ref().map(|(_, sealed)| sealed.clone());
        let signature_secret = signing.map(|(secret, _)| secret);
        if let Some(known) = self.keys.find(&row.id) {
            let same = known.secret_hash == row.secret_hash && known.app == row.app;
            return if same {
                Ok(NewKey { row: known, key: key.clone(), signature_secret: None })
            } else {
                Err(KeyRefusal::Exists)
            };
        }
        let done = Administered {
            action: "key.created",
            subject: row.id.to_string(),
            before: None,
            after: Some(told(&row)),
        };
        self.store.create_key(row.clone(), self.audited(by, done)).await?;
        self.keys.add(row.clone());
        Ok(NewKey { row, key: key.clone(), signature_secret })
    }

    /// Takes in what other replicas did to keys.
    ///
    /// # Errors
    /// When the store does not answer; the keys stay as they were known.
    pub async fn refresh_keys(&self) -> Result<(), StoreError> {
        self.keys.refresh(&self.store).await
    }

    /// Every key, revoked ones too.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let mut rows = self.store.keys().await?;
        for row in &mut rows {
            let used_at = self.keys.used_at(&row.id);
            row.last_used_at = row.last_used_at.max(used_at);
        }
        Ok(rows)
    }

    /// Revokes a key, effective at once.
    ///
    /// # Errors
    /// When there is none in force with this id, or the store does not answer.
    pub async fn revoke_key(&self, id: &str, by: &Actor) -> Result<(), KeyRefusal> {
        let before = self.keys.find(id).as_ref().map(told);
        let done =
            Administered { action: "key.revoked", subject: id.to_owned(), before, after: None };
        let audited = self.audited(by, done);
        let revoked = self.store.revoke_key(id, self.clock.now(), audited).await?;
        self.keys.remove(id);
        if revoked { Ok(()) } else { Err(KeyRefusal::NotFound) }
    }
}

/// What the audit log says of a key.
pub(super) fn told(row: &KeyRow) -> Value {
    json!({
        "app": row.app.as_str(), "scopes": row.scopes, "test": row.test,
        "signs": row.signature_secret.is_some(),
        "expires_at": row.expires_at.map(|at| at.to_string()),
        "networks": row.networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// A secret, and its hash.
pub(super) fn new_secret() -> (String, [u8; 32]) {
    let secret = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let hash = hash(&secret);
    (secret, hash)
}

fn new_row(
    key: &Secret,
    app: Name,
    scopes: &[Scope],
    now: Timestamp,
) -> Result<KeyRow, KeyRefusal> {
    let (id, secret) = key.expose().split_once('.').ok_or(KeyRefusal::Malformed)?;
    let word =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !word(id)
        || !word(secret)
        || !(1..=64).contains(&id.len())
        || !(16..=128).contains(&secret.len())
    {
        return Err(KeyRefusal::Malformed);
    }
    let scopes = scopes.iter().map(|scope| scope.as_str().into()).collect();
    Ok(KeyRow {
        id: id.into(),
        app,
        secret_hash: hash(secret),
        scopes,
        test: false,
        signature_secret: None,
        created_at: now,
        revoked_at: None,
        expires_at: None,
        last_used_at: None,
        previous: None,
        networks: Vec::new(),
    })
}

/// A plain hash suffices, since the secret is random and long.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
