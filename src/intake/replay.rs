//! A journaled notification once more through the pipeline: what would be made of it now.
//!
//! A replay decodes, authenticates, interprets, correlates and judges as an arrival does,
//! and is journaled with its verdict, marked as a replay. It changes no verification: who
//! may replay must not be able to confirm anything by it, and nothing here calls what
//! stores a new version.

use crate::domain::VerificationId;
use crate::service::{AccountIndex, Actor, Administered, Facts, ShowRefusal};
use crate::store::{Journaled, Notification, StoreError};
use crate::zadarma::notification::{Authentic, Notification as Interpreted};

use super::{Context, Intake, Received, Verdict, body, decide, rules};

/// Why nothing is replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayRefusal {
    /// The journal has no notification at this place.
    #[error("there is no such notification")]
    NotFound,
    /// Its content was not kept: it matched no attempt, or said nothing of one.
    #[error("the notification's content was not kept")]
    NotKept,
    /// Its account is not in the configuration any more.
    #[error("the account of the notification is not in the configuration any more")]
    AccountRemoved,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Intake {
    /// Judges the notification at a place of the journal as if it had arrived again, with
    /// what is known now but by when it was received; what was journaled of that.
    ///
    /// # Errors
    /// See [`ReplayRefusal`]. Nothing is journaled then.
    pub async fn replay(&self, sequence: i64, by: &Actor) -> Result<Journaled, ReplayRefusal> {
        let found = self.service.show_notification(sequence).await?;
        let Journaled { notification, .. } = found.ok_or(ReplayRefusal::NotFound)?;
        let index = self.policies.iter().position(|policy| policy.account == notification.account);
        let index = index.ok_or(ReplayRefusal::AccountRemoved)?;
        let received = received(&notification, index).ok_or(ReplayRefusal::NotKept)?;
        let (policy, account) = (&self.policies[index], &self.service.accounts()[index]);
        let facts = account.facts();
        let (verdict, verification) = self.judge_replay(&received, index, &facts).await?;
        let evidence = policy.evidence(0);
        let context = Context { policy, facts: &facts, evidence, received: &received };
        let mut row = context.row(&notification.event, verdict);
        row.received_at = self.service.clock().now();
        row.verification = verification;
        row.number_hash = notification.number_hash;
        row.masked = notification.masked;
        if verification.is_some() {
            row.body = Some(received.body.clone());
            row.signature.clone_from(&received.signature);
        }
        let done = Administered {
            action: "notification.replayed",
            subject: sequence.to_string(),
            before: None,
            after: Some(serde_json::json!({ "verdict": verdict.as_str() })),
        };
        self.service.audit(by, done).await?;
        let journaled = self.service.journal_replay(row, sequence).await?;
        tracing::info!(
            notification.sequence = sequence,
            verdict = verdict.as_str(),
            "notification {sequence} was replayed: {}",
            verdict.as_str(),
        );
        journaled.ok_or(ReplayRefusal::NotFound)
    }

    async fn judge_replay(
        &self,
        received: &Received,
        index: usize,
        facts: &Facts,
    ) -> Result<(Verdict, Option<VerificationId>), StoreError> {
        let policy = &self.policies[index];
        let Ok(decoded) = body::decode(received).await else {
            return Ok((Verdict::Malformed, None));
        };
        let signature = received.signature.as_deref();
        let Ok(authentic) = decoded.authenticate(signature, &policy.secrets) else {
            return Ok((Verdict::BadSignature, None));
        };
        let evidence = policy.evidence(authentic.secret_index());
        let context = Context { policy, facts, evidence, received };
        self.judge_without_effect(&authentic, &context).await
    }

    /// As `judge`, up to the event, which is dropped.
    async fn judge_without_effect(
        &self,
        authentic: &Authentic<'_>,
        context: &Context<'_>,
    ) -> Result<(Verdict, Option<VerificationId>), StoreError> {
        let call = match authentic.interpret() {
            Interpreted::Call(call) => call,
            Interpreted::Other { .. } => return Ok((Verdict::UnknownEvent, None)),
        };
        let case = self.case(&call, context).await?;
        match (rules::judge_form(&case), case.found.exact()) {
            (None, Some(id)) => match self.service.show_any(id).await {
                Ok(verification) => Ok((decide(&verification, &case, context).0, Some(id))),
                Err(ShowRefusal::NotFound) => Ok((Verdict::NoMatch, None)),
                Err(ShowRefusal::Store(error)) => Err(error),
            },
            (verdict, _) => Ok((verdict.unwrap_or(Verdict::NoMatch), None)),
        }
    }
}

/// The notification as it arrived, as far as the journal keeps it. Its sender's address had
/// been checked by then.
fn received(notification: &Notification, index: usize) -> Option<Received> {
    let body = notification.body.clone()?;
    Some(Received {
        account: AccountIndex(u16::try_from(index).ok()?),
        source: std::net::Ipv4Addr::UNSPECIFIED.into(),
        content_type: content_type(&body),
        signature: notification.signature.clone(),
        body,
        at: notification.received_at,
    })
}

/// What the body was declared as, which the journal does not keep: a multipart body begins
/// with its own boundary, and a form never with two dashes.
fn content_type(body: &[u8]) -> Option<Box<str>> {
    let line = body.strip_prefix(b"--")?.split(|byte| *byte == b'\r').next()?;
    let boundary = std::str::from_utf8(line).ok()?;
    Some(format!("multipart/form-data; boundary=\"{boundary}\"").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_kinds_of_bodies_are_read_again_as_they_were() {
        let multipart = "--xY1\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\nNOTIFY_END\r\n--xY1--\r\n";
        for body in ["event=NOTIFY_END", multipart] {
            let received = Received {
                account: AccountIndex(0),
                source: std::net::Ipv4Addr::LOCALHOST.into(),
                content_type: content_type(body.as_bytes()),
                signature: None,
                body: body.as_bytes().into(),
                at: jiff::Timestamp::UNIX_EPOCH,
            };
            let decoded = body::decode(&received).await.unwrap();
            assert_eq!(decoded.field("event"), Some("NOTIFY_END"), "{body}");
        }
    }
}
