//! Erases what is stored of one number or address, of every app.

use jiff::Timestamp;
use serde_json::json;

use crate::domain::{Recipient, WrittenForm};
use crate::store::{Erased, Erasure};

use super::{Actor, Administered, Service, StoreError};

/// What went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasedCounts {
    /// Verifications, with all that belongs to them.
    pub verifications: u64,
    /// Notifications that had matched none of them.
    pub notifications: u64,
}

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseRefusal {
    /// A verification of it is pending, or its last call ended less than a day ago.
    #[error("a verification of it is pending, or its last call is not over for a day yet")]
    Running {
        /// When it may be asked for again.
        until: Timestamp,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Erases what is stored of a number or address. The audit log keeps a keyed hash
    /// of it, so that who knows the number can show that it was erased.
    ///
    /// # Errors
    /// See [`EraseRefusal`].
    pub async fn erase(&self, of: Recipient, by: &Actor) -> Result<ErasedCounts, EraseRefusal> {
        let hashes = match &of {
            Recipient::Phone(number) => {
                // As a PBX may have written it; the hash is of the digits as written.
                let forms = WrittenForm::all_of(*number).into_iter();
                let written = forms.flat_map(|form| {
                    ["", "00", "011"].map(|prefix| format!("{prefix}{}", form.digits()))
                });
                written.map(|text| self.store_key().number_hash(&text)).collect()
            }
            Recipient::Email(_) => Vec::new(),
        };
        let subject = match &of {
            Recipient::Phone(number) => number.digits(),
            Recipient::Email(address) => address.as_str().to_owned(),
        };
        let masked = match &of {
            Recipient::Phone(number) => number.masked(),
            Recipient::Email(_) => "an e-mail address".to_owned(),
        };
        let done = Administered {
            action: "recipient.erased",
            subject: const_hex::encode(self.store_key().number_hash(&subject)),
            before: None,
            after: Some(json!({ "masked": masked })),
        };
        let audited = self.audited(by, done);
        let guarded = self.guard.of_person(&of);
        match self.store.erase(Erasure { of, hashes, guarded, audited }, self.clock.now()).await? {
            Erased::Done { verifications, notifications } => {
                Ok(ErasedCounts { verifications, notifications })
            }
            Erased::Running { until } => Err(EraseRefusal::Running { until }),
        }
    }
}
