//! The small parts that pages are made of.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::domain::{Channel, Level, Outcome, Status};
use crate::service::Session;

use super::form::TOKEN;

/// What every form of a session carries.
#[must_use]
pub fn hidden_token(session: &Session) -> Markup {
    html! { input type="hidden" name=(TOKEN) value=(session.form_token()); }
}

/// A status: a word in its colour.
#[must_use]
pub fn status(status: Status) -> Markup {
    let tone = match status {
        Status::Verified => "good",
        Status::Pending => "open",
        Status::Failed => "bad",
        Status::Expired | Status::Canceled => "quiet",
    };
    badge(tone, status.as_str())
}

/// How far evidence can be trusted: a word in its colour.
#[must_use]
pub fn level(level: Level) -> Markup {
    let tone = match level {
        Level::Strong => "good",
        Level::Partial => "open",
        Level::Weak => "bad",
    };
    badge(tone, level.as_str())
}

/// A word in a colour that is never its only meaning.
#[must_use]
pub fn badge(tone: &str, word: &str) -> Markup {
    html! { span class={ "badge " (tone) } { (plain(word)) } }
}

/// An outcome, or a dash while there is none.
#[must_use]
pub fn outcome(outcome: Option<Outcome>) -> Markup {
    html! { @match outcome { Some(outcome) => (plain(outcome.as_str())), None => (dash()) } }
}

/// A channel by its name for people.
#[must_use]
pub const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::CallButton => "button call",
        Channel::CallCode => "code by call",
        Channel::Sms => "SMS",
        Channel::Email => "e-mail",
    }
}

/// A word of the API as people write it.
#[must_use]
pub fn plain(word: &str) -> String {
    word.replace('_', " ")
}

/// An instant, to the second.
#[must_use]
pub fn instant(at: Timestamp) -> Markup {
    html! { time datetime=(format!("{at:.3}")) title=(format!("{at:.3}")) { (at.strftime("%Y-%m-%d %H:%M:%S")) } }
}

/// The time of day of an instant, to the millisecond.
#[must_use]
pub fn time_of_day(at: Timestamp) -> Markup {
    let exact = format!("{at:.3}");
    html! { time datetime=(exact) title=(exact) { (exact.get(11..23).unwrap_or(&exact)) } }
}

/// A span: "840 ms", "12.3 s", "4 min 10 s", "10 min", "2 h 5 min".
#[must_use]
pub fn span(span: SignedDuration) -> String {
    let (seconds, milliseconds) = (span.as_secs(), span.as_millis());
    match milliseconds {
        ..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{}.{} s", seconds, milliseconds % 1_000 / 100),
        60_000..3_600_000 if seconds % 60 == 0 => format!("{} min", seconds / 60),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds % 3_600 < 60 => format!("{} h", seconds / 3_600),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Where there is nothing.
#[must_use]
pub fn dash() -> Markup {
    html! { span.none.muted aria-label="none" { "–" } }
}

/// A text of somebody else's, or a dash.
#[must_use]
pub fn or_dash(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => (text), None => (dash()) } }
}

/// A selection whose first entry is any.
#[must_use]
pub fn select<'a>(
    name: &str,
    label: &str,
    chosen: &str,
    words: impl Iterator<Item = (&'a str, String)>,
) -> Markup {
    html! {
        label { (label)
            select name=(name) {
                option value="" { "any" }
                @for (value, text) in words {
                    option value=(value) selected[value == chosen] { (text) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (840, "840 ms"),
            (12_345, "12.3 s"),
            (59_999, "59.9 s"),
            (250_000, "4 min 10 s"),
            (600_000, "10 min"),
            (7_200_000, "2 h"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(span(SignedDuration::from_millis(milliseconds)), text);
        }
    }
}
