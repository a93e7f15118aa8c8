//! Test numbers: what happens to a verification that no provider hears of. They act for
//! keys for tests only; to every other key they are ordinary numbers.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::domain::{
    Asks, Code, Event, Outcome, PhoneNumber, RefusalReason, Verification, VerificationId,
};

use super::{Service, StartRequest};

/// What happens instead of a call or a message.
#[derive(Clone, Debug)]
pub enum TestDoes {
    /// This code is the right one; a call that asks for a key is confirmed.
    Code(Code),
    /// Every step ends so.
    Outcome(Outcome),
}

impl Service {
    /// What a test number does, if it is one and the key is for tests.
    pub(super) fn tested(&self, request: &StartRequest) -> Option<&TestDoes> {
        request.to.phone().filter(|_| request.test).and_then(|number| self.does(number))
    }

    fn does(&self, number: PhoneNumber) -> Option<&TestDoes> {
        self.settings.test_numbers.get(&number)
    }

    /// Lets happen what the number's script says of an attempt, in a task of its own.
    pub(super) fn play_in_background(
        self: &Arc<Self>,
        verification: &Verification,
        attempt: u8,
    ) -> JoinHandle<()> {
        let asks = verification.attempts.get(usize::from(attempt)).map(|attempt| attempt.asks);
        let does = verification.to.phone().and_then(|number| self.does(number)).cloned();
        let (service, id) = (Arc::clone(self), verification.id);
        let work = async move { service.play(id, attempt, asks, does).await };
        self.background.tasks.spawn_on(work, &self.background.runtime)
    }

    async fn play(
        self: Arc<Self>,
        id: VerificationId,
        attempt: u8,
        asks: Option<Asks>,
        does: Option<TestDoes>,
    ) {
        let scripted = match (does, asks) {
            (Some(TestDoes::Outcome(Outcome::ProviderRefused)), _) => {
                let refused = Event::Refused { attempt, reason: RefusalReason::Refused };
                return self.record(id, refused).await;
            }
            (Some(TestDoes::Outcome(outcome)), _) => Some(outcome),
            (Some(TestDoes::Code(_)), Some(Asks::Key(_))) => Some(Outcome::Confirmed),
            // A code waits to be checked; a number that is a test number no more, for its end.
            (Some(TestDoes::Code(_)), Some(Asks::Code(_)) | None) | (None, _) => None,
        };
        self.record(id, Event::Accepted { attempt }).await;
        if let Some(outcome) = scripted {
            self.record(id, Event::Scripted(outcome)).await;
        }
    }
}
