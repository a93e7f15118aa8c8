//! A multipart body with a file: read as it comes, up to a limit.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use futures_util::stream;

use super::body::{Unread, read_body_within};
use crate::http::error::Code;
use crate::http::problem::Problem;
use crate::service::MAX_SOUND_BYTES;

/// Bytes for the text fields and the frame around them.
const FRAME: usize = 64 * 1024;
/// How long an upload may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(120);
/// The most fields.
const MOST_FIELDS: usize = 8;

/// What a multipart body held.
#[derive(Default)]
pub struct Upload {
    /// The text fields, none twice.
    pub fields: Vec<(String, String)>,
    /// The file.
    pub file: Vec<u8>,
}

impl Upload {
    /// Takes a text field out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.fields.iter().position(|(known, _)| known == name)?;
        Some(self.fields.swap_remove(at).1)
    }

    /// Nothing that nobody has taken.
    ///
    /// # Errors
    /// Names a field that is not `known`.
    pub fn nothing_else(&self, known: &'static [&'static str]) -> Result<(), Problem> {
        let Some((name, _)) = self.fields.first() else { return Ok(()) };
        let detail = format!("There is no field {name:?}; there are: {}.", known.join(", "));
        Err(Problem::field(Code::UnknownField, name, detail).with("known", known))
    }
}

/// Reads a body with the field `file` and perhaps text fields.
///
/// # Errors
/// When it is no such body, too large or too slow.
pub async fn upload(request: &HttpRequest, payload: &mut Payload) -> Result<Upload, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|_| {
        let detail =
            "Send the file as \"Content-Type: multipart/form-data\", in the field \"file\".";
        Problem::new(Code::UnsupportedMediaType, detail)
    })?;
    let limit = MAX_SOUND_BYTES + FRAME;
    let body = read_body_within(request, payload, limit, ARRIVES_WITHIN).await.map_err(unread)?;
    parts(body, boundary).await
}

async fn parts(body: Vec<u8>, boundary: String) -> Result<Upload, Problem> {
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut multipart = multer::Multipart::new(whole, boundary);
    let (mut upload, mut has_file) = (Upload::default(), false);
    while let Some(part) = multipart.next_field().await.map_err(|error| broken(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| broken(&error))?;
        let is_twice =
            upload.fields.iter().any(|(known, _)| *known == name) || (has_file && name == "file");
        if is_twice || upload.fields.len() == MOST_FIELDS {
            let detail = format!("The field {name:?} is there twice, or there are too many.");
            return Err(Problem::field(Code::InvalidField, &name, detail));
        }
        if name == "file" {
            (upload.file, has_file) = (bytes.to_vec(), true);
        } else {
            let text = std::str::from_utf8(&bytes).map_err(|_| {
                let detail = format!("The field {name:?} is not UTF-8.");
                Problem::field(Code::InvalidField, &name, detail)
            })?;
            upload.fields.push((name, text.to_owned()));
        }
    }
    if has_file {
        return Ok(upload);
    }
    let detail = "The field \"file\" is required: the sound itself.";
    Err(Problem::field(Code::MissingField, "file", detail))
}

fn broken(error: &multer::Error) -> Problem {
    Problem::new(Code::InvalidMultipart, format!("The multipart body cannot be read: {error}."))
}

fn unread(why: Unread) -> Problem {
    match why {
        Unread::TooLarge => {
            let detail = format!(
                "A sound may have {} MiB: send it as MP3 or FLAC, or shorten it.",
                MAX_SOUND_BYTES / (1024 * 1024)
            );
            Problem::new(Code::BodyTooLarge, detail).with("limit", MAX_SOUND_BYTES)
        }
        Unread::TooSlow => {
            let seconds = ARRIVES_WITHIN.as_secs();
            let detail = format!("A sound may take {seconds} seconds to arrive.");
            Problem::new(Code::RequestTimeout, detail).with("limit", seconds)
        }
        Unread::Broken => Problem::new(Code::InvalidMultipart, "The body ended before its end."),
    }
}
