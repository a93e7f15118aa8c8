//! What is sent to the service: by the PBX of other calls, by the adversary, and
//! what comes of a delivery.

use super::adversary::{Attack, Header, is_withheld};
use super::invariants::Broken;
use super::numbers::numbers;
use super::pbx::{Millis, Notice, Text, civil};
use super::run::{Next, Run};
use super::truth::{Excuse, Origin};
use super::world::instant;
use crate::domain::WrittenForm;
use crate::intake::Verdict;
use crate::zadarma::notification::CallEvent;

impl Run<'_> {
    pub(super) fn agent_call(
        &mut self,
        number: usize,
        written: usize,
        event: CallEvent,
        error: Millis,
        answered: bool,
    ) {
        let now = self.world.now;
        let start = Text::Owned(civil(self.history.clock.shows(now, error)));
        let mut notice = Notice::new(event, Text::Borrowed("out_agent"), start);
        notice.internal = Some(Text::Borrowed("100"));
        notice.destination = Some(Text::Borrowed(numbers()[number].written[written].as_str()));
        notice.calltype = Some(Text::Borrowed("normal"));
        notice.disposition = Some(Text::Borrowed(if answered { "answered" } else { "busy" }));
        let header = self.sign(notice, now, None);
        self.plan(now + 9_000, Next::Arrives { header, origin: Origin::Other });
    }

    pub(super) fn stranger(
        &mut self,
        number: usize,
        written: usize,
        event: CallEvent,
        error: Millis,
    ) {
        let now = self.world.now;
        let start = Text::Owned(civil(self.history.clock.shows(now, error)));
        let mut notice = Notice::new(event, Text::Borrowed("in_stranger"), start);
        notice.caller_id = Some(Text::Borrowed(numbers()[number].written[written].as_str()));
        let line = if error % 4 == 0 { "0" } else { "48573134140" };
        notice.called_did = Some(Text::Borrowed(line));
        notice.disposition = Some(Text::Borrowed("answered"));
        notice.callback_dtmf = Some(Text::Borrowed("1"));
        let header = self.sign(notice, now, None);
        self.plan(now + 9_000, Next::Arrives { header, origin: Origin::Other });
    }

    pub(super) fn attack(&mut self, attack: Attack, pick: u64) -> Result<(), Broken> {
        let now = self.world.now;
        let Some(asked) = self.calls.last().map(|call| call.press) else { return Ok(()) };
        let known = self.headers.iter().enumerate().filter(|(_, header)| header.began_at <= now);
        let known: Vec<(usize, &Header)> = known.collect();
        // Mostly one of the latest.
        let from = if pick & 256 == 0 { 0 } else { known.len().saturating_sub(4) };
        let choice = usize::try_from(pick >> 32).unwrap() % (known.len() - from).max(1);
        let Some((index, header)) = known.get(from + choice).copied() else { return Ok(()) };
        let Some(forged) = attack.forge(header, pick, asked) else { return Ok(()) };
        let clock = self.history.clock;
        let repeats = (clock.ahead_after < clock.ahead_before).then_some(clock.changes_at);
        let truly = self.named_by(&header.notice);
        if let Some(named) = self.named_by(&forged)
            && is_withheld(header, (named, &self.world.store[named]), truly, repeats)
        {
            self.tally.withheld += 1;
            return Ok(());
        }
        let signed = header.before_time.clone() + &header.notice.call_start;
        let verdict = self.deliver(&forged, &signed);
        self.tally.attacks += 1;
        self.tell(|| {
            format!("forged from {index} by {attack:?}: {} -> {verdict:?}", forged.describe())
        });
        self.look_at_moves(Some(Origin::Forged))
    }

    /// The verification that was last started with a number so written.
    fn named_by(&self, notice: &Notice) -> Option<usize> {
        let form = WrittenForm::read(notice.call().number)?;
        self.calls.iter().rposition(|call| numbers()[call.number].forms.contains(&form))
    }

    /// The PBX writes and signs; whether it arrives is another question.
    pub(super) fn sign(&mut self, notice: Notice, began_at: Millis, call: Option<usize>) -> usize {
        let before_time = notice.signed_before_time();
        let like_ours =
            notice.pbx_call_id.starts_with("out_") || notice.called_did.as_deref() == Some("0");
        self.headers.push(Header {
            notice,
            before_time,
            began_at,
            call,
            like_ours,
            accepted: false,
        });
        self.headers.len() - 1
    }

    pub(super) fn arrive(&mut self, header: usize, origin: Origin) -> Result<(), Broken> {
        let now = self.world.now;
        let Header { notice, before_time, began_at, .. } = self.headers[header].clone();
        if let Origin::Button { call } = origin {
            let timing = self.world.timing;
            self.calls[call].is_told(now, &notice, &timing);
        }
        let signed = before_time + &notice.call_start;
        // Some deliveries meet the same one again on its way.
        self.world.contended = now % 16 == 0;
        let verdict = self.deliver(&notice, &signed);
        self.world.contended = false;
        self.tell(|| format!("{header} of {origin:?}: {} -> {verdict:?}", notice.describe()));
        self.headers[header].accepted |= verdict == Some(Verdict::Accepted);
        if let Origin::Button { call } = origin
            && let Some(excuse) = self.excuse(began_at, verdict)
        {
            self.calls[call].forgiven = Some(excuse);
        }
        self.look_at_moves(Some(origin))
    }

    /// Delivers, and judges once more with the clock measured anew if it missed the window.
    fn deliver(&mut self, notice: &Notice, signed: &str) -> Option<Verdict> {
        let verdict = self.world.receive(notice, signed);
        if let Some(verdict) = verdict {
            self.tally.verdicts[verdict as usize] += 1;
        }
        if verdict == Some(Verdict::OutsideWindow) {
            self.measure(0);
            let at = instant(self.world.now);
            return Some(self.world.judge(notice, at));
        }
        verdict
    }

    /// Why a true result may miss around a change of zone, and only then.
    fn excuse(&self, began_at: Millis, verdict: Option<Verdict>) -> Option<Excuse> {
        let clock = self.history.clock;
        let repeats = clock.ahead_after < clock.ahead_before
            && (clock.changes_at..clock.changes_at + 3_700_000).contains(&began_at);
        let began_before = began_at < clock.changes_at + 30_000;
        match verdict {
            _ if !clock.changes() => None,
            Some(Verdict::StaleCallStart) if repeats => Some(Excuse::HourRepeats),
            Some(Verdict::OutsideWindow)
                if began_before && self.restarted_at >= clock.changes_at =>
            {
                Some(Excuse::OffsetForgotten)
            }
            _ => None,
        }
    }
}
