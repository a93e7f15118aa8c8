//! What verifications are searched for: read from a page's query, and written into its
//! form and its links.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde::Deserialize;

use crate::domain::{Channel, EmailAddress, Name, Outcome, PhoneNumber, Recipient, Status};
use crate::service::{Browse, LOOK_AT};

use super::elements::{channel, plain, select};

/// How many a page holds.
const LIMIT: u16 = 50;

/// The query as it came. An empty field filters nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    to: String,
    reference: String,
    app: String,
    status: String,
    outcome: String,
    channel: String,
    from: String,
    until: String,
    cursor: String,
}

impl Filter {
    /// What to browse for.
    ///
    /// # Errors
    /// In a sentence that says what is wrong.
    pub fn browse(&self) -> Result<Browse, String> {
        Ok(Browse {
            app: given(&self.app, |text| {
                Name::parse(text).map_err(|why| format!("The app cannot be called so: {why}."))
            })?,
            to: given(&self.to, recipient)?,
            reference: Some(self.reference.trim().to_owned()).filter(|text| !text.is_empty()),
            status: given(&self.status, |text| word("status", text, Status::ALL, Status::as_str))?,
            outcome: given(&self.outcome, |text| {
                word("outcome", text, Outcome::ALL, Outcome::as_str)
            })?,
            channel: given(&self.channel, |text| {
                word("channel", text, Channel::ALL, Channel::as_str)
            })?,
            created_from: given(&self.from, instant)?,
            created_until: given(&self.until, instant)?,
            before: given(&self.cursor, |text| {
                text.parse().map_err(|_| "This page's cursor is none; search anew.".to_owned())
            })?,
            limit: LIMIT,
            look_at: LOOK_AT,
        })
    }

    /// Whether nothing is filtered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    /// Whether this is the first page.
    #[must_use]
    pub fn is_first_page(&self) -> bool {
        self.cursor.is_empty()
    }

    /// The address of the page that begins at a cursor.
    #[must_use]
    pub fn page_at(&self, cursor: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.fields().into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        if !cursor.is_empty() {
            query.append_pair("cursor", cursor);
        }
        format!("/console/verifications?{}", query.finish())
    }

    fn fields(&self) -> [(&'static str, &str); 8] {
        [
            ("to", &self.to),
            ("reference", &self.reference),
            ("app", &self.app),
            ("status", &self.status),
            ("outcome", &self.outcome),
            ("channel", &self.channel),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    /// The form that it came from.
    #[must_use]
    pub fn form(&self, apps: &[Name]) -> Markup {
        let word = |word: &'static str| (word, plain(word));
        html! {
            form.filter method="get" action="/console/verifications" role="search" {
                label { "Number or address"
                    input type="search" name="to" value=(self.to) placeholder="+380…" autocomplete="off" spellcheck="false";
                }
                label { "Reference"
                    input type="search" name="reference" value=(self.reference) maxlength="256" autocomplete="off" spellcheck="false";
                }
                (select("app", "App", &self.app, apps.iter().map(|app| (app.as_str(), app.to_string()))))
                (select("status", "Status", &self.status, Status::ALL.into_iter().map(|one| word(one.as_str()))))
                (select("outcome", "Outcome", &self.outcome, Outcome::ALL.into_iter().map(|one| word(one.as_str()))))
                (select("channel", "Channel", &self.channel,
                    Channel::ALL.into_iter().map(|one| (one.as_str(), channel(one).to_owned()))))
                label.time { "From (UTC)" input type="datetime-local" name="from" value=(self.from); }
                label.time { "Until (UTC)" input type="datetime-local" name="until" value=(self.until); }
                div.submit {
                    button.primary { "Search" }
                    @if !self.is_empty() { a.button href="/console/verifications" { "Clear" } }
                }
            }
        }
    }
}

fn given<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// A number, with or without its plus sign, or an e-mail address; or what is wrong with it.
pub(super) fn recipient(text: &str) -> Result<Recipient, String> {
    if text.contains('@') {
        let address = EmailAddress::parse(text).map_err(|why| format!("The address: {why}."))?;
        return Ok(Recipient::Email(address));
    }
    // A plus sign that was not escaped has arrived as a space, and was trimmed.
    let number = if text.starts_with('+') { text.to_owned() } else { format!("+{text}") };
    let number = PhoneNumber::parse(&number);
    number.map(Recipient::Phone).map_err(|why| format!("The number: {why}."))
}

fn word<T: Copy, const N: usize>(
    what: &str,
    text: &str,
    all: [T; N],
    as_str: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    let found = all.into_iter().find(|word| as_str(*word) == text);
    found.ok_or_else(|| format!("There is no such {what}; choose one from the list."))
}

/// What a browser's field for a time holds, or an RFC 3339 instant.
fn instant(text: &str) -> Result<Timestamp, String> {
    let local = text.parse::<DateTime>().ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok());
    let exact = || text.parse().ok();
    let wrong = || "A time is written as in 2026-01-31T12:00.".to_owned();
    if text.ends_with(['Z', 'z']) {
        return exact().ok_or_else(wrong);
    }
    local.map(|at| at.timestamp()).or_else(exact).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_a_browser_or_the_api_writes_them() {
        let expected: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        for text in ["2026-01-31T12:00", "2026-01-31T12:00:00", "2026-01-31T12:00:00Z"] {
            assert_eq!(instant(text), Ok(expected), "{text}");
        }
        assert!(instant("yesterday").is_err());
    }

    #[test]
    fn a_page_keeps_what_was_searched_for() {
        let filter = Filter { to: "+380 1".into(), cursor: "old".into(), ..Filter::default() };
        assert_eq!(filter.page_at("new"), "/console/verifications?to=%2B380+1&cursor=new");
    }
}
