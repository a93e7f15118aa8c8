//! The section `[verification]`: how long everything may take.

use std::time::Duration;

use super::section::Section;
use super::value::show_duration;

/// The spans of a verification's life.
#[derive(Clone, Debug)]
pub struct VerificationLimits {
    /// How long a verification may take unless the request says otherwise.
    pub expires_in: Duration,
    /// The longest that a request may ask for.
    pub max_expires_in: Duration,
    /// The longest that one code may count where a request sets that by itself.
    pub max_code_life: Duration,
    /// How long a button call has to bring its result, from intent.
    pub result_window: Duration,
    /// When a call that nobody told the end of is given up.
    pub call_lost_after: Duration,
    /// How long a call's end without a key waits for the key.
    pub result_grace: Duration,
    /// How far the provider's clock may be off after correction.
    pub clock_tolerance: Duration,
    /// How long a proof may be redeemed.
    pub redeem_within: Duration,
    /// How long after a code the next one may be sent.
    pub resend_gap: Duration,
    /// The longest that a phone rings.
    pub ring_max: Duration,
    /// How long a step that sends a code may take, unless it says otherwise.
    pub step_wait: Duration,
    /// How long a replica may take to carry out what it has stored.
    pub dispatch_lease: Duration,
    /// How long a poll waits that does not say.
    pub default_wait: Duration,
    /// The longest wait a poll gets.
    pub max_wait: Duration,
    /// How long a finished verification stays readable.
    pub retention: Duration,
    /// How long notifications of other calls are kept.
    pub uncorrelated_retention: Duration,
}

impl VerificationLimits {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let limits = Self {
            expires_in: section
                .duration("expires_in", Duration::from_secs(10)..=Duration::from_mins(10)),
            max_expires_in: section
                .duration("max_expires_in", Duration::from_secs(10)..=Duration::from_mins(10)),
            max_code_life: section
                .duration("max_code_life", Duration::from_mins(1)..=Duration::from_mins(60)),
            result_window: section
                .duration("result_window", Duration::from_secs(1)..=Duration::from_hours(1)),
            call_lost_after: section
                .duration("call_lost_after", Duration::from_secs(1)..=Duration::from_hours(1)),
            result_grace: section.duration("result_grace", Duration::ZERO..=Duration::from_mins(1)),
            clock_tolerance: section
                .duration("clock_tolerance", Duration::ZERO..=Duration::from_mins(2)),
            redeem_within: section
                .duration("redeem_within", Duration::from_secs(1)..=Duration::from_hours(24)),
            resend_gap: section.duration("resend_gap", Duration::ZERO..=Duration::from_mins(10)),
            ring_max: section.duration("ring_max", Duration::from_secs(1)..=Duration::from_mins(5)),
            step_wait: section
                .duration("step_wait", Duration::from_secs(1)..=Duration::from_mins(10)),
            dispatch_lease: section
                .duration("dispatch_lease", Duration::from_secs(1)..=Duration::from_mins(5)),
            default_wait: section
                .duration("default_wait", Duration::from_secs(1)..=Duration::from_secs(60)),
            max_wait: section
                .duration("max_wait", Duration::from_secs(1)..=Duration::from_secs(60)),
            retention: section
                .duration("retention", Duration::from_hours(1)..=Duration::from_hours(3650 * 24)),
            uncorrelated_retention: section.duration(
                "uncorrelated_retention",
                Duration::from_hours(1)..=Duration::from_hours(30 * 24),
            ),
        };
        limits.check(section);
        limits
    }

    /// What holds between the spans; a span that was wrong by itself is zero here and passes.
    fn check(&self, section: &Section<'_>) {
        at_most(section, ("expires_in", self.expires_in), ("max_expires_in", self.max_expires_in));
        at_most(
            section,
            ("result_window", self.result_window),
            ("call_lost_after", self.call_lost_after),
        );
        below(section, ("result_grace", self.result_grace), ("result_window", self.result_window));
        below(
            section,
            ("clock_tolerance", self.clock_tolerance),
            ("result_window", self.result_window),
        );
        // Else the claims of a call could end before the call itself is given up.
        at_most(
            section,
            ("result_grace", self.result_grace),
            ("clock_tolerance twice over", self.clock_tolerance * 2),
        );
        at_most(section, ("default_wait", self.default_wait), ("max_wait", self.max_wait));
        at_most(section, ("redeem_within", self.redeem_within), ("retention", self.retention));
    }
}

type Named<'a> = (&'a str, Duration);

fn at_most(section: &Section<'_>, (key, span): Named<'_>, (limit_key, limit): Named<'_>) {
    if span > limit && !limit.is_zero() {
        let (span, limit) = (show_duration(span), show_duration(limit));
        section.clash(
            key,
            limit_key,
            &format!("must be at most {limit_key}, but {span} is longer than {limit}"),
        );
    }
}

fn below(section: &Section<'_>, (key, span): Named<'_>, (limit_key, limit): Named<'_>) {
    if span >= limit && !limit.is_zero() {
        let (span, limit) = (show_duration(span), show_duration(limit));
        section.clash(
            key,
            limit_key,
            &format!("must be shorter than {limit_key}, but is {span} beside {limit}"),
        );
    }
}
