//! Look-ups: the columns by which a number is found again hold it under a key.
//!
//! A permutation of 64-bit integers, which only who has the store's key can compute in
//! either direction, and which makes no two numbers one, as a short hash might.

use std::fmt;
use std::sync::Arc;

use blowfish::Blowfish;
use blowfish::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use sha2::{Digest, Sha256};

use crate::domain::{Claim, Name, Recipient, WrittenForm};

/// Set in what stands for an e-mail address; no number is so large.
const ADDRESS: u64 = 1 << 63;

/// Makes what columns hold. Clones share one key schedule.
#[derive(Clone)]
pub(super) struct LookUps(Arc<Blowfish>);

/// A claim as its columns keep it.
#[derive(Clone, Debug)]
pub(super) struct KeyedClaim {
    pub(super) account: Name,
    pub(super) form: i64,
}

impl LookUps {
    /// Of a key that is the store's for good, and on all replicas.
    ///
    /// # Panics
    /// Never: the cipher takes keys of 4 to 56 bytes.
    #[must_use]
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let cipher = Blowfish::new_from_slice(key).expect("32 bytes are a key of the cipher");
        Self(Arc::new(cipher))
    }

    /// What a number or an address is found by. Several addresses may have the same.
    pub(super) fn recipient(&self, to: &Recipient) -> i64 {
        self.keyed(match to {
            Recipient::Phone(digits) => digits.as_u64(),
            Recipient::Email(address) => {
                let digest = Sha256::digest(address.as_str());
                let mut bytes = [0; 8];
                bytes.copy_from_slice(&digest[..8]);
                u64::from_be_bytes(bytes) | ADDRESS
            }
        })
    }

    pub(super) fn claim(&self, claim: Claim) -> KeyedClaim {
        KeyedClaim { form: self.keyed(claim.form.as_u64()), account: claim.account }
    }

    pub(super) fn claims(&self, claims: Vec<Claim>) -> Vec<KeyedClaim> {
        claims.into_iter().map(|claim| self.claim(claim)).collect()
    }

    /// What was claimed.
    pub(super) fn opened(&self, claims: Vec<KeyedClaim>) -> Vec<Claim> {
        let opened = |claim: KeyedClaim| {
            let mut block = claim.form.to_be_bytes().into();
            self.0.decrypt_block(&mut block);
            let form = WrittenForm::from_u64(u64::from_be_bytes(block.into()));
            Claim { account: claim.account, form }
        };
        claims.into_iter().map(opened).collect()
    }

    fn keyed(&self, number: u64) -> i64 {
        let mut block = number.to_be_bytes().into();
        self.0.encrypt_block(&mut block);
        i64::from_be_bytes(block.into())
    }
}

impl fmt::Debug for LookUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookUps")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{EmailAddress, PhoneNumber};

    fn claim(form: u64) -> Claim {
        Claim { account: Name::parse("main").unwrap(), form: WrittenForm::from_u64(form) }
    }

    fn address(text: &str) -> Recipient {
        Recipient::Email(EmailAddress::parse(text).unwrap())
    }

    proptest! {
        #[test]
        fn what_is_claimed_is_read_back_with_the_key_and_not_without(form: u64, other: u64) {
            let keys = [LookUps::new(&[7; 32]), LookUps::new(&[8; 32])];
            let [kept, elsewhere] = keys.each_ref().map(|keys| keys.claim(claim(form)));
            prop_assert_eq!(kept.account.as_str(), "main");
            prop_assert_ne!(kept.form, elsewhere.form);
            prop_assert_eq!(keys[0].opened(vec![kept.clone()]), [claim(form)]);
            prop_assert_ne!(keys[1].opened(vec![kept.clone()]), [claim(form)]);
            let same = keys[0].claim(claim(other)).form == kept.form;
            prop_assert_eq!(same, other == form);
        }

        #[test]
        fn a_number_is_found_by_nothing_that_an_address_is(number in 0..10_u64.pow(15)) {
            let keys = LookUps::new(&[7; 32]);
            let found_by = keys.recipient(&PhoneNumber::from_u64(number).into());
            prop_assert_ne!(found_by.cast_unsigned(), number);
            let opened = keys.opened(vec![KeyedClaim { form: found_by, ..keys.claim(claim(0)) }]);
            prop_assert_eq!(opened[0].form.as_u64(), number);
            let of_address = keys.recipient(&address(&format!("n{number}@example.com")));
            let opened = keys.opened(vec![KeyedClaim { form: of_address, ..keys.claim(claim(0)) }]);
            prop_assert!(opened[0].form.as_u64() >= ADDRESS);
        }
    }

    #[test]
    fn addresses_are_told_apart_and_the_key_is_not_shown() {
        let keys = LookUps::new(&[7; 32]);
        let [ann, bob] = ["ann@example.com", "bob@example.com"].map(address);
        assert_eq!(keys.recipient(&ann), keys.clone().recipient(&ann));
        assert_ne!(keys.recipient(&ann), keys.recipient(&bob));
        assert_ne!(keys.recipient(&ann), LookUps::new(&[8; 32]).recipient(&ann));
        assert_eq!(format!("{keys:?}"), "LookUps");
    }
}
