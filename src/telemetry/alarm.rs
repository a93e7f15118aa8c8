//! An alarm: a person should act.

use std::fmt::Display;

use super::metrics::ALARMS_TOTAL;

/// Raises the alarm `kind`: one error in the log and one in the counter, so that it can
/// be read and can be watched. `message` reads well alone and says what to do.
pub fn alarm(kind: &'static str, message: impl Display) {
    ::metrics::counter!(ALARMS_TOTAL, "alarm" => kind).increment(1);
    tracing::error!(alarm = kind, "{message}");
}
