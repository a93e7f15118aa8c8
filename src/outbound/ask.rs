//! The question before a call: may this person be called, and how?
//!
//! Asked once, with a signature and under the same rules of reach as a delivery. Whatever
//! is not an answer in time counts as none, and the configuration says what that means.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::{Channel, Name, Recipient};

use super::client::{Message, read};
use super::payload::instant;
use super::{Outbound, PreSend, new_uuid};

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 16 * 1024;
/// The longest reason that is passed on, in characters.
const LONGEST_REASON: usize = 200;
/// The type of the question.
const KIND: &str = "verification.pre_send";

/// What an app is asked: the start as it was admitted.
pub struct Question<'a> {
    /// Who is to be reached.
    pub to: &'a Recipient,
    /// How, by the step that begins.
    pub channel: Channel,
    /// Every step's channel, in order.
    pub plan: Vec<Channel>,
    /// The prompt of that step, unless the start gave sounds.
    pub prompt: Option<&'a Name>,
    /// The language of that step.
    pub language: Option<&'a Name>,
    /// The template of that step, if it is an SMS.
    pub template: Option<&'a str>,
    /// The app's own reference.
    pub reference: Option<&'a str>,
    /// The app's own data, JSON text.
    pub metadata: Option<&'a str>,
}

/// What an app answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Allow,
    /// Do not call.
    Deny {
        /// Why, for whoever asked to start.
        reason: Option<String>,
    },
    /// Go on, but so.
    Change(Changes),
    /// No usable answer came, and the app wants nobody called then.
    Failed,
}

/// What an app wants otherwise. Whom to call is not among it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// The language of every step.
    pub language: Option<String>,
    /// The prompt of every call that plays one.
    pub prompt: Option<String>,
    /// The template of every SMS.
    pub template: Option<String>,
    /// The channel of the step that begins.
    pub channel: Option<String>,
}

/// An answer as it is written.
#[derive(Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase", deny_unknown_fields)]
enum Written {
    Allow {},
    Deny { reason: Option<String> },
    Change(Changes),
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    app: &'a str,
    to: String,
    channel: &'static str,
    plan: Vec<&'static str>,
    prompt: Option<&'a str>,
    language: Option<&'a str>,
    template: Option<&'a str>,
    reference: Option<&'a str>,
    metadata: Option<&'a RawValue>,
}

impl Outbound {
    /// Whether an app wants to be asked.
    #[must_use]
    pub fn asks(&self, app: &Name) -> bool {
        self.apps.get(app).is_some_and(|app| app.pre_send.is_some())
    }

    /// Asks an app that wants to be asked; any other allows everything.
    pub async fn ask(&self, app: &Name, question: Question<'_>) -> Answer {
        let Some(asked) = self.apps.get(app).and_then(|app| app.pre_send.as_ref()) else {
            return Answer::Allow;
        };
        match self.answer(app, asked, question).await {
            Ok(answer) => answer,
            Err(why) => {
                let allowed = asked.allows_on_failure;
                tracing::warn!(
                    app.name = %app, allowed, why,
                    "the app gave no usable answer to the question before a call: {why}",
                );
                if allowed { Answer::Allow } else { Answer::Failed }
            }
        }
    }

    async fn answer(
        &self,
        app: &Name,
        asked: &PreSend,
        question: Question<'_>,
    ) -> Result<Answer, String> {
        let at = self.clock.now();
        let message = Message {
            id: &format!("ask_{}", new_uuid(at).as_simple()),
            secrets: &asked.secrets,
            body: body(app, &question, instant(at)),
            at,
            within: asked.timeout,
        };
        let answer =
            self.client.post(&asked.url, message).await.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status().as_u16()));
        }
        let text = read(answer, LONGEST_ANSWER).await;
        let text = text.ok_or("its answer is too long, too slow or broke off")?;
        let written = serde_json::from_slice(&text);
        match written.map_err(|_| "its answer cannot be understood")? {
            Written::Allow {} => Ok(Answer::Allow),
            Written::Deny { reason } => Ok(Answer::Deny {
                reason: reason.map(|text| text.chars().take(LONGEST_REASON).collect()),
            }),
            Written::Change(changes) => Ok(Answer::Change(changes)),
        }
    }
}

fn body(app: &Name, question: &Question<'_>, timestamp: String) -> Box<[u8]> {
    let payload = Payload {
        kind: KIND,
        timestamp,
        data: Data {
            app: app.as_str(),
            to: question.to.to_string(),
            channel: question.channel.as_str(),
            plan: question.plan.iter().map(|channel| channel.as_str()).collect(),
            prompt: question.prompt.map(Name::as_str),
            language: question.language.map(Name::as_str),
            template: question.template,
            reference: question.reference,
            metadata: question.metadata.and_then(|text| serde_json::from_str(text).ok()),
        },
    };
    serde_json::to_vec(&payload).expect("texts, and JSON that was read").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_of_three_and_never_names_another_number() {
        let read = |text: &str| serde_json::from_str::<Written>(text).is_ok();
        assert!(read(r#"{"decision": "allow"}"#));
        assert!(read(r#"{"decision": "deny"}"#));
        assert!(read(r#"{"decision": "deny", "reason": "no"}"#));
        assert!(read(r#"{"decision": "change", "language": "de", "prompt": "login"}"#));
        for garbage in [
            "",
            "{}",
            "true",
            r#"{"decision": "yes"}"#,
            r#"{"decision": "allow", "more": 1}"#,
            r#"{"decision": "change", "to": "+380991234567"}"#,
            r#"{"decision": "change", "language": 5}"#,
        ] {
            assert!(!read(garbage), "{garbage}");
        }
    }
}
