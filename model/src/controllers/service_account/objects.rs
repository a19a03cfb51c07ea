//! A namespace, its account and its certificate, and a Secret, as the API server stores them.

use crate::history;
use crate::packed;

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// Whether the namespace is Active.
    pub active: bool,
    /// The ConfigMap `kube-root-ca.crt`: whether it holds the certificate.
    pub root_ca: Option<bool>,
    /// The uid of the account `default`.
    pub account: Option<u8>,
    /// The Secret.
    pub secret: Option<Secret>,
}

/// A Secret of type `kubernetes.io/service-account-token`. Two that are equal count as one resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Secret {
    /// Which of its name.
    pub uid: u8,
    /// The uid of the account that there was when it was made. Nobody reads it.
    pub made_for: Option<u8>,
    /// The uid of the account whose token it holds.
    pub token: Option<u8>,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The namespace is Terminating.
    Terminating,
    /// Of the certificate.
    RootCa(Option<bool>),
    /// Of the account.
    Account(Option<u8>),
    /// Of the Secret.
    Secret(Option<Secret>),
}

impl Objects {
    /// A new namespace.
    pub const NEW: Self = Objects { active: true, root_ca: None, account: None, secret: None };
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Terminating => self.active = false,
            Event::RootCa(root_ca) => self.root_ca = root_ca,
            Event::Account(account) => self.account = account,
            Event::Secret(secret) => self.secret = secret,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        let own = match event {
            Event::Terminating | Event::RootCa(_) => super::NAMESPACE_INFORMER,
            Event::Account(_) => super::ACCOUNT_INFORMER,
            Event::Secret(_) => super::SECRET_INFORMER,
        };
        watcher == own
    }
}

packed!(struct Objects { active, root_ca, account, secret });
packed!(struct Secret { uid, made_for, token });
packed!(
    enum Event {
        Terminating,
        RootCa(root_ca),
        Account(account),
        Secret(secret),
    }
);
