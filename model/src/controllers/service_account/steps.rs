//! The steps of the controllers of accounts, certificates and tokens, and of their clients.

use super::objects::{Event, Objects, Secret};
use super::{
    ACCOUNT_INFORMER, Action, Answer, Asked, Budgets, NAMESPACE_INFORMER, SECRET_INFORMER, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverNamespace => state.deliver(NAMESPACE_INFORMER),
            Action::DeliverAccount => state.deliver(ACCOUNT_INFORMER),
            Action::DeliverSecret => state.deliver(SECRET_INFORMER),
            Action::EnsureAccount => state.ensure_account(),
            Action::PublishRootCa => state.publish_root_ca(|root_ca| root_ca != Some(true)),
            Action::LookUp => state.look_up(),
            Action::SyncSecret => state.sync_secret(|answer, secret| answer.secret == secret.uid),
            Action::Commit => state.commit(),
            Action::DeleteAccount => state.delete_account(),
            Action::CreateSecret => state.create_secret(),
            Action::DeleteSecret => state.delete_secret(),
            Action::ChangeRootCa => state.change_root_ca(),
            Action::EndNamespace => state.end_namespace(),
            Action::Crash => state.crash(),
        }
    }
}

impl Secret {
    /// Whether it may hold the token of the account of this uid.
    pub fn is_for(&self, account: u8) -> bool {
        self.token.is_none_or(|token| token == account)
    }
}

impl State {
    /// An informer hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller of accounts creates the account of an active namespace that has none.
    pub fn ensure_account(&self) -> Option<Self> {
        let (seen, live) = (self.seen()?, self.store.now());
        let is_missing = seen.active && seen.account.is_none();
        let is_created = live.active && live.account.is_none();
        let uid = self.budgets.account_deletions;
        (is_missing && is_created).then(|| self.put(Event::Account(Some(uid))))
    }

    /// The publisher writes the certificate where it is missing or was changed.
    pub fn publish_root_ca(&self, is_wanting: fn(Option<bool>) -> bool) -> Option<Self> {
        let (seen, live) = (self.seen()?, self.store.now());
        let is_as_seen = live.active && seen.root_ca == live.root_ca;
        (seen.active && is_wanting(seen.root_ca) && is_as_seen)
            .then(|| self.put(Event::RootCa(Some(true))))
    }

    /// The token controller does not find the account of a Secret in its cache, and asks the API server.
    pub fn look_up(&self) -> Option<Self> {
        let seen = self.seen().filter(|_| self.asked.is_none())?;
        let secret = seen.secret?;
        let is_found = seen.account.is_some_and(|account| secret.is_for(account));
        let answer = Some(Answer { secret: secret.uid, account: self.store.now().account });
        (!is_found && answer != self.answer).then_some(State { answer, ..*self })
    }

    /// The token controller fills a Secret, or deletes one whose account is gone.
    pub fn sync_secret(&self, is_of: fn(&Answer, &Secret) -> bool) -> Option<Self> {
        let seen = self.seen().filter(|_| self.asked.is_none())?;
        let secret = seen.secret?;
        let next = State { answer: None, ..*self };
        if let Some(account) = seen.account.filter(|account| secret.is_for(*account)) {
            return next.fills(secret, account);
        }
        let answer = self.answer.filter(|answer| is_of(answer, &secret))?;
        match answer.account.filter(|account| secret.is_for(*account)) {
            Some(account) => next.fills(secret, account),
            None => Some(State { asked: Some(Asked::Delete(secret.uid)), ..next }),
        }
    }

    pub(super) fn fills(self, secret: Secret, account: u8) -> Option<Self> {
        let asked = Some(Asked::Fill(secret, account));
        (secret.token != Some(account)).then_some(State { asked, ..self })
    }

    /// The API server handles what the token controller has asked for.
    pub fn commit(&self) -> Option<Self> {
        let asked = self.asked?;
        let next = State { asked: None, ..*self };
        let live = self.store.now().secret;
        Some(match asked {
            Asked::Fill(read, account) if live == Some(read) => {
                next.put(Event::Secret(Some(Secret { token: Some(account), ..read })))
            }
            Asked::Delete(uid) if live.is_some_and(|secret| secret.uid == uid) => {
                next.put(Event::Secret(None))
            }
            Asked::Fill(..) | Asked::Delete(_) => next,
        })
    }

    /// A client deletes the account.
    pub fn delete_account(&self) -> Option<Self> {
        let account_deletions = self.budgets.account_deletions.checked_sub(1)?;
        let next = State { budgets: Budgets { account_deletions, ..self.budgets }, ..*self };
        self.store.now().account.map(|_| next.put(Event::Account(None)))
    }

    /// A client asks for the token of the account by its name.
    pub fn create_secret(&self) -> Option<Self> {
        let secrets = self.budgets.secrets.checked_sub(1)?;
        let Objects { active, secret, account, .. } = self.store.now();
        let next = State { budgets: Budgets { secrets, ..self.budgets }, ..*self };
        let made = Secret { uid: secrets, made_for: account, token: None };
        (active && secret.is_none()).then(|| next.put(Event::Secret(Some(made))))
    }

    /// A client deletes the Secret.
    pub fn delete_secret(&self) -> Option<Self> {
        let secret_deletions = self.budgets.secret_deletions.checked_sub(1)?;
        let next = State { budgets: Budgets { secret_deletions, ..self.budgets }, ..*self };
        self.store.now().secret.map(|_| next.put(Event::Secret(None)))
    }

    /// A client changes the certificate.
    pub fn change_root_ca(&self) -> Option<Self> {
        let changes = self.budgets.changes.checked_sub(1)?;
        let next = State { budgets: Budgets { changes, ..self.budgets }, ..*self };
        self.store.now().root_ca.map(|_| next.put(Event::RootCa(Some(false))))
    }

    /// A client deletes the namespace: nothing is created in it any more.
    pub fn end_namespace(&self) -> Option<Self> {
        self.store.now().active.then(|| self.put(Event::Terminating))
    }

    /// The controllers crash, start again and list.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { answer: None, asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    pub(super) fn seen(&self) -> Option<Objects> {
        self.store.caches()
    }

    pub(super) fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
