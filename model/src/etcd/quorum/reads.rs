//! How a member answers reads: at once, or at an index that a quorum has confirmed.

use super::{Answer, Heartbeat, MEMBERS, Queued, Read, State};

impl State {
    /// A member answers from what it has applied, and asks nobody.
    pub fn read_serializable(&self, number: u8) -> Option<State> {
        let mut next = *self;
        next.budgets.serializable_reads = self.budgets.serializable_reads.checked_sub(1)?;
        let lag = self.acknowledged.saturating_sub(self.member(number).applied);
        next.serializable_lag = Some(lag);
        Some(next)
    }

    /// A client asks member 0 for a linearizable read.
    pub fn start_read(&self, read: u8) -> Option<State> {
        let mut next = *self;
        next.budgets.reads = self.budgets.reads.checked_sub(1)?;
        let first = self.reads.iter().position(|read| *read == Read::None);
        next.reads[usize::from(read)] = Read::Asked(self.acknowledged);
        (first == Some(usize::from(read))).then_some(next)
    }

    /// The member asks the leader for the index to read at (ReadIndex). If it believes to lead
    /// itself, the read waits for a quorum that agrees.
    pub fn ask_leader(&self, read: u8) -> Option<State> {
        let Read::Asked(floor) = self.reads[usize::from(read)] else {
            return None;
        };
        let heartbeats = [Heartbeat::Silent; MEMBERS];
        if self.believes_to_lead() {
            let index = None;
            return self.with_read(read, Read::Waiting { floor, heartbeats, index }).queued(read);
        }
        let index = Some(self.committed());
        Some(self.with_read(read, Read::Waiting { floor, heartbeats, index }))
    }

    /// The answer takes long, and the member asks again: under a new id, to which nobody has
    /// agreed. While the leader still has the first request, it ignores the second.
    pub fn ask_again(&self, read: u8, heartbeats: [Heartbeat; MEMBERS]) -> Option<State> {
        let Read::Waiting { floor, index, .. } = self.reads[usize::from(read)] else {
            return None;
        };
        let mut next = self.with_read(read, Read::Waiting { floor, heartbeats, index });
        next.budgets.retries = self.budgets.retries.checked_sub(1)?;
        if self.believes_to_lead() && self.place(read).is_none() { next.queued(read) } else { None }
    }

    /// A member agrees that member 0 leads, as long as it has not elected another.
    pub fn answer_heartbeat(&self, read: u8, member: u8) -> Option<State> {
        let asked = self.leader == 0 && self.place(read).is_some();
        let silent = self.heartbeat(read, member) == Some(Heartbeat::Silent);
        (asked && silent).then(|| self.with_heartbeat(read, member, Heartbeat::Sent))
    }

    /// Member 0 learns that a member agreed. That makes a quorum: the read that was asked about and
    /// all that were queued before it are confirmed.
    pub fn receive_heartbeat(&self, read: u8, member: u8) -> Option<State> {
        let place = self.place(read).filter(|_| self.believes_to_lead())?;
        if self.heartbeat(read, member) != Some(Heartbeat::Sent) {
            return None;
        }
        let mut next = self.with_heartbeat(read, member, Heartbeat::Received);
        for queued in self.queue.iter().take(place + 1).flatten() {
            next = next.confirmed(*queued);
        }
        next.queue.fill(None);
        let later = self.queue.iter().skip(place + 1);
        next.queue.iter_mut().zip(later).for_each(|(to, from)| *to = *from);
        Some(next)
    }

    /// The member has applied the index that was confirmed, and answers the client.
    pub fn answer_read(&self, read: u8) -> Option<State> {
        let Read::Waiting { floor, index: Some(index), .. } = self.reads[usize::from(read)] else {
            return None;
        };
        let applied = self.member(0).applied;
        let answer = Read::Answered(Answer { floor, applied });
        (applied >= index).then(|| self.with_read(read, answer))
    }

    fn place(&self, read: u8) -> Option<usize> {
        self.queue.iter().position(|queued| queued.is_some_and(|queued| queued.read == read))
    }

    fn queued(mut self, read: u8) -> Option<State> {
        let index = self.applicable(0);
        let free = self.queue.iter_mut().find(|queued| queued.is_none())?;
        *free = Some(Queued { read, index });
        Some(self)
    }

    fn confirmed(&self, queued: Queued) -> State {
        match self.reads[usize::from(queued.read)] {
            Read::Waiting { floor, heartbeats, index } => {
                let index = index.or(Some(queued.index));
                self.with_read(queued.read, Read::Waiting { floor, heartbeats, index })
            }
            Read::None | Read::Asked(_) | Read::Answered(_) => *self,
        }
    }

    fn heartbeat(&self, read: u8, member: u8) -> Option<Heartbeat> {
        match self.reads[usize::from(read)] {
            Read::Waiting { heartbeats, .. } => Some(heartbeats[usize::from(member)]),
            Read::None | Read::Asked(_) | Read::Answered(_) => None,
        }
    }

    fn with_heartbeat(&self, read: u8, member: u8, now: Heartbeat) -> State {
        match self.reads[usize::from(read)] {
            Read::Waiting { floor, mut heartbeats, index } => {
                heartbeats[usize::from(member)] = now;
                self.with_read(read, Read::Waiting { floor, heartbeats, index })
            }
            Read::None | Read::Asked(_) | Read::Answered(_) => *self,
        }
    }

    pub(super) fn with_read(mut self, read: u8, now: Read) -> State {
        self.reads[usize::from(read)] = now;
        self
    }

    pub(super) fn believes_to_lead(&self) -> bool {
        self.leader == 0 || self.deposed
    }
}
