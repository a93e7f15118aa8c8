//! Sessions: operators who are signed in to the console. What a browser holds is
//! random and kept as a keyed hash only; whether its key may still operate is asked
//! at every use, so that a revoked key ends its sessions.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use crate::domain::Secret;
use crate::store::{SessionRow, StoreError};

use super::{Actor, Administered, Caller, KeyRefusal, Scope, Service};

/// How long a session lasts that nobody uses.
const SESSION_IDLE: SignedDuration = SignedDuration::from_mins(30);
/// How long a session lasts at most.
const SESSION_MAX: SignedDuration = SignedDuration::from_hours(12);
/// A use is noted at most so often.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// An operator's session in use.
pub struct Session {
    /// Whose it is.
    pub operator: Caller,
    hash: [u8; 32],
    form_token: String,
    seen_at: Timestamp,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SessionRefusal {
    /// The key is not accepted.
    #[error("the key is not accepted")]
    NotAccepted,
    /// The key may not operate.
    #[error("the key lacks the scope operate")]
    NoOperator,
    /// The session has ended: by time, by its operator, or with its key.
    #[error("the session has ended")]
    Ended,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Session {
    /// What each form of this session carries, so that no other site can send one.
    #[must_use]
    pub fn form_token(&self) -> &str {
        &self.form_token
    }

    /// Whether a form was made for this session; in constant time.
    #[must_use]
    pub fn is_form_token(&self, token: &str) -> bool {
        self.form_token.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

impl Service {
    /// Opens a session for the holder of a key with the scope `operate`, whose browser is
    /// at `source`; what it is to send from then on.
    ///
    /// # Errors
    /// When the key is not accepted, may not operate, or the store does not answer.
    pub async fn sign_in(&self, token: &str, source: IpAddr) -> Result<Secret, SessionRefusal> {
        let operator = self.caller(token, source).map_err(|refusal| match refusal {
            KeyRefusal::Store(error) => SessionRefusal::Store(error),
            KeyRefusal::NotAccepted
            | KeyRefusal::Expired
            | KeyRefusal::ForbiddenSource(_)
            | KeyRefusal::Malformed
            | KeyRefusal::Exists
            | KeyRefusal::NotFound => SessionRefusal::NotAccepted,
        })?;
        if !operator.scopes.contains(&Scope::Operate) {
            return Err(SessionRefusal::NoOperator);
        }
        self.audit_session("console.signed_in", &operator.key_id).await?;
        let cookie = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let now = self.clock.now();
        let (hash, key_id) = (self.session_hash(&cookie), operator.key_id);
        let row = SessionRow { hash, key_id, opened_at: now, seen_at: now };
        self.store.open_session(row).await?;
        Ok(Secret::new(cookie))
    }

    /// The session of a browser. That alone is no use of it.
    ///
    /// # Errors
    /// When it has ended, or the store does not answer.
    pub async fn session(&self, cookie: &str) -> Result<Session, SessionRefusal> {
        let hash = self.session_hash(cookie);
        let row = self.store.session(hash).await?.ok_or(SessionRefusal::Ended)?;
        let now = self.clock.now();
        let key = self.keys.find(&row.key_id);
        let key = key.filter(|key| key.expires_at.is_none_or(|end| now < end));
        let operator = key.map(|key| Caller::of(&key));
        let operator = operator.filter(|operator| operator.scopes.contains(&Scope::Operate));
        let is_old = now.duration_since(row.opened_at) >= SESSION_MAX;
        let is_idle = now.duration_since(row.seen_at) >= SESSION_IDLE;
        let operator = operator.filter(|_| !is_old && !is_idle).ok_or(SessionRefusal::Ended)?;
        let form_token = const_hex::encode(self.store_key().mac("form", cookie.as_bytes()));
        Ok(Session { operator, hash, form_token, seen_at: row.seen_at })
    }

    /// Notes that a person used a session, at most once a minute.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_use(&self, session: &Session) -> Result<(), StoreError> {
        let now = self.clock.now();
        if now.duration_since(session.seen_at) >= NOTED_EVERY {
            self.store.see_session(session.hash, now).await?;
        }
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sign_out(&self, session: &Session) -> Result<(), StoreError> {
        self.store.close_session(session.hash).await.map(drop)
    }

    /// Ends every session of the operator's key, in every browser; how many those were.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sign_out_everywhere(&self, session: &Session) -> Result<u64, StoreError> {
        let key_id = &session.operator.key_id;
        self.audit_session("console.signed_out_everywhere", key_id).await?;
        self.store.close_sessions(key_id).await
    }

    async fn audit_session(&self, action: &'static str, key_id: &str) -> Result<(), StoreError> {
        let (before, after) = (None, None);
        let done = Administered { action, subject: key_id.to_owned(), before, after };
        self.audit(&Actor::Key(key_id.into()), done).await.map(drop)
    }

    fn session_hash(&self, cookie: &str) -> [u8; 32] {
        self.store_key().mac("session", cookie.as_bytes())
    }
}
