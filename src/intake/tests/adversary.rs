//! Somebody who holds every header that the PBX ever sent, but not the secret.
//!
//! He may deliver a header with any fields that it covers, and any value in the
//! fields that no signature covers. What no rule can stop, and what this one
//! therefore does not do: the key is never signed, so a header of the very call
//! that is judged, or of another call *to the same number within the same
//! window*, says whatever its holder likes until the first key result has been
//! judged. He uses those afterwards only. (A call that came in to a line which the
//! PBX names 0 is such a call: its direction is not signed either, and whoever
//! phones chooses the number that is.) For the same reason he does not use,
//! in the hour that the autumn clock repeats, a header of the hour before that
//! was never accepted: its text is, to the letter, that of a call made now.

use super::pbx::{Millis, Notice, Text};
use crate::domain::{Key, Verification};
use crate::zadarma::notification::CallEvent;

/// A header: the text that it covers, and what made the PBX sign it.
#[derive(Clone)]
pub(super) struct Header {
    /// What was sent with it.
    pub(super) notice: Notice,
    /// The signed text before `call_start`.
    pub(super) before_time: String,
    /// When the call that it tells of really began.
    pub(super) began_at: Millis,
    /// The button call that it tells of.
    pub(super) call: Option<usize>,
    /// Whether what is signed is, to the letter, what is signed of a call that the PBX placed.
    pub(super) like_ours: bool,
    /// Whether some verification accepted it as a result.
    pub(super) accepted: bool,
}

/// What is done with a header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attack {
    /// Sent again as it was.
    Replay,
    /// Sent as the end of an answered outgoing call in which the key was pressed.
    Press,
    /// The same, under another event's name with the same formula.
    Rename,
    /// Re-read as the end of an outgoing call without extension.
    ShiftToDestination,
    /// The same, the first digits going to an extension.
    ShiftFromExtension,
    /// The same, digits going to an unlisted extension.
    ShiftToExtension,
    /// Re-read as the end of a button call, its last digits being the called side.
    ShiftFromCalledSide,
    /// Digits of the number given to the time.
    ShiftToTime,
    /// Told as an end without a key.
    End,
}

impl Attack {
    pub(super) const ALL: [Self; 9] = [
        Self::Replay,
        Self::Press,
        Self::Rename,
        Self::ShiftToDestination,
        Self::ShiftFromExtension,
        Self::ShiftToExtension,
        Self::ShiftFromCalledSide,
        Self::ShiftToTime,
        Self::End,
    ];

    /// The forged notification, in which `asked` was pressed; `None` if the
    /// header cannot be used so.
    pub(super) fn forge(self, header: &Header, pick: u64, asked: Key) -> Option<Notice> {
        let text = header.before_time.as_str();
        let mut notice = header.notice.clone();
        let split = |at: usize| (text.is_char_boundary(at)).then(|| text.split_at(at));
        match self {
            Self::Replay => return Some(notice),
            Self::Press | Self::End => notice.event = as_end(notice.event),
            Self::Rename => notice.event = renamed(notice.event, pick),
            Self::ShiftToDestination => set_outgoing(&mut notice, "", text),
            Self::ShiftFromExtension => {
                let extension = if pick.is_multiple_of(2) { "100" } else { "101" };
                set_outgoing(&mut notice, extension, text.strip_prefix(extension)?);
            }
            Self::ShiftToExtension => {
                let (internal, destination) = split(1 + usize::from(pick.is_multiple_of(2)))?;
                set_outgoing(&mut notice, internal, destination);
            }
            Self::ShiftFromCalledSide => {
                let keep = text.len().checked_sub(usize::try_from(pick % 3).ok()?)?;
                let (caller_id, called_did) = split(keep)?;
                notice.event = CallEvent::End;
                notice.caller_id = Some(Text::Owned(caller_id.to_owned()));
                notice.called_did = Some(Text::Owned(called_did.to_owned()));
            }
            Self::ShiftToTime => {
                let (before, digits) = split(text.len().checked_sub(1)?)?;
                set_outgoing(&mut notice, "", before);
                notice.call_start = Text::Owned(format!("{digits}{}", notice.call_start));
            }
        }
        notice.pbx_call_id = Text::Borrowed("out_ffffffffffffffffffffffffffffffffffffffff");
        notice.disposition = Some(Text::Borrowed("answered"));
        notice.status_code = None;
        notice.calltype = (pick & 64 == 0)
            .then_some(Text::Borrowed(["callback_leg1", "normal"][usize::from(pick & 128 == 0)]));
        notice.callback_dtmf = Some(Text::Owned(asked.digit().to_string()));
        if matches!(self, Self::End) {
            notice.calltype = Some(Text::Borrowed("callback_leg1"));
            notice.callback_dtmf = None;
        }
        Some(notice)
    }
}

fn set_outgoing(notice: &mut Notice, internal: &str, destination: &str) {
    notice.event = CallEvent::OutEnd;
    notice.internal = Some(Text::Owned(internal.to_owned()));
    notice.destination = Some(Text::Owned(destination.to_owned()));
}

const fn as_end(event: CallEvent) -> CallEvent {
    match event {
        CallEvent::OutStart | CallEvent::OutEnd => CallEvent::OutEnd,
        CallEvent::Start
        | CallEvent::Internal
        | CallEvent::Answer
        | CallEvent::End
        | CallEvent::Ivr
        | CallEvent::InternalEnd => CallEvent::End,
    }
}

const fn renamed(event: CallEvent, pick: u64) -> CallEvent {
    match event {
        CallEvent::OutStart => CallEvent::OutEnd,
        CallEvent::OutEnd => CallEvent::OutStart,
        CallEvent::Answer => CallEvent::OutEnd,
        _ => match pick % 5 {
            0 => CallEvent::Start,
            1 => CallEvent::Internal,
            2 => CallEvent::Ivr,
            3 => CallEvent::InternalEnd,
            _ => CallEvent::End,
        },
    }
}

/// Whether a header is one that no rule can stop for the verification that the
/// forged number names, see above. `truly` is the one that its own number names;
/// `repeats` is the true time from which on the clock shows an hour again.
pub(super) fn is_withheld(
    header: &Header,
    named: (usize, &Verification),
    truly: Option<usize>,
    repeats: Option<Millis>,
) -> bool {
    let attempt = &named.1.attempts[0];
    if attempt.key_report.is_some() {
        return false;
    }
    // Thirty seconds of tolerance and as much as the clock may be off.
    let opens_at = attempt.intent_at.as_millisecond() - 56_000;
    // Of an incoming call the caller chooses the number, and with it what is signed.
    let chosen = !header.notice.pbx_call_id.starts_with("out_");
    let is_of_another_call =
        header.like_ours && header.call.is_none() && (chosen || truly == Some(named.0));
    let is_repeated = repeats.is_some_and(|since| {
        header.began_at < since + 60_000 && header.began_at + 3_600_000 >= opens_at
    });
    header.call == Some(named.0)
        || (is_of_another_call && header.began_at >= opens_at)
        || (is_repeated && !header.accepted)
}
