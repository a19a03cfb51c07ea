//! The steps of the members and of their clients.

use super::{
    Action, Budgets, Data, ENTRIES, Entry, Heartbeat, KEYS, MEMBERS, Member, QUORUM, READS, Read,
    SELECTED, State, WATCHED, Watch,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Propose { entry } => state.propose(entry),
            Action::Persist { member } => state.persist(member),
            Action::Acknowledge => state.acknowledge(state.committed()),
            Action::Apply { member } => state.apply(member, Data::after),
            Action::Flush { member } => state.flush(member, 0),
            Action::Crash { member } => state.crash(member),
            Action::ChangeLeader { member } => state.change_leader(member),
            Action::LearnOfLeader => state.learn_of_leader(),
            Action::ReadSerializable { member } => state.read_serializable(member),
            Action::StartRead { read } => state.start_read(read),
            Action::AskLeader { read } => state.ask_leader(read),
            Action::AskAgain { read } => state.ask_again(read, [Heartbeat::Silent; MEMBERS]),
            Action::AnswerHeartbeat { read, member } => state.answer_heartbeat(read, member),
            Action::ReceiveHeartbeat { read, member } => state.receive_heartbeat(read, member),
            Action::AnswerRead { read } => state.answer_read(read),
            Action::DeliverEvent => state.deliver_event(),
            Action::NotifyProgress => state.notify_progress(state.watched().data.revision),
        }
    }
}

impl Data {
    /// The data after one more entry. A transaction compares both keys, and puts both at one
    /// revision.
    #[must_use]
    pub fn after(self, entry: Entry) -> Data {
        let next = self.revision + 1;
        let [first, second] = self.keys;
        let keys = match entry {
            Entry::PutFirst => [next, second],
            Entry::PutSecond => [first, next],
            Entry::Transaction if self.keys == [0; KEYS] => [next, next],
            Entry::Transaction => return self,
        };
        Data { revision: next, keys }
    }
}

impl State {
    pub(super) fn start(budgets: Budgets) -> State {
        let member =
            Member { persisted: 0, applied: 0, data: Data::default(), saved: (0, Data::default()) };
        State {
            log: [None; ENTRIES],
            acknowledged: 0,
            members: [member; MEMBERS],
            leader: 0,
            deposed: false,
            reads: [Read::None; READS],
            queue: [None; READS],
            serializable_lag: None,
            watch: None,
            budgets,
        }
    }

    /// A client writes: the leader appends an entry to its log.
    pub fn propose(&self, entry: Entry) -> Option<State> {
        let mut next = *self;
        next.budgets.writes = self.budgets.writes.checked_sub(1)?;
        *next.log.get_mut(self.entries())? = Some(entry);
        Some(next)
    }

    /// A member writes the next entry of the log to its disk, the leader first. A leader that is
    /// paused does not receive it.
    pub fn persist(&self, number: u8) -> Option<State> {
        let member = self.member(number);
        let hears = number != 0 || !self.deposed;
        let sent = match number == self.leader {
            true => self.entries(),
            false => usize::from(self.member(self.leader).persisted),
        };
        let more = hears && usize::from(member.persisted) < sent;
        more.then(|| self.with(number, Member { persisted: member.persisted + 1, ..member }))
    }

    /// The leader tells the clients of what is on the disks of a quorum.
    pub fn acknowledge(&self, entries: u8) -> Option<State> {
        (entries > self.acknowledged).then_some(State { acknowledged: entries, ..*self })
    }

    /// A member applies the next entry that is committed and on its disk.
    pub fn apply(&self, number: u8, change: fn(Data, Entry) -> Data) -> Option<State> {
        let member = self.member(number);
        let ready = member.applied < self.applicable(number);
        let entry = self.log.get(usize::from(member.applied)).copied().flatten();
        let data = change(member.data, entry.filter(|_| ready)?);
        Some(self.with(number, Member { applied: member.applied + 1, data, ..member }))
    }

    /// A member writes its data to disk, and with them how many entries are applied in them, which
    /// is `ahead` of the truth by nothing.
    pub fn flush(&self, number: u8, ahead: u8) -> Option<State> {
        let member = self.member(number);
        let applied = (member.applied + ahead).min(self.applicable(number));
        let saved = (applied, member.data);
        let matters = self.budgets.crashes > 0 && saved != member.saved;
        matters.then(|| self.with(number, Member { saved, ..member }))
    }

    /// A member crashes and starts again from its disk: it applies anew what was applied in memory
    /// only. It does not lead any more, and who read there has to ask again.
    pub fn crash(&self, number: u8) -> Option<State> {
        let mut next = *self;
        next.budgets.crashes = self.budgets.crashes.checked_sub(1)?;
        if number == self.leader || (number == 0 && self.deposed) {
            return None;
        }
        let (applied, data) = self.member(number).saved;
        let lost = Member { applied, data, ..self.member(number) };
        (lost != self.member(number)).then(|| next.with(number, lost))
    }

    /// The leader is paused, and another member is elected. Its log is no shorter than that of who
    /// votes for it, and what only the old leader has is gone.
    pub fn change_leader(&self, number: u8) -> Option<State> {
        let mut next = *self;
        next.budgets.leader_changes = self.budgets.leader_changes.checked_sub(1)?;
        let persisted = self.member(number).persisted;
        let votes = |(voter, member): &(usize, &Member)| {
            *voter != usize::from(self.leader) && member.persisted <= persisted
        };
        let elected = self.members.iter().enumerate().filter(votes).count() >= QUORUM;
        (elected && number != self.leader).then(|| next.led_by(number))
    }

    /// The old leader goes on, and learns that another was elected. What waited for its
    /// confirmation is asked anew.
    pub fn learn_of_leader(&self) -> Option<State> {
        let mut next = State { deposed: false, queue: [None; READS], ..*self };
        next.reads = self.reads.map(|read| match read {
            Read::Waiting { floor, index: None, .. } => Read::Asked(floor),
            Read::None | Read::Asked(_) | Read::Waiting { .. } | Read::Answered(_) => read,
        });
        self.deposed.then_some(next)
    }

    /// The watch delivers the change of its key, once the member has applied it.
    pub fn deliver_event(&self) -> Option<State> {
        let key = self.watched().data.keys[SELECTED];
        let watch = Some(Watch { revision: key, key });
        (key > self.watch?.revision).then_some(State { watch, ..*self })
    }

    /// The member tells the watch how far it is, when no event waits.
    pub fn notify_progress(&self, revision: u8) -> Option<State> {
        let watch = self.watch?;
        let pending = self.watched().data.keys[SELECTED] > watch.revision;
        let newer = !pending && revision > watch.revision;
        newer.then_some(State { watch: Some(Watch { revision, ..watch }), ..*self })
    }

    /// How many entries the log has.
    pub fn entries(&self) -> usize {
        self.log.iter().flatten().count()
    }

    /// How many entries are on the disks of a quorum.
    pub fn committed(&self) -> u8 {
        let mut persisted = self.members.map(|member| member.persisted);
        persisted.sort_unstable();
        persisted[MEMBERS - QUORUM]
    }

    pub(super) fn member(&self, number: u8) -> Member {
        self.members[usize::from(number)]
    }

    pub(super) fn watched(&self) -> Member {
        self.member(WATCHED)
    }

    pub(super) fn with(mut self, number: u8, member: Member) -> State {
        self.members[usize::from(number)] = member;
        self
    }

    pub(super) fn led_by(self, number: u8) -> State {
        let persisted = self.member(number).persisted;
        let mut next = State { leader: number, deposed: self.leader == 0, ..self };
        next.log[usize::from(persisted)..].fill(None);
        for member in &mut next.members {
            member.persisted = member.persisted.min(persisted);
        }
        next
    }

    pub(super) fn applicable(&self, number: u8) -> u8 {
        self.member(number).persisted.min(self.committed())
    }
}
