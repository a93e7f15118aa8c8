//! Decoding a notification's body, in either content type.

use futures_util::stream;

use crate::zadarma::notification::{self, Decoded, MAX_FIELDS};

use super::Received;

/// Why a body cannot be read in one way.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// Its fields are at fault.
    #[error(transparent)]
    Fields(#[from] notification::Malformed),
    /// Its multipart frame is at fault.
    #[error("the multipart body cannot be read: {0}")]
    Multipart(#[from] multer::Error),
}

/// Reads the fields once, borrowing from the body where that is possible.
pub(super) async fn decode(received: &Received) -> Result<Decoded<'_>, Malformed> {
    let multipart = |content_type: &str| {
        content_type.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
    };
    match received.content_type.as_deref() {
        Some(content_type) if multipart(content_type) => {
            // In a box, so that the many others need not carry its room.
            let pairs = Box::pin(read_multipart(content_type, received.body.clone())).await?;
            Ok(Decoded::from_pairs(pairs)?)
        }
        _ => Ok(Decoded::from_urlencoded(&received.body)?),
    }
}

async fn read_multipart(
    content_type: &str,
    body: Box<[u8]>,
) -> Result<Vec<(String, String)>, Malformed> {
    let boundary = multer::parse_boundary(content_type)?;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(Vec::from(body))]);
    let mut multipart = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    while let Some(field) = multipart.next_field().await? {
        if pairs.len() > MAX_FIELDS {
            break;
        }
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.bytes().await?;
        let value = std::str::from_utf8(&value).map_err(|_| notification::Malformed::NotUtf8)?;
        pairs.push((name, value.to_owned()));
    }
    Ok(pairs)
}
