//! One trace on one target: each question, its answer, and what can then be read.

use model::etcd::exchange::{Ask, Exchange, Told, Trace, View};
use store::{
    Bytes, Compare, Event, EventKind, KeyValue, LeaseId, Operation, Put, Query, Range, Revision,
    Transaction,
};

use super::target::{Failed, Target};

/// How long a lease lives: longer than any trace.
const TTL_SECONDS: i64 = 600;

/// How a target differs from the model, in words.
type Differs = String;

/// A trace under way.
pub(super) struct Replay<'a, T: Target> {
    target: &'a mut T,
    /// The revision at which it has begun.
    base: Revision,
    /// How many there have been since.
    revision: u8,
    keys: [Bytes; 2],
    lease: LeaseId,
    /// Whether the lease is there.
    is_leased: bool,
    watch: Option<T::Watch>,
}

impl<'a, T: Target> Replay<'a, T> {
    /// Begins with keys, and a lease, that are of this trace alone.
    pub(super) async fn begin(target: &'a mut T, number: usize) -> Result<Self, Failed> {
        let base = target.revision().await?;
        let keys = [0, 1].map(|key| {
            format!("kanon/conform/{base}/{number}/key-{key}").into_bytes().as_slice().into()
        });
        let lease = LeaseId((base.0 * 1_000_000 + number as u64 + 1).cast_signed());
        Ok(Self { target, base, revision: 0, keys, lease, is_leased: false, watch: None })
    }

    /// Asks all. The place of the first exchange that is not as in the model, and how it is.
    pub(super) async fn run(mut self, trace: &Trace) -> Result<(), (usize, Differs)> {
        for (at, exchange) in trace.exchanges.iter().enumerate() {
            self.exchange(exchange).await.map_err(|differs| (at, differs))?;
        }
        self.clean().await.map_err(|differs| (trace.exchanges.len(), differs))
    }

    async fn exchange(&mut self, Exchange { ask, told, then }: &Exchange) -> Result<(), Differs> {
        let asked = self.ask(*ask, told).await;
        let got = asked.map_err(|failed| format!("{ask:?} is refused: {failed}"))?;
        same(&format!("the answer to {ask:?}"), told, &got)?;
        self.revision += u8::from(*told == Told::Written);
        self.look(then).await
    }

    async fn ask(&mut self, ask: Ask, told: &Told) -> Result<Told, Failed> {
        let before = self.target.revision().await?;
        match ask {
            Ask::Put { key, lease } => {
                let lease = if lease { self.lease } else { LeaseId::NONE };
                let put = Put::new(self.key(key), (*b"value").as_slice().into());
                self.target.put(Put { lease: Some(lease), ..put }).await?;
            }
            Ask::Delete { key } => self.target.delete(&self.key(key)).await?,
            Ask::CreateBoth => {
                if !self.target.commit(create_both(&self.keys)).await? {
                    return Ok(Told::Unequal);
                }
            }
            Ask::Compact { revision } => self.target.compact(self.at(revision)).await?,
            Ask::Watch { revision } => {
                let (first, from) = (self.key(0), self.at(revision));
                self.watch = Some(self.target.watch(&first, from).await?);
            }
            Ask::Listen => return self.listen(told).await,
            Ask::Grant => {
                self.target.grant(self.lease, TTL_SECONDS).await?;
                self.is_leased = true;
            }
            Ask::KeepAlive => {
                if !self.target.keep_alive(self.lease).await? {
                    return Err(Failed::Otherwise("the lease is gone".to_owned()));
                }
            }
            Ask::Revoke => {
                self.target.revoke(self.lease).await?;
                self.is_leased = false;
            }
            Ask::Restart => {
                self.target.restart().await?;
                self.watch = None;
            }
        }
        let is_new = self.target.revision().await? > before;
        Ok(if is_new { Told::Written } else { Told::Done })
    }

    /// Listens to as many events as the model tells of.
    async fn listen(&mut self, told: &Told) -> Result<Told, Failed> {
        let count = match told {
            Told::Events { events } => events.len(),
            Told::Done | Told::Written | Told::Unequal => 0,
        };
        if self.watch.is_none() {
            // The scenario begins with a watch of all that comes.
            self.watch = Some(self.target.watch(&self.key(0), self.at(1)).await?);
        }
        let Some(watch) = &mut self.watch else { return Ok(Told::Done) };
        let events = self.target.listen(watch, count).await?;
        let events = events.iter().map(|event| self.event(event)).collect();
        Ok(Told::Events { events })
    }

    /// Compares what can be read.
    async fn look(&mut self, then: &View) -> Result<(), Differs> {
        let newest = self.target.revision().await.map_err(refused("the revision"))?;
        same("the revision", &self.at(self.revision), &newest)?;
        for key in 0..2 {
            self.look_at_key(key, then).await?;
        }
        self.look_back(then).await?;
        self.look_at_lease(then).await
    }

    async fn look_at_key(&mut self, key: u8, then: &View) -> Result<(), Differs> {
        let found = self.find(key, None).await.map_err(refused("a read"))?;
        let expected = then.keys[usize::from(key)];
        let mod_revision = |found: &KeyValue| {
            expected.and_then(|key| key.mod_revision.map(|_| self.since(found.mod_revision)))
        };
        let got = found.as_ref().map(|found| model::etcd::exchange::Key {
            mod_revision: mod_revision(found),
            leased: found.lease == self.lease,
        });
        same(&format!("key {key}"), &expected, &got)
    }

    /// Reads at each revision that there was, and at one that there was not yet.
    async fn look_back(&mut self, then: &View) -> Result<(), Differs> {
        let first = then.compacted.max(1);
        let readable = (first..).zip(&then.past).map(|(revision, put)| (revision, Ok(*put)));
        let compacted = (1..then.compacted).map(|revision| (revision, Err(Failed::Compacted)));
        let future = [(self.revision + 1, Err(Failed::Future))];
        for (revision, expected) in compacted.chain(readable).chain(future) {
            let found = self.find(0, Some(self.at(revision))).await;
            let got = found.map(|found| found.map_or(0, |found| self.since(found.mod_revision)));
            same(&format!("the first key at revision {revision}"), &expected, &got)?;
        }
        if then.compacted > 0 {
            let again = self.target.compact(self.at(then.compacted)).await;
            same("the same compaction again", &Err(Failed::Compacted), &again)?;
        }
        if then.compacted > 1 {
            let (first, gone) = (self.key(0), self.at(then.compacted - 1));
            let watched = self.target.watch(&first, gone).await.map(drop);
            same("a watch of what is compacted", &Err(Failed::Compacted), &watched)?;
        }
        let future = self.target.compact(self.at(self.revision + 1)).await;
        same("a compaction of the future", &Err(Failed::Future), &future)
    }

    async fn look_at_lease(&mut self, then: &View) -> Result<(), Differs> {
        let attached = self.keys.iter().zip(&then.keys);
        let attached = attached.filter(|(_, key)| key.is_some_and(|key| key.leased));
        let expected =
            self.is_leased.then(|| attached.map(|(name, _)| name.clone()).collect::<Vec<_>>());
        let got = self.target.attached(self.lease).await.map_err(refused("the lease"))?;
        same("the keys of the lease", &expected, &got)
    }

    /// Leaves nothing behind but history.
    async fn clean(self) -> Result<(), Differs> {
        for key in self.keys.clone() {
            self.target.delete(&key).await.map_err(refused("the last deletion"))?;
        }
        if self.is_leased {
            self.target.revoke(self.lease).await.map_err(refused("the last revocation"))?;
        }
        Ok(())
    }

    async fn find(
        &mut self,
        key: u8,
        revision: Option<Revision>,
    ) -> Result<Option<KeyValue>, Failed> {
        let query = Query { revision, ..Query::all(Range::Key(self.key(key))) };
        Ok(self.target.read(query).await?.into_iter().next())
    }

    fn key(&self, key: u8) -> Bytes {
        self.keys[usize::from(key)].clone()
    }

    /// A revision of the trace, in the target.
    fn at(&self, revision: u8) -> Revision {
        Revision(self.base.0 + u64::from(revision))
    }

    /// A revision of the target, in the trace. What is not of the trace is the greatest there is.
    fn since(&self, revision: Revision) -> u8 {
        let since = revision.0.checked_sub(self.base.0).and_then(|since| u8::try_from(since).ok());
        since.unwrap_or(u8::MAX)
    }

    fn event(&self, event: &Event) -> model::etcd::exchange::Event {
        model::etcd::exchange::Event {
            revision: self.since(event.now.mod_revision),
            put: event.kind == EventKind::Put,
        }
    }
}

/// If neither key exists, put both.
fn create_both(keys: &[Bytes; 2]) -> Transaction {
    let put = |key: &Bytes| Operation::Put(Put::new(key.clone(), (*b"both").as_slice().into()));
    Transaction {
        compares: keys.iter().map(|key| Compare::absent(key.clone())).collect(),
        success: keys.iter().map(put).collect(),
        failure: vec![],
    }
}

fn refused(what: &str) -> impl Fn(Failed) -> Differs {
    move |failed| format!("{what} is refused: {failed}")
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, got: &T) -> Result<(), Differs> {
    if expected == got {
        return Ok(());
    }
    Err(format!("{what} is {got:?}, not {expected:?}"))
}
