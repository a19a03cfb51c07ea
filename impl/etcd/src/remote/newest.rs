//! How far etcd is: one linearizable read for all who ask while the one before is under way.

use std::sync::Arc;

use store::Revision;
use tokio::sync::{mpsc, oneshot};

use crate::CommitError;
use crate::remote::members::Members;

type Answer = oneshot::Sender<Result<Revision, CommitError>>;

/// Who can be asked; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Newest {
    questions: mpsc::UnboundedSender<Answer>,
}

impl Newest {
    pub(super) fn of(members: Arc<Members>) -> Self {
        let (questions, asked) = mpsc::unbounded_channel();
        tokio::spawn(answer(members, asked));
        Self { questions }
    }

    /// A revision that etcd had reached after this was called.
    pub(super) async fn revision(&self) -> Result<Revision, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.questions.send(answer).map_err(|_| CommitError::Stopped)?;
        answered.await.map_err(|_| CommitError::Stopped)?
    }
}

/// Whoever asks while a read is under way has come too late for it, and waits for the next.
async fn answer(members: Arc<Members>, mut asked: mpsc::UnboundedReceiver<Answer>) {
    while let Some(first) = asked.recv().await {
        let mut waiting = vec![first];
        while let Ok(next) = asked.try_recv() {
            waiting.push(next);
        }
        let revision = members.revision().await;
        for answer in waiting {
            // Who has stopped waiting is told nothing.
            drop(answer.send(revision.clone()));
        }
    }
}
