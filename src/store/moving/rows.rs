//! Rows on their way, in PostgreSQL's binary format of `COPY`: what is sent is also what is
//! hashed, so both sides are compared by the same bytes.

use sha2::{Digest, Sha256};

use super::Kind;

/// What begins a stream of rows: its signature, no flags, no extension.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What ends it.
const TRAILER: [u8; 2] = [0xff; 2];
/// A batch with so many bytes is full, 4 MiB.
const FULL: usize = 4 << 20;

/// Rows that are written in one transaction.
pub(in crate::store) struct Batch {
    rows: u32,
    bytes: Vec<u8>,
}

/// One value of a row.
pub(in crate::store) enum Value<'v> {
    Null,
    Int(i64),
    /// Text in UTF-8, which the source may break.
    Text(&'v [u8]),
    Bytes(&'v [u8]),
}

/// A column of the last key that is in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum KeyPart {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Sum {
    pub(in crate::store) rows: u64,
    /// SHA-256 of the whole stream of its rows, in the order of their keys.
    pub(in crate::store) digest: [u8; 32],
}

/// A [`Sum`] in the making.
pub(in crate::store) struct Summing {
    rows: u64,
    hash: Sha256,
}

impl Batch {
    pub(in crate::store) fn new() -> Self {
        Self { rows: 0, bytes: HEADER.to_vec() }
    }

    pub(in crate::store) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(in crate::store) fn is_full(&self, rows: u32) -> bool {
        self.rows >= rows.max(1) || self.bytes.len() >= FULL
    }

    /// Begins a row of so many columns, each of which is then given.
    pub(in crate::store) fn begin_row(&mut self, columns: usize) {
        self.rows += 1;
        let columns = i16::try_from(columns).unwrap_or(i16::MAX);
        self.bytes.extend_from_slice(&columns.to_be_bytes());
    }

    /// Gives the next value of the row.
    ///
    /// # Errors
    /// What is wrong with it, if the column of the target cannot hold it.
    pub(in crate::store) fn push(
        &mut self,
        kind: Kind,
        value: Value<'_>,
    ) -> Result<(), &'static str> {
        const RANGE: &str = "it is out of range";
        match (kind, value) {
            (_, Value::Null) => self.bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
            (Kind::Int2, Value::Int(number)) => {
                self.field(&i16::try_from(number).map_err(|_| RANGE)?.to_be_bytes())?;
            }
            (Kind::Int4, Value::Int(number)) => {
                self.field(&i32::try_from(number).map_err(|_| RANGE)?.to_be_bytes())?;
            }
            (Kind::Int8, Value::Int(number)) => self.field(&number.to_be_bytes())?,
            (Kind::Flag, Value::Int(number)) => self.field(&[u8::from(number != 0)])?,
            (Kind::Id, Value::Bytes(id)) if id.len() == 16 => self.field(id)?,
            (Kind::Text, Value::Text(text)) => {
                let text = std::str::from_utf8(text).map_err(|_| "it is no text")?;
                // No column of text takes the character of number 0.
                self.field(text.replace('\0', "\u{fffd}").as_bytes())?;
            }
            (Kind::TextAsBytes, Value::Text(text)) => self.field(text)?,
            (Kind::Bytes, Value::Bytes(bytes)) => self.field(bytes)?,
            _ => return Err("it is of another type than it was written with"),
        }
        Ok(())
    }

    fn field(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let length = i32::try_from(bytes.len()).map_err(|_| "it is too long")?;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The whole stream.
    pub(in crate::store) fn into_stream(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&TRAILER);
        self.bytes
    }
}

impl Summing {
    /// Of no row yet.
    pub(in crate::store) fn new() -> Self {
        Self { rows: 0, hash: Sha256::new_with_prefix(HEADER) }
    }

    /// Adds the rows that follow.
    pub(in crate::store) fn add(&mut self, batch: &Batch) {
        self.rows += u64::from(batch.rows);
        self.hash.update(&batch.bytes[HEADER.len()..]);
    }

    pub(in crate::store) fn end(mut self) -> Sum {
        self.hash.update(TRAILER);
        Sum { rows: self.rows, digest: self.hash.finalize().into() }
    }
}
