//! The PBX: its clock, and its notifications as it writes and signs them.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::domain::PbxTime;
use crate::zadarma::notification::{CallEvent, CallNotification};

/// Milliseconds of true time.
pub(super) type Millis = i64;

/// A text that is mostly a constant.
pub(super) type Text = Cow<'static, str>;

/// The civil clock of the account: hours ahead of UTC, changed at most once.
#[derive(Clone, Copy)]
pub(super) struct PbxClock {
    pub(super) ahead_before: i64,
    pub(super) ahead_after: i64,
    pub(super) changes_at: Millis,
}

impl PbxClock {
    /// What the clock shows at `at`, being off by `error` milliseconds.
    pub(super) const fn shows(self, at: Millis, error: Millis) -> PbxTime {
        let ahead = if at < self.changes_at { self.ahead_before } else { self.ahead_after };
        PbxTime((at + error).div_euclid(1000) + ahead)
    }

    pub(super) const fn changes(self) -> bool {
        self.ahead_before != self.ahead_after
    }
}

/// `YYYY-MM-DD HH:MM:SS`.
pub(super) fn civil(time: PbxTime) -> String {
    let time = Timestamp::from_second(time.0).unwrap();
    let time = jiff::tz::Offset::UTC.to_datetime(time);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// The fields of one notification.
#[derive(Clone)]
pub(super) struct Notice {
    pub(super) event: CallEvent,
    pub(super) pbx_call_id: Text,
    pub(super) call_start: Text,
    pub(super) caller_id: Option<Text>,
    pub(super) called_did: Option<Text>,
    pub(super) destination: Option<Text>,
    pub(super) internal: Option<Text>,
    pub(super) disposition: Option<Text>,
    pub(super) status_code: Option<Text>,
    pub(super) calltype: Option<Text>,
    pub(super) callback_dtmf: Option<Text>,
}

impl Notice {
    /// An event without any field but its own.
    pub(super) const fn new(event: CallEvent, pbx_call_id: Text, call_start: Text) -> Self {
        Self {
            event,
            pbx_call_id,
            call_start,
            caller_id: None,
            called_did: None,
            destination: None,
            internal: None,
            disposition: None,
            status_code: None,
            calltype: None,
            callback_dtmf: None,
        }
    }

    /// The signed text before `call_start`, as the provider documents it.
    pub(super) fn signed_before_time(&self) -> String {
        let text = |field: &Option<Text>| field.clone().unwrap_or_default();
        match self.event {
            CallEvent::Start
            | CallEvent::Internal
            | CallEvent::End
            | CallEvent::Ivr
            | CallEvent::InternalEnd => text(&self.caller_id) + text(&self.called_did),
            CallEvent::Answer => text(&self.caller_id) + text(&self.destination),
            CallEvent::OutStart | CallEvent::OutEnd => {
                text(&self.internal) + text(&self.destination)
            }
        }
        .into_owned()
    }

    /// Its meaning, as the protocol reads it.
    pub(super) fn call(&self) -> CallNotification<'_> {
        let number = match self.event {
            CallEvent::Start
            | CallEvent::Internal
            | CallEvent::End
            | CallEvent::Ivr
            | CallEvent::InternalEnd => &self.caller_id,
            CallEvent::Answer | CallEvent::OutStart | CallEvent::OutEnd => &self.destination,
        };
        CallNotification {
            event: self.event,
            pbx_call_id: &self.pbx_call_id,
            call_start: &self.call_start,
            number: number.as_deref().unwrap_or_default(),
            called_did: self.called_did.as_deref(),
            caller_id: self.caller_id.as_deref(),
            internal: self.internal.as_deref(),
            disposition: self.disposition.as_deref(),
            duration: None,
            status_code: self.status_code.as_deref(),
            calltype: self.calltype.as_deref(),
            callback_dtmf: self.callback_dtmf.as_deref(),
        }
    }

    /// Its fields on the wire.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![
            ("event", self.event.as_str()),
            ("pbx_call_id", &*self.pbx_call_id),
            ("call_start", &*self.call_start),
        ];
        let optional = [
            ("caller_id", &self.caller_id),
            ("called_did", &self.called_did),
            ("destination", &self.destination),
            ("internal", &self.internal),
            ("disposition", &self.disposition),
            ("status_code", &self.status_code),
            ("calltype", &self.calltype),
            ("callback_dtmf", &self.callback_dtmf),
        ];
        fields.extend(
            optional.into_iter().filter_map(|(name, text)| Some((name, &**text.as_ref()?))),
        );
        fields
    }

    /// In words, for whoever reads a failed history.
    pub(super) fn describe(&self) -> String {
        let fields = self.fields();
        let fields = fields.iter().skip(1).map(|(name, value)| format!("{name}={value:?}"));
        format!("{} {}", self.event.as_str(), fields.collect::<Vec<_>>().join(" "))
    }
}
