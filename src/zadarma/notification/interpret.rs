//! The third step: what an authentic notification says.

use super::Decoded;

/// A notification's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification<'a> {
    /// Something happened to a call.
    Call(CallNotification<'a>),
    /// Any other event, by its name; empty if it has none.
    Other {
        /// The `event` field as received. Not signed.
        event: &'a str,
    },
}

/// An event of a call, as the PBX tells it.
///
/// "Incoming events" below are all but [`OutStart`](CallEvent::OutStart),
/// [`OutEnd`](CallEvent::OutEnd) and [`Answer`](CallEvent::Answer). The signed
/// fields are joined without separators, so even a covered field is only as good
/// as the shapes that its neighbours are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallNotification<'a> {
    /// What happened. **Not signed**: all incoming events of a call share one signature.
    pub event: CallEvent,
    /// `in_` or `out_` and 40 hex digits; empty if absent. **Not signed.**
    pub pbx_call_id: &'a str,
    /// When the call began, in the account's zone; empty if absent. Signed.
    pub call_start: &'a str,
    /// The signed field that may name the person's number: `caller_id` in incoming
    /// events, `destination` in the others; empty if absent. Signed.
    pub number: &'a str,
    /// The number that was called, `0` in button calls. Signed in incoming events only.
    pub called_did: Option<&'a str>,
    /// Signed in incoming events and in `Answer`, **not** in `OutStart` and `OutEnd`.
    pub caller_id: Option<&'a str>,
    /// The extension. Signed in `OutStart` and `OutEnd` only.
    pub internal: Option<&'a str>,
    /// How the call ended: see [`Disposition`](crate::zadarma::Disposition). **Not signed.**
    pub disposition: Option<&'a str>,
    /// Seconds. **Not signed.**
    pub duration: Option<&'a str>,
    /// The cause by Q.931. **Not signed.**
    pub status_code: Option<&'a str>,
    /// `normal`, `callback_leg1`, `callback_leg2`, … **Not signed.**
    pub calltype: Option<&'a str>,
    /// The key that was pressed; empty if none was; `None` if this event does not say.
    /// **Not signed.**
    pub callback_dtmf: Option<&'a str>,
}

/// The events of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallEvent {
    /// `NOTIFY_START`: an incoming call begins.
    Start,
    /// `NOTIFY_INTERNAL`: it rings an extension.
    Internal,
    /// `NOTIFY_ANSWER`: somebody picked up.
    Answer,
    /// `NOTIFY_END`: an incoming call, or a button call, ended.
    End,
    /// `NOTIFY_OUT_START`: an outgoing call begins.
    OutStart,
    /// `NOTIFY_OUT_END`: an outgoing call ended.
    OutEnd,
    /// `NOTIFY_IVR`: the caller did something in a voice menu.
    Ivr,
    /// `NOTIFY_INTERNAL_END`: undocumented, met in the field.
    InternalEnd,
}

impl CallEvent {
    /// Reads the `event` field.
    #[must_use]
    pub fn parse(event: &str) -> Option<Self> {
        Some(match event {
            "NOTIFY_START" => Self::Start,
            "NOTIFY_INTERNAL" => Self::Internal,
            "NOTIFY_ANSWER" => Self::Answer,
            "NOTIFY_END" => Self::End,
            "NOTIFY_OUT_START" => Self::OutStart,
            "NOTIFY_OUT_END" => Self::OutEnd,
            "NOTIFY_IVR" => Self::Ivr,
            "NOTIFY_INTERNAL_END" => Self::InternalEnd,
            _ => return None,
        })
    }

    /// The event's name, as the provider writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "NOTIFY_START",
            Self::Internal => "NOTIFY_INTERNAL",
            Self::Answer => "NOTIFY_ANSWER",
            Self::End => "NOTIFY_END",
            Self::OutStart => "NOTIFY_OUT_START",
            Self::OutEnd => "NOTIFY_OUT_END",
            Self::Ivr => "NOTIFY_IVR",
            Self::InternalEnd => "NOTIFY_INTERNAL_END",
        }
    }

    /// The signed field that may name the person's number.
    const fn number_field(self) -> &'static str {
        match self {
            Self::Start | Self::Internal | Self::End | Self::Ivr | Self::InternalEnd => "caller_id",
            Self::Answer | Self::OutStart | Self::OutEnd => "destination",
        }
    }
}

pub(super) fn interpret<'a>(decoded: &'a Decoded<'_>) -> Notification<'a> {
    let name = decoded.field("event").unwrap_or_default();
    let Some(event) = CallEvent::parse(name) else {
        return Notification::Other { event: name };
    };
    Notification::Call(CallNotification {
        event,
        pbx_call_id: decoded.field("pbx_call_id").unwrap_or_default(),
        call_start: decoded.field("call_start").unwrap_or_default(),
        number: decoded.field(event.number_field()).unwrap_or_default(),
        called_did: decoded.field("called_did"),
        caller_id: decoded.field("caller_id"),
        internal: decoded.field("internal"),
        disposition: decoded.field("disposition"),
        duration: decoded.field("duration"),
        status_code: decoded.field("status_code"),
        calltype: decoded.field("calltype"),
        callback_dtmf: decoded.field("callback_dtmf"),
    })
}
