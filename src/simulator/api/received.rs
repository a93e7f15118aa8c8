//! A request as the API reads it: decoded fields, and whether they are signed.

use actix_web::HttpRequest;
use actix_web::web::Bytes;
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use crate::zadarma::{Secret, form, sign};

/// Text fields that came with a file.
type Parts = (Vec<(String, String)>, Option<Bytes>);

/// A decoded request.
pub(super) struct Received {
    pub at: Timestamp,
    pub method: String,
    /// Byte for byte as requested, since it is signed.
    pub path: String,
    /// Text parameters in wire order: those of the address, then those of the body.
    pub fields: Vec<(String, String)>,
    /// The file part of an upload. Not signed.
    pub file: Option<Bytes>,
    authorization: String,
}

impl Received {
    pub async fn read(
        request: &HttpRequest,
        body: Bytes,
        at: Timestamp,
    ) -> Result<Self, &'static str> {
        let mut fields = decode(request.query_string().as_bytes())?;
        let header = |name: &str| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let mut file = None;
        match multer::parse_boundary(header("Content-Type")) {
            Ok(boundary) => {
                let (texts, found) = parts(body, boundary).await?;
                fields.extend(texts);
                file = found;
            }
            Err(_) => fields.extend(decode(&body)?),
        }
        Ok(Self {
            at,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            fields,
            file,
            authorization: header("Authorization").to_owned(),
        })
    }

    /// A parameter's value, if it is there and not empty.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub fn is_statistics(&self) -> bool {
        self.path.starts_with("/v1/statistics/")
    }

    /// Compares the header with the one for the text rebuilt from the decoded fields.
    pub fn is_signed(&self, key: &str, secret: &Secret) -> bool {
        let query = form::rebuild(&self.fields);
        let expected = sign::authorization(key, secret, &self.path, &query);
        expected.as_bytes().ct_eq(self.authorization.as_bytes()).into()
    }
}

fn decode(encoded: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
    form::decode(encoded)
        .map(|field| field.map(|(name, value)| (name.into_owned(), value.into_owned())))
        .collect::<Result<_, _>>()
        .map_err(|form::NotUtf8| "Wrong encoding")
}

async fn parts(body: Bytes, boundary: String) -> Result<Parts, &'static str> {
    const UNREADABLE: &str = "Wrong multipart body";
    let stream = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut multipart = multer::Multipart::new(stream, boundary);
    let (mut fields, mut file) = (Vec::new(), None);
    while let Some(part) = multipart.next_field().await.map_err(|_| UNREADABLE)? {
        let name = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_some() {
            file = Some(part.bytes().await.map_err(|_| UNREADABLE)?);
        } else {
            fields.push((name, part.text().await.map_err(|_| UNREADABLE)?));
        }
    }
    Ok((fields, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(fields: &[(&str, &str)], authorization: &str) -> Received {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Received {
            at: Timestamp::UNIX_EPOCH,
            method: "POST".to_owned(),
            path: "/v1/verify/check/".to_owned(),
            fields: fields.iter().map(owned).collect(),
            file: None,
            authorization: authorization.to_owned(),
        }
    }

    #[test]
    fn the_signature_holds_in_any_order_and_for_nothing_else() {
        // The vector `integer_and_bool`.
        let header = "test_key:NWE3MjY0ZGM4Yzk4Yjk4NGY5ZDI5MjI5ZjQ4ZGZkZTBiMmQ0ODRhNw==";
        let fields = [("request_id", "abc"), ("code", "4729"), ("flag", "1"), ("format", "json")];
        let mut reversed = fields;
        reversed.reverse();
        let secret = Secret::new("test_secret");
        assert!(received(&fields, header).is_signed("test_key", &secret));
        assert!(received(&reversed, header).is_signed("test_key", &secret));
        assert!(!received(&fields[1..], header).is_signed("test_key", &secret));
        assert!(!received(&fields, header).is_signed("other_key", &secret));
        assert!(!received(&fields, header).is_signed("test_key", &Secret::new("other")));
        assert!(!received(&fields, &header.replace(':', ": ")).is_signed("test_key", &secret));
        assert!(!received(&fields, "").is_signed("test_key", &secret));
    }
}
