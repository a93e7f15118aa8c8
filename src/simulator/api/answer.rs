//! An answer of the API, with the headers that every answer has.

use std::convert::Infallible;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::simulator::Connection;
use crate::simulator::limits::Passage;

/// Opens when it is dropped.
pub(super) type Gate = oneshot::Sender<()>;

/// What the API says.
pub(super) enum Answer {
    /// The envelope, and what begins once it has been handed to the connection.
    Json { status: u16, body: Value, gate: Option<Gate> },
    /// A web server's page instead of the API's answer.
    Html { status: u16 },
    /// Nothing: the connection is closed.
    Dropped,
}

impl Answer {
    /// `status: success` and these fields.
    pub fn success(mut fields: Value) -> Self {
        if let Value::Object(fields) = &mut fields {
            fields.insert("status".to_owned(), json!("success"));
        }
        Self::Json { status: 200, body: fields, gate: None }
    }

    /// `status: error` and a message, with HTTP 200 as most methods do.
    pub fn error(message: impl Into<String>) -> Self {
        let body = json!({ "status": "error", "message": message.into() });
        Self::Json { status: 200, body, gate: None }
    }

    pub fn unauthorized() -> Self {
        Self::error("Not authorized").with_status(401)
    }

    pub fn rate_limited_429() -> Self {
        Self::error("You exceeded the rate limit").with_status(429)
    }

    pub fn rate_limited_200() -> Self {
        Self::error("You exceeded the rate limit by User Limits")
    }

    pub fn with_status(self, status: u16) -> Self {
        match self {
            Self::Json { body, gate, .. } => Self::Json { status, body, gate },
            Self::Html { .. } => Self::Html { status },
            Self::Dropped => Self::Dropped,
        }
    }

    /// Lets something begin once this answer has been handed to the connection.
    pub fn then(self, opens: Gate) -> Self {
        match self {
            Self::Json { status, body, .. } => Self::Json { status, body, gate: Some(opens) },
            other => other,
        }
    }

    /// The HTTP status; 0 if the connection is dropped.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Json { status, .. } | Self::Html { status } => *status,
            Self::Dropped => 0,
        }
    }

    pub fn into_response(
        self,
        request: &HttpRequest,
        path: &str,
        passage: Option<Passage>,
    ) -> HttpResponse {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        response.insert_header(("X-Zadarma-Method", path));
        if let Some(passage) = passage {
            response
                .insert_header(("X-RateLimit-Limit", passage.limit.to_string()))
                .insert_header(("X-RateLimit-Remaining", passage.remaining.to_string()))
                .insert_header(("X-RateLimit-Reset", passage.resets_at.to_string()));
        }
        match self {
            Self::Json { body, gate, .. } => response
                .content_type("application/json")
                .body(Gated { bytes: Some(body.to_string().into()), _gate: gate }),
            Self::Html { .. } => {
                response.content_type("text/html").body("<html><h1>nginx</h1></html>")
            }
            Self::Dropped => {
                if let Some(Connection(socket)) = request.conn_data() {
                    // It may be closed already, which is what is wanted.
                    let _ = socket.shutdown(Shutdown::Both);
                }
                response.finish()
            }
        }
    }
}

/// A body that opens its gate when it is dropped: after it was written, or with the connection.
struct Gated {
    bytes: Option<actix_web::web::Bytes>,
    _gate: Option<Gate>,
}

impl MessageBody for Gated {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.as_ref().map_or(0, actix_web::web::Bytes::len) as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<actix_web::web::Bytes, Infallible>>> {
        Poll::Ready(self.bytes.take().map(Ok))
    }
}
