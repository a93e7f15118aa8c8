//! The server keys, which live outside the store, and the store's own key, which one of them
//! seals. So a server key can be replaced, and what was made with the store's key stays valid.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::record::Unreadable;
use super::{Adapter, LookUps, OpenError, Store, StoreError, adapter};
use crate::domain::Secret;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a nonce, which stands before what is sealed with it.
const NONCE: usize = 12;

/// What server keys are for.
const SEALS: &str = "store key";

/// The key of a store, the same on all replicas and for good; 32 random bytes.
/// Whoever has it can make wait tokens and codes.
#[derive(Clone)]
pub struct StoreKey(Key);

/// What is read from `secret_key_file`: the first key seals the store's, any opens it.
#[derive(Clone)]
pub struct ServerKeys {
    newest: Key,
    older: Vec<Key>,
}

#[derive(Clone)]
struct Key([u8; KEY]);

/// Why a text holds no server keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerKeysError {
    /// There is no line in it.
    #[error("it is empty")]
    Empty,
    /// A line, from 1, is no key.
    #[error("line {0} is not 64 hexadecimal digits")]
    NotAKey(usize),
    /// A line, from 1, repeats another.
    #[error("line {0} repeats a key")]
    Twice(usize),
}

/// A store whose key is not open yet.
pub(super) struct Locked {
    pub(super) adapter: Arc<Adapter>,
}

/// What opening the store's key came to.
enum Opened {
    /// It is sealed by the newest server key.
    Current(StoreKey),
    /// It is sealed by an older one.
    Older(StoreKey),
    /// By none of those given; the id of the one that it takes.
    Other(String),
    /// It is not what was sealed.
    Damaged,
}

impl Locked {
    /// Opens the store's key, which is made when there is none yet, and sealed anew when the
    /// newest server key is another.
    pub(super) async fn unlock(self, keys: &ServerKeys) -> Result<Store, OpenError> {
        match self.key(keys).await {
            Ok(key) => Ok(Store { adapter: self.adapter, look_ups: key.look_ups(), key }),
            Err(error) => {
                adapter!(self.close());
                Err(error)
            }
        }
    }

    async fn key(&self, keys: &ServerKeys) -> Result<StoreKey, OpenError> {
        loop {
            let Some(sealed) = adapter!(self.sealed_key())? else {
                adapter!(self.seal_key(None, keys.seal(&StoreKey::random())))?;
                continue;
            };
            match keys.open(&sealed) {
                Opened::Current(key) => return Ok(key),
                Opened::Older(key) => {
                    adapter!(self.seal_key(Some(sealed), keys.seal(&key)))?;
                    let id = id(&keys.newest.fingerprint());
                    tracing::info!(
                        server_key.id = id,
                        "sealed the store's key with server key {id}"
                    );
                }
                Opened::Other(known) => {
                    return Err(OpenError::OtherServerKey { known, given: keys.ids() });
                }
                Opened::Damaged => {
                    let (table, column) = ("meta", "value");
                    let source = Unreadable("it is no key that was sealed");
                    return Err(StoreError::Unreadable { table, column, source }.into());
                }
            }
        }
    }
}

impl StoreKey {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; KEY]) -> Self {
        Self(Key(bytes))
    }

    fn random() -> Self {
        Self::new(rand::random())
    }

    fn look_ups(&self) -> LookUps {
        LookUps::new(&self.mac("look-ups", b""))
    }

    /// A keyed hash, for one purpose.
    pub(crate) fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.0.mac(purpose, message)
    }

    /// Seals a short text, for one purpose and one owner.
    pub(crate) fn seal(&self, purpose: &str, owner: &[u8], text: &str) -> Box<[u8]> {
        self.0.seal(purpose, owner, text.as_bytes()).into()
    }

    /// Opens what [`seal`](Self::seal) sealed for the same purpose and owner.
    pub(crate) fn open(&self, purpose: &str, owner: &[u8], sealed: &[u8]) -> Option<Secret> {
        String::from_utf8(self.0.open(purpose, owner, sealed)?).ok().map(Secret::new)
    }
}

impl ServerKeys {
    /// Reads the lines of a key file: 64 hexadecimal digits each, the newest key first.
    ///
    /// # Errors
    /// See [`ServerKeysError`].
    pub fn parse(text: &str) -> Result<Self, ServerKeysError> {
        let mut keys: Vec<Key> = Vec::new();
        let lines = text.lines().map(str::trim).enumerate();
        for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let mut bytes = [0; KEY];
            const_hex::decode_to_slice(line, &mut bytes)
                .map_err(|_| ServerKeysError::NotAKey(index + 1))?;
            if keys.iter().any(|key| key.0 == bytes) {
                return Err(ServerKeysError::Twice(index + 1));
            }
            keys.push(Key(bytes));
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(ServerKeysError::Empty)?;
        Ok(Self { newest, older: keys.collect() })
    }

    /// A single key.
    #[must_use]
    pub const fn one(bytes: [u8; KEY]) -> Self {
        Self { newest: Key(bytes), older: Vec::new() }
    }

    /// What tells each from every other and nothing of the keys, the newest first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.all().map(|key| id(&key.fingerprint())).collect()
    }

    /// Whether one of them opens what was sealed.
    pub(super) fn opens(&self, sealed: &[u8]) -> bool {
        matches!(self.open(sealed), Opened::Current(_) | Opened::Older(_))
    }

    /// Seals with the newest; its fingerprint stands before.
    fn seal(&self, key: &StoreKey) -> Vec<u8> {
        let fingerprint = self.newest.fingerprint();
        let sealed = self.newest.seal(SEALS, &fingerprint, &key.0.0);
        [fingerprint.as_slice(), &sealed].concat()
    }

    /// Opens what [`seal`](Self::seal) sealed.
    fn open(&self, sealed: &[u8]) -> Opened {
        let Some((fingerprint, sealed)) = sealed.split_first_chunk() else {
            return Opened::Damaged;
        };
        let found = self.all().enumerate().find(|(_, key)| key.fingerprint() == *fingerprint);
        let Some((at, key)) = found else { return Opened::Other(id(fingerprint)) };
        let opened = key.open(SEALS, fingerprint, sealed).and_then(|key| key.try_into().ok());
        match opened.map(StoreKey::new) {
            Some(key) if at == 0 => Opened::Current(key),
            Some(key) => Opened::Older(key),
            None => Opened::Damaged,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl Key {
    fn fingerprint(&self) -> [u8; 32] {
        self.mac("fingerprint of a server key", b"")
    }

    fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.0);
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    fn seal(&self, purpose: &str, owner: &[u8], message: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let message = Payload { msg: message, aad: owner };
        let sealed = self.cipher(purpose).encrypt(&Nonce::from(nonce), message);
        let sealed = sealed.expect("what is short is not too long for the cipher");
        [nonce.as_slice(), &sealed].concat()
    }

    fn open(&self, purpose: &str, owner: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let message = Payload { msg: sealed, aad: owner };
        self.cipher(purpose).decrypt(&Nonce::from(*nonce), message).ok()
    }

    fn cipher(&self, purpose: &str) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&self.mac(purpose, b"").into())
    }
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerKeys").field(&self.ids()).finish()
    }
}

/// The first bytes are enough to tell the few keys of one place apart.
fn id(fingerprint: &[u8; 32]) -> String {
    const_hex::encode(&fingerprint[..4])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(bytes: &[u8]) -> ServerKeys {
        let lines: Vec<_> = bytes.iter().map(|byte| const_hex::encode([*byte; KEY])).collect();
        ServerKeys::parse(&lines.join("\n")).unwrap()
    }

    #[test]
    fn the_newest_seals_any_opens_and_another_is_told_by_its_id() {
        let sealed = keys(&[1]).seal(&StoreKey::new([9; KEY]));
        assert!(matches!(keys(&[1]).open(&sealed), Opened::Current(key) if key.0.0 == [9; KEY]));
        assert!(matches!(keys(&[1, 2]).open(&sealed), Opened::Current(key) if key.0.0 == [9; KEY]));
        assert!(matches!(keys(&[2, 1]).open(&sealed), Opened::Older(key) if key.0.0 == [9; KEY]));
        assert!(matches!(keys(&[2]).open(&sealed), Opened::Other(id) if id == keys(&[1]).ids()[0]));
        assert_eq!(format!("{:?}", keys(&[1])), format!("ServerKeys({:?})", keys(&[1]).ids()));
    }

    #[test]
    fn what_is_no_key_file_is_told_with_its_line() {
        let (one, two) = ("11".repeat(KEY), "22".repeat(KEY));
        let refused = |text: &str| ServerKeys::parse(text).unwrap_err();
        assert_eq!(refused(""), ServerKeysError::Empty);
        assert_eq!(refused(" \n\n"), ServerKeysError::Empty);
        assert_eq!(refused(&format!("{one}\n\n{}", &two[1..])), ServerKeysError::NotAKey(3));
        assert_eq!(refused(&format!("{one} {two}")), ServerKeysError::NotAKey(1));
        assert_eq!(refused(&format!("{one}\n{two}\n{one}")), ServerKeysError::Twice(3));
        let both = ServerKeys::parse(&format!("\n {one}\r\n{two}\n\n")).unwrap();
        assert_eq!(both.ids(), keys(&[0x11, 0x22]).ids());
    }

    proptest! {
        #[test]
        fn what_was_changed_is_not_opened(at in 0..92_usize, bits in 1..=255_u8, shorter in 0..92_usize) {
            let keys = keys(&[1, 2]);
            let mut sealed = keys.seal(&StoreKey::new([9; KEY]));
            prop_assert_eq!(sealed.len(), 92);
            prop_assert!(!keys.opens(&sealed[..shorter]));
            sealed[at] ^= bits;
            prop_assert!(!keys.opens(&sealed));
        }
    }
}
