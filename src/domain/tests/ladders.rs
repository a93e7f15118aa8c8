//! Random histories of plans: calls, codes, checks, the app's wishes and time, in
//! any order, repeated, late and contradicting. What holds in each of them is
//! looked at after every event, and together they reach every outcome.

use jiff::{SignedDuration, Timestamp};

use super::random::Random;
use crate::domain::{
    Applied, Asks, Attempt, Button, By, CallEnd, CallResult, Channel, CodeBy, CodeRules,
    CodeSource, CodeStep, Codes, Dispatch, Effect, Event, Evidence, Key, KeyReport, Name, Outcome,
    PbxTime, PhoneNumber, ProviderCheck, RefusalReason, Sounds, State, Status, Step, Timing,
    Verification, VerificationId,
};

const HISTORIES: u64 = 30_000;
const NOON: i64 = 1_793_872_800;

/// One verification on its way, and what the truth of its checks was.
struct Ladder {
    random: Random,
    timing: Timing,
    now: Timestamp,
    newest: Verification,
    checked: u32,
    told: Vec<String>,
}

#[test]
fn what_is_promised_of_plans_and_codes_holds_in_every_history() {
    let mut reached = [0_u64; Outcome::ALL.len()];
    let (mut steps, mut checks) = (0, 0);
    for seed in 0..HISTORIES {
        let mut ladder = Ladder::draw(seed);
        let outcome = ladder.run(seed);
        reached[Outcome::ALL.iter().position(|known| *known == outcome).unwrap()] += 1;
        steps += ladder.newest.attempts.len();
        checks += ladder.checked;
    }
    println!("{HISTORIES} ladders, {steps} attempts, {checks} checks");
    for (outcome, count) in Outcome::ALL.iter().zip(reached) {
        println!("{} {count}", outcome.as_str());
        assert!(count > 0, "no history ended as {}", outcome.as_str());
    }
}

impl Ladder {
    fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let plan: Vec<Step> = (0..1 + random.below(4)).map(|_| step(&mut random)).collect();
        let sends_code = plan.iter().any(|step| step.code().is_some());
        let codes = Codes {
            seed: [0; 16],
            length: 6,
            sealed: None,
            generation: 0,
            checks_used: 0,
            checks_open: 0,
            checks_limit: random.byte(1, 5),
            sends_limit: random.byte(1, 4),
            rules: CodeRules {
                checks_each: (random.below(3) == 0).then(|| random.byte(1, 3)),
                life: (random.below(3) == 0)
                    .then(|| SignedDuration::from_secs(random.between(10, 300))),
                keeps_typed: random.below(2) == 0,
            },
            newest_used: 0,
            typed: Vec::new(),
        };
        let now = Timestamp::from_second(NOON).unwrap();
        let asked = Verification {
            id: VerificationId::from_bytes([7; 16]),
            app: name("shop"),
            to: PhoneNumber::from_u64(380_991_234_567).into(),
            known_valid: true,
            reference: None,
            metadata: None,
            callback_url: None,
            created_at: now,
            expires_at: now + SignedDuration::from_secs(random.between(30, 600)),
            plan,
            attempts: Vec::new(),
            state: State::Pending,
            version: 1,
            entries: 0,
            codes: sends_code.then(|| Box::new(codes)),
            not_before: None,
            test: false,
            demanded: None,
        };
        let (newest, _) = asked.begin(now);
        let (timing, told) = (Timing::default(), Vec::new());
        Self { random, timing, now, newest, checked: 0, told }
    }

    fn run(&mut self, seed: u64) -> Outcome {
        for _ in 0..40 {
            let wait = if self.random.below(3) == 0 { 90_000 } else { 15_000 };
            self.now += SignedDuration::from_millis(self.random.between(0, wait));
            let event = self.event();
            self.happen(event, seed);
        }
        self.now = self.newest.expires_at.max(self.now);
        self.happen(Event::TimePassed, seed);
        let end = self.newest.conclusion();
        end.unwrap_or_else(|| panic!("seed {seed}: it never ends\n{}", self.told.join("\n")))
            .outcome
    }

    fn event(&mut self) -> Event {
        let attempt = self.random.byte(0, 4).min(self.newest.attempts.len() as u8);
        let at = self.now;
        let result = self.random.pick(&CallResult::ALL);
        let call_start = PbxTime(at.as_second());
        match self.random.below(25) {
            0..4 => Event::Accepted { attempt },
            4 => Event::AcceptedAs { attempt, request: "request".into() },
            5..7 => Event::Refused { attempt, reason: self.random.pick(&RefusalReason::ALL) },
            7 => Event::Unknown { attempt },
            8 => Event::Ringing { attempt },
            9 => Event::Answered { attempt },
            10 => Event::CallEnded { attempt, end: CallEnd { at, result, call_start } },
            11 => Event::OtherCallEnded { attempt, result },
            12..14 => {
                let pressed = self.random.pick(&["", "", "1", "2", "9"]).into();
                let evidence = Evidence::default();
                let report = KeyReport { at, result, pressed, call_start, evidence };
                Event::KeyReported { attempt, report }
            }
            14..18 => Event::StepDue,
            18 => Event::NoRoom { until: at + SignedDuration::from_secs(5) },
            19 => Event::NextAsked,
            20 => Event::CodeChecked { correct: self.random.below(8) == 0, typed: None },
            21 => Event::CheckBegun,
            22 => Event::CheckAnswered(self.random.pick(&[
                ProviderCheck::Right,
                ProviderCheck::Wrong,
                ProviderCheck::Wrong,
                ProviderCheck::NotAsked,
                ProviderCheck::Unknown,
            ])),
            // None of them is a test, so this proves nothing.
            23 => Event::Scripted(Outcome::Confirmed),
            _ if self.random.below(8) == 0 => Event::CancelAsked,
            _ => Event::TimePassed,
        }
    }

    fn happen(&mut self, event: Event, seed: u64) {
        self.told.push(format!("{} {event:?}", self.now));
        let before = self.newest.clone();
        let (effects, after) = match before.apply(event.clone(), self.now, &self.timing) {
            Applied::Moved { next, effects, .. } => (effects, *next),
            Applied::Ignored(_) => (Vec::new(), before.clone()),
        };
        self.checked += u32::from(checks(&after) > checks(&before));
        let held = self.holds(&before, &event, &after, &effects);
        if let Err(what) = held {
            panic!("seed {seed}: {what}\n{:#?}\n{}", before.plan, self.told.join("\n"));
        }
        self.newest = after;
    }

    fn holds(
        &self,
        before: &Verification,
        event: &Event,
        after: &Verification,
        effects: &[Effect],
    ) -> Result<(), &'static str> {
        let kept = |was: &Verification, is: &Verification| {
            was.conclusion().map(|end| (end.outcome, end.at))
                == is.conclusion().map(|end| (end.outcome, end.at))
        };
        ensure(
            before.status() == Status::Pending || kept(before, after),
            "1: a final state changed",
        )?;
        self.only_a_proof_verifies(before, event, after)?;
        ensure(checks(after) <= limit(after), "5: more checks than allowed")?;
        dispatches_are_legal(before, after)?;
        let added = after.attempts.len() - before.attempts.len();
        let dispatched =
            effects.iter().filter(|effect| matches!(effect, Effect::Dispatch { .. })).count();
        ensure(added == dispatched, "6: an attempt without its one dispatch")?;
        if added > 0 {
            self.may_begin(before, after)?;
        }
        match after.due_at(&self.timing) {
            None => ensure(after.status() != Status::Pending, "7: pending and never due"),
            Some(due) => ensure(due <= after.expires_at, "7: due after its end"),
        }
    }

    /// 2 and 3: verified only by the key asked for, or by a right code in time with checks left.
    fn only_a_proof_verifies(
        &self,
        before: &Verification,
        event: &Event,
        after: &Verification,
    ) -> Result<(), &'static str> {
        if before.status() == Status::Verified || after.status() != Status::Verified {
            return Ok(());
        }
        let in_time = self.now < before.expires_at;
        let proves = match (event, after.conclusion().unwrap().outcome) {
            (Event::KeyReported { attempt, report }, Outcome::Confirmed) => {
                let asked = before.attempts[usize::from(*attempt)].asks;
                report.pressed.as_ref() == "1"
                    && report.result == CallResult::Answered
                    && asked == Asks::Key(Key::ONE)
            }
            (Event::CodeChecked { correct: true, .. }, Outcome::CodeCorrect) => {
                checks(before) < limit(before)
            }
            (Event::CheckAnswered(ProviderCheck::Right), Outcome::CodeCorrect) => {
                before.codes.as_ref().unwrap().checks_open > 0
            }
            _ => false,
        };
        ensure(proves && in_time, "2, 3: verified without a proof")
    }

    /// What protects the person: the gap and the cap of codes, one call at a time, claims.
    fn may_begin(&self, before: &Verification, after: &Verification) -> Result<(), &'static str> {
        let new = after.attempts.last().unwrap();
        let step = after.step_of(new).unwrap();
        ensure(!step.skipped, "a step that is to be skipped has begun")?;
        ensure(
            before.attempts.last().is_none_or(|last| last.step <= new.step),
            "the ladder goes back",
        )?;
        ensure(!said_no(before), "a person who said no is asked again")?;
        let since = |attempt: &Attempt| self.now.duration_since(attempt.intent_at);
        for attempt in &before.attempts {
            let calls =
                |step: &Step| matches!(step.channel(), Channel::CallButton | Channel::CallCode);
            if new.asks.is_code() && attempt.may_have_told_code() {
                ensure(since(attempt) >= self.timing.resend_gap, "two codes within the gap")?;
            }
            if calls(step) && calls(before.step_of(attempt).unwrap()) && attempt.is_unreported() {
                ensure(since(attempt) >= self.timing.ring_max, "two calls at once")?;
            }
            if !new.asks.is_code() {
                let held = attempt.claims_held_until(&self.timing);
                ensure(held <= self.now, "4: a claim is held twice")?;
            }
        }
        let sends = after.sends();
        let cap = after.codes.as_ref().map_or(0, |codes| usize::from(codes.sends_limit));
        ensure(!new.asks.is_code() || sends <= cap, "more codes than may be sent")
    }
}

fn said_no(verification: &Verification) -> bool {
    verification.attempts.iter().any(|attempt| match (&attempt.key_report, attempt.asks) {
        (Some(report), Asks::Key(key)) => {
            let said = report.outcome(key, Key::new(9));
            matches!(said, Outcome::WrongKey | Outcome::NotMe)
        }
        _ => false,
    })
}

/// 6: what may have reached the provider is never intended again.
fn dispatches_are_legal(before: &Verification, after: &Verification) -> Result<(), &'static str> {
    let legal = |was: Dispatch, is: Dispatch| {
        was == is
            || match was {
                Dispatch::Intended => true,
                Dispatch::Unknown => is == Dispatch::Accepted,
                Dispatch::Accepted | Dispatch::Refused { .. } => false,
            }
    };
    let mut pairs = before.attempts.iter().zip(&after.attempts);
    ensure(pairs.all(|(was, is)| legal(was.dispatch, is.dispatch)), "6: a dispatch is undone")
}

fn checks(verification: &Verification) -> u8 {
    verification.codes.as_ref().map_or(0, |codes| codes.checks_used)
}

fn limit(verification: &Verification) -> u8 {
    verification.codes.as_ref().map_or(0, |codes| codes.checks_limit)
}

fn step(random: &mut Random) -> Step {
    let source = random.pick(&[CodeSource::Own, CodeSource::Provider]);
    let new_code = random.below(4) == 0;
    let code = |by| By::Code(Box::new(CodeStep { source, new_code, language: None, by }));
    let by = match random.below(5) {
        0..2 => By::Button(Button {
            from: None,
            press: Key::ONE,
            random_key: false,
            refuse: Key::new(9),
            sounds: Sounds::Prompt { name: name("default"), language: name("en") },
        }),
        2 => code(CodeBy::Call { from: None }),
        3 => code(CodeBy::Sms { template: None, sender: None }),
        _ => code(CodeBy::Email { from: None, subject: None, body: None }),
    };
    let wait = (random.below(2) == 0).then(|| SignedDuration::from_secs(random.between(1, 120)));
    Step { account: name("main"), wait, skipped: false, by }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn ensure(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}
