//! The steps of a static Pod.

use super::{Action, Budgets, Event, Manifest, Mirror, Seen, State, VERSIONS, Work};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::ChangeManifest => state.change_manifest(),
            Action::RemoveManifest => state.remove_manifest(),
            Action::AddManifest => state.add_manifest(),
            Action::DeleteMirror => state.delete_mirror(),
            Action::ReadFile => state.read_file(),
            Action::SyncApiServer => state.sync_api_server(),
            Action::Deliver => state.deliver(),
            Action::Start { version } => state.start(version),
            Action::Stop { version } => state.stop(version),
            Action::Finish { version } => state.finish(version),
            Action::CleanUp { version } => state.clean_up(version),
            Action::CreateMirror => state.create_mirror(),
            Action::RemoveMirror => state.remove_mirror(),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// An administrator changes the manifest.
    pub fn change_manifest(&self) -> Option<Self> {
        let changes = self.budgets.changes.checked_sub(1)?;
        let Manifest { version, present } = self.manifest;
        let manifest = Manifest { version: version + 1, present };
        let budgets = Budgets { changes, ..self.budgets };
        present.then_some(State { manifest, budgets, ..*self })
    }

    /// An administrator removes the file.
    pub fn remove_manifest(&self) -> Option<Self> {
        let removals = self.budgets.removals.checked_sub(1)?;
        let manifest = Manifest { present: false, ..self.manifest };
        let budgets = Budgets { removals, ..self.budgets };
        self.manifest.present.then_some(State { manifest, budgets, ..*self })
    }

    /// An administrator puts the same file back.
    pub fn add_manifest(&self) -> Option<Self> {
        let additions = self.budgets.additions.checked_sub(1)?;
        let manifest = Manifest { present: true, ..self.manifest };
        let budgets = Budgets { additions, ..self.budgets };
        (!self.manifest.present).then_some(State { manifest, budgets, ..*self })
    }

    /// A client deletes the mirror Pod.
    pub fn delete_mirror(&self) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let next = State { budgets: Budgets { deletions, ..self.budgets }, ..*self };
        let mirror = self.store.now().mirror.filter(|mirror| !mirror.deleting)?;
        Some(next.written(Some(Mirror { deleting: true, ..mirror })))
    }

    /// The kubelet reads the file. What is new waits to be started; what is no longer there is
    /// stopped, if all sources have been seen.
    pub fn read_file(&self) -> Option<Self> {
        let seen = match self.manifest.present {
            true => Seen::Version(self.manifest.version),
            false => Seen::Missing,
        };
        let mut next = State { seen, ..*self };
        for (version, work) in (0..).zip(&mut next.workers) {
            *work = match (*work, seen == Seen::Version(version)) {
                (Work::None, true) => Work::Waiting,
                (Work::Syncing, false) if self.has_synced() => Work::Terminating,
                (Work::Waiting, false) if self.has_synced() => Work::None,
                (same, _) => same,
            };
        }
        (seen != self.seen).then_some(next)
    }

    /// The kubelet lists the API server's Pods: now it has seen all sources.
    pub fn sync_api_server(&self) -> Option<Self> {
        let mut next = *self;
        next.store.list(0);
        (!self.has_synced()).then_some(next)
    }

    /// The kubelet gets the next event of the mirror Pod.
    pub fn deliver(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(0)?;
        Some(next)
    }

    /// The kubelet starts a version, or adopts it if it runs; but not while another version of the
    /// static Pod runs or is being stopped (`allowPodStart`).
    pub fn start(&self, version: u8) -> Option<Self> {
        let others = |other: &usize| *other != usize::from(version);
        let free = (0..VERSIONS).filter(others).all(|other| !self.running[other]);
        if free { self.started(version) } else { None }
    }

    /// What a pod worker stops has stopped.
    pub fn stop(&self, version: u8) -> Option<Self> {
        let mut next = *self;
        let ran = std::mem::take(&mut next.running[usize::from(version)]);
        (ran && self.worker(version) == Work::Terminating).then_some(next)
    }

    /// A pod worker is done. If its version is wanted again meanwhile, it starts anew.
    pub fn finish(&self, version: u8) -> Option<Self> {
        let again = if self.wants(version) { Work::Waiting } else { Work::None };
        let stopped = !self.running[usize::from(version)];
        let done = stopped && self.worker(version) == Work::Terminating;
        done.then(|| self.working(version, again))
    }

    /// The kubelet, once it has seen all sources, stops what no source wants: also what it finds
    /// in its runtime and never started (`HandlePodCleanups`).
    pub fn clean_up(&self, version: u8) -> Option<Self> {
        let ready = self.has_synced() && self.seen != Seen::Nothing;
        if ready && !self.wants(version) { self.cleaned_up(version) } else { None }
    }

    /// The kubelet creates the mirror Pod of the version that it runs.
    pub fn create_mirror(&self) -> Option<Self> {
        let version = self.synced_version()?;
        let missing = self.informed()?.mirror.is_none() && self.store.now().mirror.is_none();
        missing.then(|| self.written(Some(Mirror { version, deleting: false })))
    }

    /// The kubelet removes a mirror Pod that is being deleted, or that is another version's, or
    /// that has no manifest any more.
    pub fn remove_mirror(&self) -> Option<Self> {
        let mirror = self.informed()?.mirror?;
        let stale = match self.seen {
            Seen::Nothing => false,
            Seen::Missing => self.workers == [Work::None; VERSIONS],
            Seen::Version(_) => {
                let version = self.synced_version()?;
                mirror.deleting || mirror.version != version
            }
        };
        if stale { self.without_mirror(mirror) } else { None }
    }

    /// The kubelet crashes and starts again. What runs stays.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let workers = [Work::None; VERSIONS];
        let mut next = State { budgets, workers, seen: Seen::Nothing, ..*self };
        next.store.stop(0);
        Some(next)
    }

    /// Whether the kubelet has seen the API server's Pods since it started.
    pub fn has_synced(&self) -> bool {
        self.store.has_listed(0)
    }

    /// Whether the file, as the kubelet has read it, is of this version.
    pub fn wants(&self, version: u8) -> bool {
        self.seen == Seen::Version(version)
    }

    /// What the kubelet has read of the mirror Pod; nothing before it has synced.
    pub(super) fn informed(&self) -> Option<super::Objects> {
        self.store.cache(0)
    }

    pub(super) fn worker(&self, version: u8) -> Work {
        self.workers[usize::from(version)]
    }

    /// The version that is wanted and runs.
    pub(super) fn synced_version(&self) -> Option<u8> {
        let syncs = |version: &u8| self.wants(*version) && self.worker(*version) == Work::Syncing;
        (0..VERSIONS as u8).find(syncs)
    }

    /// The version runs, if the kubelet itself has nothing else of its name under way.
    pub(super) fn started(&self, version: u8) -> Option<Self> {
        let busy = |work: &Work| matches!(work, Work::Syncing | Work::Terminating);
        let due = self.worker(version) == Work::Waiting && self.wants(version);
        let mut next = self.working(version, Work::Syncing);
        next.running[usize::from(version)] = true;
        (due && !self.workers.iter().any(busy)).then_some(next)
    }

    /// The pod worker of a version that is not wanted ends, or is made to stop what runs.
    pub(super) fn cleaned_up(&self, version: u8) -> Option<Self> {
        match self.worker(version) {
            Work::Syncing => Some(self.working(version, Work::Terminating)),
            Work::Waiting => Some(self.working(version, Work::None)),
            Work::None if self.running[usize::from(version)] => {
                Some(self.working(version, Work::Terminating))
            }
            Work::None | Work::Terminating => None,
        }
    }

    /// The API server deletes the mirror Pod, if it is still the one that was meant.
    pub(super) fn without_mirror(&self, mirror: Mirror) -> Option<Self> {
        let same = self.store.now().mirror == Some(mirror);
        same.then(|| self.written(None))
    }

    pub(super) fn working(&self, version: u8, work: Work) -> Self {
        let mut next = *self;
        next.workers[usize::from(version)] = work;
        next
    }

    fn written(mut self, mirror: Option<Mirror>) -> Self {
        self.store.write(Event { mirror });
        self
    }
}
