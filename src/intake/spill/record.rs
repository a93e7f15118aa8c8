//! A notification as bytes in a spill file, and a file's bytes as notifications.
//!
//! Each record begins with a mark, its length and a checksum, so that a damaged
//! one costs itself only: the next is found by its mark.

use std::net::IpAddr;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::intake::{MAX_BODY, Received};
use crate::service::AccountIndex;

/// What a record begins with. The last byte is the format's number.
const MARK: [u8; 4] = *b"RPS1";
/// Mark, length, checksum.
const HEAD: usize = 4 + 4 + 8;
/// The longest record without its head: a body and what headers a listener takes.
const LONGEST: usize = MAX_BODY + 128 * 1024;

/// A notification that authenticated, as kept and read back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The account's name, since its index may change with the configuration.
    pub account: String,
    /// Nanoseconds since 1970.
    received_at: i64,
    source: IpAddr,
    content_type: Option<String>,
    signature: Option<Vec<u8>>,
    body: Vec<u8>,
}

/// What a file's bytes hold.
#[derive(Default)]
pub struct Contents {
    /// The records that can be read, in the order of receipt.
    pub records: Vec<Record>,
    /// The bytes that cannot, first to last.
    pub damaged: Vec<Range<usize>>,
    /// Whether the last of them is the beginning of a record, as a process leaves
    /// behind that was killed while it wrote.
    pub ends_torn: bool,
}

impl Record {
    /// What must be kept of a notification.
    pub fn of(received: &Received, account: &str) -> Self {
        let at = received.at.as_nanosecond();
        Self {
            account: account.to_owned(),
            received_at: i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX }),
            source: received.source,
            content_type: received.content_type.as_deref().map(str::to_owned),
            signature: received.signature.as_deref().map(<[u8]>::to_vec),
            body: received.body.to_vec(),
        }
    }

    /// The notification, for the account at `index`.
    pub fn into_received(self, index: AccountIndex) -> Received {
        let at = Timestamp::from_nanosecond(i128::from(self.received_at));
        Received {
            account: index,
            source: self.source,
            content_type: self.content_type.map(Into::into),
            signature: self.signature.map(Into::into),
            body: self.body.into(),
            // Every i64 of nanoseconds is a time of this era.
            at: at.unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// Its bytes; `None` if it is longer than any notification.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let payload = postcard::to_stdvec(self).ok()?;
        let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= LONGEST)?;
        let mut bytes = Vec::with_capacity(HEAD + payload.len());
        bytes.extend(MARK);
        bytes.extend(length.to_le_bytes());
        bytes.extend(checksum(&payload));
        bytes.extend(payload);
        Some(bytes)
    }
}

/// Reads all that can be read.
pub fn read_all(bytes: &[u8]) -> Contents {
    let mut contents = Contents::default();
    let (mut at, mut damaged_from) = (0, None);
    while at < bytes.len() {
        match read_one(&bytes[at..]) {
            Ok((record, length)) => {
                contents.damaged.extend(damaged_from.take().map(|from| from..at));
                contents.records.push(record);
                at += length;
            }
            Err(_) => {
                damaged_from.get_or_insert(at);
                at += 1;
            }
        }
    }
    if let Some(from) = damaged_from {
        contents.ends_torn = matches!(read_one(&bytes[from..]), Err(Wrong::Short));
        contents.damaged.push(from..bytes.len());
    }
    contents
}

/// Why bytes are no record.
#[derive(PartialEq, Eq)]
enum Wrong {
    /// They end before it does.
    Short,
    /// Nobody here wrote them.
    Damaged,
}

fn read_one(bytes: &[u8]) -> Result<(Record, usize), Wrong> {
    if !bytes.starts_with(&MARK[..bytes.len().min(MARK.len())]) {
        return Err(Wrong::Damaged);
    }
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or(Wrong::Short)?;
    let length: [u8; 4] = head[4..8].try_into().map_err(|_| Wrong::Damaged)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| Wrong::Damaged)?;
    if length > LONGEST {
        return Err(Wrong::Damaged);
    }
    let payload = rest.get(..length).ok_or(Wrong::Short)?;
    if checksum(payload) != head[8..] {
        return Err(Wrong::Damaged);
    }
    let record = postcard::from_bytes(payload).map_err(|_| Wrong::Damaged)?;
    Ok((record, HEAD + length))
}

fn checksum(payload: &[u8]) -> [u8; 8] {
    let digest = Sha256::digest(payload);
    let mut short = [0; 8];
    short.copy_from_slice(&digest[..8]);
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(body: &[u8]) -> Record {
        Record {
            account: "main".to_owned(),
            received_at: 1_700_000_000_000_000_000,
            source: IpAddr::from([185, 45, 152, 41]),
            content_type: None,
            signature: Some(b"signature".to_vec()),
            body: body.to_vec(),
        }
    }

    fn three() -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for body in [&b"first"[..], b"", b"RPS1 in a body"] {
            bytes.extend(record(body).encode().unwrap());
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let contents = read_all(&three().0);
        let bodies: Vec<&[u8]> = contents.records.iter().map(|one| &one.body[..]).collect();
        assert_eq!(bodies, [&b"first"[..], b"", b"RPS1 in a body"]);
        assert!(contents.damaged.is_empty());
        assert!(read_all(b"").records.is_empty());
    }

    #[test]
    fn a_file_cut_anywhere_keeps_every_record_before_the_cut() {
        let (bytes, ends) = three();
        for cut in 0..bytes.len() {
            let contents = read_all(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(contents.records.len(), whole, "cut at {cut}");
            let between = cut != 0 && !ends.contains(&cut);
            assert_eq!(contents.ends_torn, between, "cut at {cut}");
            assert_eq!(contents.damaged.len(), usize::from(between), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_byte_costs_one_record_at_most(at in 0_usize..10_000, wrong in 1_u8..=255) {
            let (mut bytes, ends) = three();
            let at = at % bytes.len();
            bytes[at] ^= wrong;
            let contents = read_all(&bytes);
            prop_assert_eq!(contents.records.len(), ends.len() - 1);
            prop_assert_eq!(contents.damaged.len(), 1);
            prop_assert!(contents.damaged[0].contains(&at));
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let contents = read_all(&bytes);
            let damaged: usize = contents.damaged.iter().map(ExactSizeIterator::len).sum();
            prop_assert!(damaged <= bytes.len());
        }
    }
}
