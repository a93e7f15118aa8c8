//! Codes by the store's key: derived on demand, never stored, so that a resend or
//! another replica tells the same one; and the app's own, sealed.

use crate::domain::{Code, Secret, VerificationId};
use crate::store::StoreKey;

impl StoreKey {
    /// The code of a verification: `length` digits, each code as likely as any
    /// other, the first digit not 0.
    #[must_use]
    pub fn code(&self, id: VerificationId, generation: u8, seed: &[u8; 16], length: u8) -> Code {
        let length = length.clamp(Code::SHORTEST, Code::LONGEST);
        let first = 10_u64.pow(u32::from(length) - 1);
        let count = 9 * first;
        // What is left over beyond the last whole multiple would make some codes likelier.
        let fair = u64::MAX - u64::MAX % count;
        let mut message = [0; 16 + 16 + 1 + 4];
        message[..16].copy_from_slice(id.as_bytes());
        message[16..32].copy_from_slice(seed);
        message[32] = generation;
        for draw in 0_u32.. {
            message[33..].copy_from_slice(&draw.to_be_bytes());
            let digest = self.mac("code", &message);
            for chunk in digest.chunks_exact(8) {
                let number = chunk.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
                if number < fair {
                    let text = (first + number % count).to_string();
                    return Code::parse(&text)
                        .expect("first and count make length digits without a leading 0");
                }
            }
        }
        unreachable!("a draw is unfair once in more than a thousand million times")
    }

    /// Seals the app's own code for one verification.
    #[must_use]
    pub fn seal_code(&self, id: VerificationId, code: &Code) -> Box<[u8]> {
        self.seal("sealed codes", id.as_bytes(), code.expose())
    }

    /// Opens what [`seal_code`](Self::seal_code) sealed for the same verification.
    #[must_use]
    pub fn open_code(&self, id: VerificationId, sealed: &[u8]) -> Option<Code> {
        Code::parse(self.open("sealed codes", id.as_bytes(), sealed)?.expose()).ok()
    }

    /// Seals what somebody typed for one verification.
    #[must_use]
    pub fn seal_typed(&self, id: VerificationId, typed: &Secret) -> Box<[u8]> {
        self.seal("typed codes", id.as_bytes(), typed.expose())
    }

    /// Opens what [`seal_typed`](Self::seal_typed) sealed for the same verification.
    #[must_use]
    pub fn open_typed(&self, id: VerificationId, sealed: &[u8]) -> Option<Secret> {
        self.open("typed codes", id.as_bytes(), sealed)
    }

    /// Whether what was typed is the code; in constant time.
    #[must_use]
    pub fn is_code(code: &Code, typed: &Secret) -> bool {
        use subtle::ConstantTimeEq;
        code.expose().as_bytes().ct_eq(typed.expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> VerificationId {
        VerificationId::from_bytes([n; 16])
    }

    #[test]
    fn a_code_is_the_same_at_each_asking_and_another_for_all_else() {
        let key = StoreKey::new([7; 32]);
        let code = |id, generation, seed| key.code(id, generation, &[seed; 16], 10);
        assert_eq!(code(id(1), 0, 1), code(id(1), 0, 1));
        for other in [code(id(2), 0, 1), code(id(1), 1, 1), code(id(1), 0, 2)] {
            assert_ne!(code(id(1), 0, 1), other);
        }
        assert_ne!(StoreKey::new([8; 32]).code(id(1), 0, &[1; 16], 10), code(id(1), 0, 1));
    }

    #[test]
    fn every_length_is_kept_and_no_digit_is_preferred() {
        let key = StoreKey::new([7; 32]);
        for length in 4..=10 {
            assert_eq!(key.code(id(1), 0, &[0; 16], length).expose().len(), usize::from(length));
        }
        let mut counts = [0_u32; 10];
        for round in 0..9_000_u32 {
            let mut seed = [0; 16];
            seed[..4].copy_from_slice(&round.to_be_bytes());
            counts[usize::from(key.code(id(1), 0, &seed, 6).expose().as_bytes()[0] - b'0')] += 1;
        }
        assert_eq!(counts[0], 0);
        // Five standard deviations around a thousand.
        assert!(counts[1..].iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_sealed_code_opens_for_its_verification_and_key_only() {
        let (key, code) = (StoreKey::new([7; 32]), Code::parse("4829105736").unwrap());
        let sealed = key.seal_code(id(1), &code);
        assert_eq!(key.open_code(id(1), &sealed), Some(code.clone()));
        assert_eq!(key.open_code(id(2), &sealed), None);
        assert_eq!(StoreKey::new([8; 32]).open_code(id(1), &sealed), None);
        assert_eq!(key.open_code(id(1), &sealed[1..]), None);
        assert_eq!(key.open_code(id(1), b""), None);
        assert!(!sealed.windows(10).any(|part| part == b"4829105736"));
    }

    #[test]
    fn only_the_whole_code_is_the_code() {
        let code = Code::parse("4829105736").unwrap();
        assert!(StoreKey::is_code(&code, &Secret::new("4829105736")));
        for typed in ["", "482910573", "48291057360", "4829105737"] {
            assert!(!StoreKey::is_code(&code, &Secret::new(typed)));
        }
    }
}
