//! Service accounts that come and go, Secrets that ask for their tokens, and what every namespace has.

use std::collections::BTreeMap;

use api::object::{ROOT_CA, SERVICE_ACCOUNT_TOKEN, text};
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, any, create, delete, key, name, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const ACCOUNTS: &ApiResource = &resources::SERVICE_ACCOUNTS;
const SECRETS: &ApiResource = &resources::SECRETS;
const CONFIG_MAPS: &ApiResource = &resources::CONFIG_MAPS;

/// The namespace that comes and goes.
const TEAM: &str = "crew";

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let namespace = if random.one_in(3) { TEAM } else { "default" };
    match random.below(12) {
        0..=2 => Some(create(ACCOUNTS, namespace, robot(namespace))),
        3..=5 => {
            let account = if random.one_in(4) { "default" } else { "robot" };
            let secret = format!("token-{}", random.below(2));
            Some(create(SECRETS, namespace, token_of(&secret, (namespace, account))))
        }
        6 | 7 => Some(delete(ACCOUNTS, &any(store, ACCOUNTS, random)?, "Background")),
        8 => Some(delete(SECRETS, &any(store, SECRETS, random)?, "Background")),
        9 => {
            let map = any(store, CONFIG_MAPS, random).filter(|map| name(map) == ROOT_CA)?;
            let forged = json!({"data": {"ca.crt": "forged"}});
            Some(Request::merge_patch(CONFIG_MAPS, key(&map), forged))
        }
        10 => {
            let object =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}});
            Some(create(&resources::NAMESPACES, "", object))
        }
        _ => {
            let options = json!({"propagationPolicy": "Background"});
            Some(Request::delete(&resources::NAMESPACES, Key::cluster(TEAM), "", options))
                .filter(|_| random.one_in(2))
        }
    }
}

pub(crate) fn robot(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "robot", "namespace": namespace}})
}

/// A Secret that asks for the token of an account.
pub(crate) fn token_of(secret: &str, (namespace, account): (&str, &str)) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": SERVICE_ACCOUNT_TOKEN,
        "metadata": {"name": secret, "namespace": namespace,
            "annotations": {"kubernetes.io/service-account.name": account}}})
}

pub(super) fn annotation<'a>(secret: &'a Value, what: &str) -> &'a str {
    text(secret, &["metadata", "annotations", &format!("kubernetes.io/service-account.{what}")])
}

fn token(secret: &Value) -> &str {
    text(secret, &["data", "token"])
}

/// The account of the name that a Secret gives.
pub(super) fn account_of<'a>(accounts: &'a Objects, secret: &Value) -> Option<&'a Value> {
    let wanted = Key { name: annotation(secret, "name").to_owned(), ..key(secret) };
    accounts.iter().find(|account| key(account) == wanted)
}

/// By the uid of a Secret, the uid of the account that there was when it was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    accounts: BTreeMap<String, String>,
}

impl Made {
    /// SERVICEACCOUNT-3 and SERVICEACCOUNT-4.
    pub(super) fn broken(&mut self, moment: &Moment<'_>) -> Option<String> {
        if !moment.writes(SECRETS) {
            return None;
        }
        let [before, after] = [moment.before, moment.after].map(|store| objects(store, SECRETS));
        let accounts = objects(moment.before, ACCOUNTS);
        for secret in after.iter() {
            let account = account_of(&accounts, secret).map(uid).unwrap_or_default();
            self.accounts.entry(uid(secret).to_owned()).or_insert_with(|| account.to_owned());
        }
        let inherited = before.iter().find_map(|secret| inherits(secret, &after));
        inherited.or_else(|| {
            let is_gone = |secret: &&Value| !after.iter().any(|found| uid(found) == uid(secret));
            let gone = before.iter().find(is_gone).filter(|_| moment.is_by_controllers())?;
            let is_ending = ends(moment.before, gone);
            self.deleted(gone, &accounts).filter(|_| !is_ending)
        })
    }

    fn deleted(&self, secret: &Value, accounts: &Objects) -> Option<String> {
        let account = account_of(accounts, secret)?;
        let own = match annotation(secret, "uid") {
            "" => self.accounts.get(uid(secret))?,
            held => held,
        };
        (own == uid(account))
            .then(|| format!("SERVICEACCOUNT-4: {} is gone, and its account lives", name(secret)))
    }
}

fn inherits(secret: &Value, after: &Objects) -> Option<String> {
    let now = after.iter().find(|found| uid(found) == uid(secret))?;
    (!token(secret).is_empty() && token(now) != token(secret))
        .then(|| format!("SERVICEACCOUNT-3: {} has another token", name(secret)))
}

/// Whether the namespace of an object is being deleted.
fn ends(store: &Store, object: &Value) -> bool {
    let namespaces = objects(store, &resources::NAMESPACES);
    let own = namespaces.iter().find(|found| object["metadata"]["namespace"] == name(found));
    own.is_none_or(is_deleted)
}

/// SERVICEACCOUNT-1 and SERVICEACCOUNT-2, where somebody publishes certificates; SERVICEACCOUNT-6 and
/// SERVICEACCOUNT-7.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let accounts = objects(store, ACCOUNTS);
    let maps = objects(store, CONFIG_MAPS);
    let namespaces = objects(store, &resources::NAMESPACES);
    let is_published = maps.iter().any(|map| name(map) == ROOT_CA);
    let active = namespaces.iter().filter(|one| !is_deleted(one) && is_published);
    let lacking = active.into_iter().find_map(|namespace| {
        let (namespace, wanted) = (name(namespace), |what: &str| Key::new(name(namespace), what));
        let is_right = |map: &&Value| {
            key(map) == wanted(ROOT_CA) && text(map, &["data", "ca.crt"]) != "forged"
        };
        if !accounts.iter().any(|account| key(account) == wanted("default")) {
            Some(format!("SERVICEACCOUNT-1: {namespace} has no account"))
        } else if !maps.iter().any(|map| is_right(&map)) {
            Some(format!("SERVICEACCOUNT-2: {namespace} lacks the certificate"))
        } else {
            None
        }
    });
    lacking.or_else(|| {
        let secrets = objects(store, SECRETS);
        let tokens = secrets.iter().filter(|one| text(one, &["type"]) == SERVICE_ACCOUNT_TOKEN);
        tokens.into_iter().find_map(|secret| of_nobody(secret, &accounts))
    })
}

fn of_nobody(secret: &Value, accounts: &Objects) -> Option<String> {
    let account = account_of(accounts, secret).map(uid);
    match (token(secret).is_empty(), account) {
        (true, Some(_)) => Some(format!("SERVICEACCOUNT-6: {} has no token", name(secret))),
        (false, account) if account != Some(annotation(secret, "uid")) => {
            Some(format!("SERVICEACCOUNT-7: {} outlives its account", name(secret)))
        }
        (true, None) | (false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(uid: &str, token: &str) -> Value {
        let mut secret = token_of("kept", ("n", "robot"));
        secret["metadata"]["uid"] = json!("s");
        secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] = json!(uid);
        secret["data"] = json!({"token": token});
        secret
    }

    fn account(uid: &str) -> Value {
        let mut account = robot("n");
        account["metadata"]["uid"] = json!(uid);
        account
    }

    #[test]
    fn a_token_stays_with_its_secret_and_goes_with_its_account() {
        let claim = |why: Option<String>| why.map(|why| why[..16].to_owned());
        let held = secret("1", "t");

        assert_eq!(inherits(&held, &[secret("1", "t")].into()), None);
        assert_eq!(
            claim(inherits(&held, &[secret("2", "u")].into())).as_deref(),
            Some("SERVICEACCOUNT-3")
        );
        assert_eq!(of_nobody(&held, &[account("1")].into()), None);
        for (secret, account, expected) in [
            (secret("", ""), account("1"), "SERVICEACCOUNT-6"),
            (held, account("2"), "SERVICEACCOUNT-7"),
        ] {
            assert_eq!(claim(of_nobody(&secret, &[account].into())).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_secret_is_kept_for_the_account_that_it_was_made_for() {
        let accounts = BTreeMap::from([("s".to_owned(), "1".to_owned())]);
        let made = Made { accounts };
        let unfilled = secret("", "");

        assert!(made.deleted(&unfilled, &[account("1")].into()).is_some());
        assert_eq!(made.deleted(&unfilled, &[account("2")].into()), None);
        assert_eq!(made.deleted(&unfilled, &[].into()), None);
    }
}
