//! Up to when something is waited for: a moment that may move, and that there need not be.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadline(watch::Sender<Option<Instant>>);

impl Deadline {
    /// So much from now on.
    pub(super) fn within(patience: Duration) -> Self {
        Self(watch::Sender::new(Some(Instant::now() + patience)))
    }

    /// Moves it; nothing is waited for without end.
    pub(super) fn set(&self, until: Option<Instant>) {
        self.0.send_replace(until);
    }

    /// Moves it to so much from now on.
    pub(super) fn renew(&self, patience: Duration) {
        self.set(Some(Instant::now() + patience));
    }

    /// Waits until it has passed, wherever it is moved in the meantime.
    pub(super) async fn passed(&self) {
        let mut moments = self.0.subscribe();
        loop {
            let moment = *moments.borrow_and_update();
            tokio::select! {
                () = wait_until(moment) => return,
                _ = moments.changed() => {}
            }
        }
    }
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
