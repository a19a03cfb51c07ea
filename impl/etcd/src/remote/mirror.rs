//! The mirror of what etcd holds: read once, then followed by a watch of all keys.
//!
//! All keys, and not only those of Kubernetes: so every revision has an event, and the mirror knows how
//! far it is without progress notifications, which are wrong in old versions of etcd (issue 15220).

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, GetOptions, GetResponse, WatchOptions, WatchResponse, WatchStream};
use store::{KeyValue, Revision, Store};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::CommitError;
use crate::remote::answers;
use crate::remote::claims::Claims;
use crate::remote::members::Members;

/// How many keys are read at once.
const PAGE: i64 = 1000;

/// How long a member may take to open a watch.
const OPEN_PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait between two watches.
const PAUSE: Duration = Duration::from_millis(100);

/// What the mirror can be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// What was before this revision need not be remembered.
    Forget(Revision),
    /// The member that is heard lags behind the others.
    LookElsewhere,
}

/// Follows a cluster.
pub(super) struct Mirror {
    members: Arc<Members>,
    claims: Arc<Claims>,
    orders: mpsc::UnboundedReceiver<Order>,
    publish: watch::Sender<Store>,
}

/// Why a watch has ended.
enum Ended {
    /// It broke, or it lagged.
    Broken,
    /// What it would have told next is gone.
    Compacted,
    /// Nobody reads the mirror any more.
    Unread,
}

impl Mirror {
    pub(super) fn new(
        members: Arc<Members>,
        claims: Arc<Claims>,
        orders: mpsc::UnboundedReceiver<Order>,
        publish: watch::Sender<Store>,
    ) -> Self {
        Self { members, claims, orders, publish }
    }

    /// Follows the cluster until nobody reads the mirror.
    pub(super) async fn run(mut self) {
        loop {
            let (number, member) = self.members.preferred();
            match self.follow(member).await {
                Ended::Unread => return,
                Ended::Broken => self.members.avoid(number),
                Ended::Compacted => self.begin_anew().await,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes what a watch of a member tells until it ends.
    async fn follow(&mut self, member: Client) -> Ended {
        let after = self.publish.borrow().revision();
        let Ok(Some(mut watch)) = timeout(OPEN_PATIENCE, open(member, after)).await else {
            return Ended::Broken;
        };
        loop {
            tokio::select! {
                message = watch.message() => match message {
                    Ok(Some(message)) => if let Some(ended) = self.take(&message).await {
                        return ended;
                    },
                    Ok(None) | Err(_) => return Ended::Broken,
                },
                Some(order) = self.orders.recv() => match order {
                    Order::Forget(revision) => self.forget(revision),
                    Order::LookElsewhere => {
                        self.drop_complaints();
                        return Ended::Broken;
                    }
                },
                () = self.publish.closed() => return Ended::Unread,
            }
        }
    }

    /// Applies what is new, and publishes it at once.
    async fn take(&mut self, message: &WatchResponse) -> Option<Ended> {
        if !self.members.is_ours(message.header()) {
            return Some(Ended::Broken);
        }
        if message.compact_revision() > 0 {
            return Some(Ended::Compacted);
        }
        if message.canceled() {
            return Some(Ended::Broken);
        }
        let mut store = self.publish.borrow().clone();
        for record in answers::records(message.events()) {
            if record.revision <= store.revision() {
                continue;
            }
            if record.revision > store.revision().next() {
                return Some(Ended::Compacted);
            }
            self.claims.settle(&record).await;
            store.apply(&record);
        }
        self.publish.send_replace(store);
        None
    }

    /// Reads all again. Whoever watched since before is told that history is gone.
    async fn begin_anew(&self) {
        // Until that succeeds the mirror stays as it is, and the next watch ends here again.
        if let Ok(store) = read(&self.members).await {
            self.claims.settle_all_up_to(store.revision());
            self.publish.send_replace(store);
        }
    }

    fn forget(&self, revision: Revision) {
        let mut store = self.publish.borrow().clone();
        // What is forgotten already, after all was read again, need not be.
        if store.compact(revision).is_ok() {
            self.publish.send_replace(store);
        }
    }

    /// Those who complained about the watch that has ended have nothing to say of the next.
    fn drop_complaints(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            if let Order::Forget(revision) = order {
                self.forget(revision);
            }
        }
    }
}

/// A watch of all that happens after a revision.
async fn open(member: Client, after: Revision) -> Option<WatchStream> {
    let revision = after.next().0.cast_signed();
    let options = WatchOptions::new().with_all_keys().with_start_revision(revision);
    let mut client = member.watch_client().max_decoding_message_size(usize::MAX);
    client.watch([], Some(options)).await.ok()
}

/// Reads all keys as they were at one revision.
pub(super) async fn read(members: &Members) -> Result<Store, CommitError> {
    let first = page(members, vec![0], None).await?;
    let revision = answers::revision(first.header());
    let mut keys: Vec<KeyValue> = vec![];
    let mut next = first;
    loop {
        keys.extend(next.kvs().iter().map(answers::key_value));
        match next.kvs().last() {
            Some(last) if next.more() => {
                next = page(members, [last.key(), &[0]].concat(), Some(revision)).await?;
            }
            Some(_) | None => return Ok(Store::restore(revision, keys, [])),
        }
    }
}

async fn page(
    members: &Members,
    start: Vec<u8>,
    revision: Option<Revision>,
) -> Result<GetResponse, CommitError> {
    let options = GetOptions::new().with_range([0]).with_limit(PAGE);
    let options = match revision {
        Some(revision) => options.with_revision(revision.0.cast_signed()),
        None => options,
    };
    members.get(start, options).await
}
