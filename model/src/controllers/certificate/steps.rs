//! The steps of who asks for certificates, who approves, who signs and who cleans up.

use super::{Action, Budgets, NUMBERS, Request, Review, State, Update};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Deliver => state.deliver(),
            Action::Review => state.review(),
            Action::Approve => state.approve(|review, request| review.uid == request.uid),
            Action::CommitApproval => state.commit_approval(State::is_as_read),
            Action::Sign => state.sign(Request::awaits_signature, |request| request.is_of_kubelet),
            Action::CommitSignature => state.commit_signature(State::is_as_read),
            Action::Clean => state.clean(|request| request.old),
            Action::GrowOld => state.grow_old(),
            Action::Ask { kubelet } => state.ask(kubelet),
            Action::Decide { approve } => state.decide(approve),
            Action::Withdraw => state.withdraw(),
            Action::Crash => state.crash(),
        }
    }
}

impl Request {
    /// Whether nobody has approved it or denied it.
    pub fn is_undecided(&self) -> bool {
        !self.approved && !self.denied && self.certificate.is_none()
    }

    /// Whether it is for the signer to give a certificate, or to say why not.
    pub fn awaits_signature(&self) -> bool {
        self.approved && !self.denied && !self.failed && self.certificate.is_none()
    }
}

impl State {
    /// The controllers hear of the request.
    pub fn deliver(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(0)?;
        Some(next)
    }

    /// The approver asks whether the author of a request may have what it asks for.
    pub fn review(&self) -> Option<Self> {
        let request = self.seen().filter(Request::is_undecided)?;
        let known = self.review.is_some_and(|review| review.uid == request.uid);
        let review = Some(Review { uid: request.uid, allowed: request.is_of_kubelet });
        (!known).then_some(State { review, ..*self })
    }

    /// The approver approves a request of whose author it was told that it may.
    pub fn approve(&self, is_of: fn(&Review, &Request) -> bool) -> Option<Self> {
        let read = self.seen().filter(Request::is_undecided)?;
        let review = self.review.filter(|review| review.allowed && is_of(review, &read))?;
        let approval = Some(Update { read, write: Request { approved: true, ..read } });
        (self.approval.is_none() && review.allowed).then_some(State { approval, ..*self })
    }

    /// The API server handles the approval, unless the request has changed (Conflict).
    pub fn commit_approval(&self, is_granted: fn(&State, Update) -> bool) -> Option<Self> {
        let update = self.approval?;
        let next = State { approval: None, ..*self };
        Some(if is_granted(self, update) { next.put(Some(update.write)) } else { next })
    }

    /// The signer signs what is approved and allowed, or says that it will not.
    pub fn sign(
        &self,
        awaits: fn(&Request) -> bool,
        is_allowed: fn(&Request) -> bool,
    ) -> Option<Self> {
        let read = self.seen().filter(awaits).filter(|_| self.signature.is_none())?;
        let mut next = *self;
        let write = if is_allowed(&read) {
            next.signed = self.signed % NUMBERS + 1;
            Request { certificate: Some(next.signed), ..read }
        } else {
            Request { failed: true, ..read }
        };
        next.signature = Some(Update { read, write });
        Some(next)
    }

    /// The API server handles the signature, unless the request has changed (Conflict).
    pub fn commit_signature(&self, is_granted: fn(&State, Update) -> bool) -> Option<Self> {
        let update = self.signature?;
        let next = State { signature: None, ..*self };
        Some(if is_granted(self, update) { next.put(Some(update.write)) } else { next })
    }

    /// The cleaner deletes a request whose time is over, by its uid.
    pub fn clean(&self, is_over: fn(&Request) -> bool) -> Option<Self> {
        let seen = self.seen().filter(is_over)?;
        let request = self.store.now().request?;
        (request.uid == seen.uid).then(|| self.put(None))
    }

    /// Time passes.
    pub fn grow_old(&self) -> Option<Self> {
        let request = self.store.now().request.filter(|request| !request.old)?;
        Some(self.put(Some(Request { old: true, ..request })))
    }

    /// Somebody asks for a certificate: a kubelet, or who may not have what it asks for.
    pub fn ask(&self, kubelet: bool) -> Option<Self> {
        let requests = self.budgets.requests.checked_sub(1)?;
        let next = State { budgets: Budgets { requests, ..self.budgets }, ..*self };
        let request = Request {
            uid: requests,
            is_of_kubelet: kubelet,
            approved: false,
            denied: false,
            failed: false,
            certificate: None,
            old: false,
        };
        let is_free = self.store.now().request.is_none();
        is_free.then(|| next.put(Some(request)))
    }

    /// A person approves or denies. Of one request only one of them can be said, and what is said stays.
    pub fn decide(&self, approve: bool) -> Option<Self> {
        let decisions = self.budgets.decisions.checked_sub(1)?;
        let request = self.store.now().request.filter(|one| !one.approved && !one.denied)?;
        let next = State { budgets: Budgets { decisions, ..self.budgets }, ..*self };
        Some(next.put(Some(Request { approved: approve, denied: !approve, ..request })))
    }

    /// Who asked deletes its request.
    pub fn withdraw(&self) -> Option<Self> {
        let withdrawals = self.budgets.withdrawals.checked_sub(1)?;
        let next = State { budgets: Budgets { withdrawals, ..self.budgets }, ..*self };
        self.store.now().request.map(|_| next.put(None))
    }

    /// The controllers crash, start again and list.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { review: None, approval: None, signature: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn seen(&self) -> Option<Request> {
        self.store.caches()?.request
    }

    /// Whether the request is as it was read.
    pub fn is_as_read(&self, update: Update) -> bool {
        self.store.now().request == Some(update.read)
    }

    pub(super) fn put(mut self, request: Option<Request>) -> Self {
        self.store.write(request);
        self
    }
}
