//! Who looks at everything: the feed, and pages of the console. They learn that something
//! changed, not what; they read it from the store.

use tokio::sync::watch;

use super::Live;

impl Live {
    /// Listens for changes of any verification. Subscribe first, then read, then wait.
    #[must_use]
    pub fn look_at_all(&self) -> watch::Receiver<()> {
        self.lookers.subscribe()
    }

    /// Wakes who looks at all of them. Nearly always nobody does; then this reads one number.
    pub fn wake_lookers(&self) {
        if self.lookers.receiver_count() > 0 {
            self.lookers.send_replace(());
        }
    }

    /// How many listen for changes of any.
    #[must_use]
    pub fn onlookers(&self) -> usize {
        self.lookers.receiver_count()
    }
}
