//! The service account token controller: fills Secrets of type `kubernetes.io/service-account-token` with
//! the token that they ask for, and deletes those whose service account is gone.
//!
//! Source: pkg/controller/serviceaccount/tokens_controller.go and pkg/serviceaccount/legacy.go (v1.36). Where
//! upstream reads a Secret or an account once more before it writes, the write names the `resourceVersion`
//! that was decided on. Signing takes a key, which whoever runs the controllers brings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use api::object::{SERVICE_ACCOUNT_TOKEN, text};
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use serde_json::{Value, json};

use crate::ownership::{name, uid};
use crate::{Controller, Plan};

const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";
const ROOT_CA: &str = "ca.crt";
const NAMESPACE: &str = "namespace";
const TOKEN: &str = "token";
/// How often a key is tried again before it is given up.
const RETRIES_MAX: u32 = 10;

/// Who issues tokens that are kept in Secrets.
const ISSUER: &str = "kubernetes/serviceaccount";

/// Signs claims with the key of service account tokens.
pub trait TokenSigner: fmt::Debug + Send + Sync {
    /// The token with these claims; `None` when there are no random numbers to sign with.
    fn token(&self, claims: &Value) -> Option<String>;
}

/// An account, as a Secret names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    name: String,
    /// Empty where the Secret does not say which of that name.
    uid: String,
}

impl Account {
    /// The account that a Secret is for; `None` for other Secrets.
    fn of(secret: &Secret) -> Option<Self> {
        let annotation = |key| {
            let annotations = secret.metadata.annotations.as_ref();
            annotations.and_then(|all| all.get(key)).cloned().unwrap_or_default()
        };
        let account = Self { name: annotation(ACCOUNT_NAME), uid: annotation(ACCOUNT_UID) };
        let is_token = secret.type_.as_deref() == Some(SERVICE_ACCOUNT_TOKEN);
        Some(account).filter(|account| is_token && !account.name.is_empty())
    }

    fn is_called(&self, uid: &str) -> bool {
        self.uid.is_empty() || self.uid == uid
    }

    /// The account in the cache, if it is this one.
    fn find<'a>(&self, view: &'a View, namespace: &str) -> Option<&'a Arc<ServiceAccount>> {
        let account = view.service_accounts.get(&Key::new(namespace, &self.name));
        account.filter(|account| self.is_called(uid(&account.metadata)))
    }
}

/// What the API server was asked about the account of one Secret. Another may have its name later.
#[derive(Clone, Debug)]
struct Asked {
    /// The uid of the Secret.
    secret: String,
    /// The uid of the account, nothing where there is none; `None` while there is no answer.
    account: Option<Option<String>>,
}

/// Fills Secrets with tokens.
#[derive(Clone, Debug)]
pub struct ServiceAccountTokenController {
    root_ca: Vec<u8>,
    signer: Arc<dyn TokenSigner>,
    /// Whose tokens were in Secrets that are gone.
    gone: BTreeMap<Key, Account>,
    /// What was asked, by Secret.
    asked: BTreeMap<Key, Asked>,
}

impl ServiceAccountTokenController {
    /// A controller that puts this certificate (PEM) beside each token.
    pub fn new(root_ca: &str, signer: Arc<dyn TokenSigner>) -> Self {
        Self {
            root_ca: root_ca.as_bytes().to_vec(),
            signer,
            gone: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// The Secret with what it lacks; `None` when it lacks nothing, or cannot be signed for.
    fn filled(&self, secret: &Secret, account: &Account) -> Option<Secret> {
        let mut filled = secret.clone();
        let namespace = secret.metadata.namespace.clone().unwrap_or_default();
        let data = filled.data.get_or_insert_default();
        if !self.root_ca.is_empty()
            && data.get(ROOT_CA).map(|bytes| &bytes.0) != Some(&self.root_ca)
        {
            data.insert(ROOT_CA.to_owned(), ByteString(self.root_ca.clone()));
        }
        if is_empty(data, NAMESPACE) {
            data.insert(NAMESPACE.to_owned(), ByteString(namespace.into_bytes()));
        }
        if is_empty(data, TOKEN) {
            let token = self.signer.token(&claims(secret, account))?;
            data.insert(TOKEN.to_owned(), ByteString(token.into_bytes()));
        }
        if filled.data == secret.data {
            return None;
        }
        let annotations = filled.metadata.annotations.get_or_insert_default();
        annotations.insert(ACCOUNT_NAME.to_owned(), account.name.clone());
        annotations.insert(ACCOUNT_UID.to_owned(), account.uid.clone());
        Some(filled)
    }

    /// Takes a Secret that is gone from the account that names it.
    fn unlink(&mut self, view: &View, key: &Key) -> Option<Request> {
        let account = self.gone.get(key)?.find(view, &key.namespace);
        let names = |account: &Arc<ServiceAccount>| {
            let mut secrets = account.secrets.iter().flatten();
            secrets.any(|secret| secret.name.as_deref() == Some(&key.name))
        };
        let Some(account) = account.filter(|account| names(account)) else {
            self.gone.remove(key);
            return None;
        };
        let mut account = ServiceAccount::clone(account);
        if let Some(secrets) = &mut account.secrets {
            secrets.retain(|secret| secret.name.as_deref() != Some(&key.name));
        }
        Some(Request::update(&account))
    }

    /// What a Secret needs.
    fn sync(
        &mut self,
        view: &View,
        key: &Key,
        (secret, asked): (&Secret, &Account),
    ) -> Option<Request> {
        let before = self.asked.remove(key);
        if let Some(found) = asked.find(view, &key.namespace) {
            return self.fill(secret, (asked, uid(&found.metadata)));
        }
        let secret_uid = uid(&secret.metadata);
        match before.filter(|before| before.secret == secret_uid).and_then(|one| one.account) {
            Some(Some(uid)) if asked.is_called(&uid) => self.fill(secret, (asked, &uid)),
            Some(_) => {
                Some(Request::delete(&resources::SECRETS, key.clone(), secret_uid, json!({})))
            }
            None => {
                let question = Asked { secret: secret_uid.to_owned(), account: None };
                self.asked.insert(key.clone(), question);
                let account = Key::new(&key.namespace, &asked.name);
                Some(Request::get(&resources::SERVICE_ACCOUNTS, account))
            }
        }
    }

    fn fill(&self, secret: &Secret, (asked, uid): (&Account, &str)) -> Option<Request> {
        let account = Account { name: asked.name.clone(), uid: uid.to_owned() };
        self.filled(secret, &account).as_ref().map(Request::update)
    }
}

impl Controller for ServiceAccountTokenController {
    fn name(&self) -> &'static str {
        "serviceaccount-token-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::default().up_to(RETRIES_MAX)
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if let AnyObject::Secret(secret) = change.object() {
            let Some(account) = Account::of(secret) else { return vec![] };
            if change.new.is_none() {
                self.gone.insert(change.key(), account);
            }
            return vec![change.key()];
        }
        if change.resource() != &resources::SERVICE_ACCOUNTS || change.new.is_some() {
            return vec![];
        }
        let account = change.key();
        let secrets = view.secrets.in_namespace(&account.namespace);
        let own = secrets
            .filter(|secret| Account::of(secret).is_some_and(|asked| asked.name == account.name));
        own.map(|secret| Key::of(&secret.metadata)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let secret = view.secrets.get(key);
        let request = match secret.and_then(|secret| Some((secret, Account::of(secret)?))) {
            Some((secret, account)) => {
                self.gone.remove(key);
                self.sync(view, key, (secret, &account))
            }
            None => {
                self.asked.remove(key);
                self.unlink(view, key)
            }
        };
        Plan { requests: request.into_iter().collect(), look_again: None }
            .observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb != Verb::Get {
            return;
        }
        let Some(asked) = self.asked.get_mut(key) else { return };
        match outcome {
            Ok(account) => {
                asked.account = Some(Some(text(account, &["metadata", "uid"]).to_owned()));
            }
            Err(status) if status.reason == Reason::NotFound => asked.account = Some(None),
            Err(_) => {}
        }
    }
}

fn is_empty(data: &BTreeMap<String, ByteString>, field: &str) -> bool {
    data.get(field).is_none_or(|bytes| bytes.0.is_empty())
}

/// What a token that is kept in a Secret says.
fn claims(secret: &Secret, account: &Account) -> Value {
    let namespace = secret.metadata.namespace.as_deref().unwrap_or_default();
    json!({
        "iss": ISSUER,
        "sub": format!("system:serviceaccount:{namespace}:{}", account.name),
        "kubernetes.io/serviceaccount/namespace": namespace,
        "kubernetes.io/serviceaccount/secret.name": name(&secret.metadata),
        "kubernetes.io/serviceaccount/service-account.name": account.name,
        "kubernetes.io/serviceaccount/service-account.uid": account.uid,
    })
}

#[cfg(test)]
pub(crate) mod tests;
