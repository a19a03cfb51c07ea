//! Tests of what Secrets are filled with, with a signer whose tokens are their claims.

use api::ApiResource;

use super::*;
use crate::testing::{World, at, names, requests};

const SECRETS: &ApiResource = &resources::SECRETS;
const ACCOUNTS: &ApiResource = &resources::SERVICE_ACCOUNTS;

/// Signs with nothing: its tokens are their claims.
#[derive(Debug)]
pub(crate) struct Readable;

impl TokenSigner for Readable {
    fn token(&self, claims: &Value) -> Option<String> {
        Some(claims.to_string())
    }
}

fn key() -> Key {
    Key::new("n", "kept")
}

fn world() -> World<ServiceAccountTokenController> {
    World::new(ServiceAccountTokenController::new("PEM", Arc::new(Readable)))
}

fn account(secrets: Value) -> Value {
    json!({"metadata": {"name": "robot", "namespace": "n"}, "secrets": secrets})
}

fn secret(kind: &str, data: Value) -> Value {
    json!({"metadata": {"name": "kept", "namespace": "n", "annotations": {ACCOUNT_NAME: "robot"}},
        "type": kind, "data": data})
}

fn token_secret() -> Value {
    secret(SERVICE_ACCOUNT_TOKEN, json!({}))
}

fn encoded(text: &str) -> Value {
    serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap()
}

/// A Secret as a plan writes it.
fn written(plan: &Plan) -> Secret {
    let update = requests(plan, Verb::Update, SECRETS)[0].body.clone().unwrap();
    serde_json::from_value(update).unwrap()
}

#[test]
fn a_secret_gets_the_token_of_its_account() {
    let mut world = world();
    world.put(ACCOUNTS, account(Value::Null));
    let due = world.put(SECRETS, token_secret());

    let secret = written(&world.reconcile(&due[0], at(10)));

    let data = secret.data.unwrap();
    let text = |field: &str| String::from_utf8(data[field].0.clone()).unwrap();
    assert_eq!((text("ca.crt").as_str(), text("namespace").as_str()), ("PEM", "n"));
    let claims: Value = serde_json::from_str(&text("token")).unwrap();
    assert_eq!(claims["iss"], "kubernetes/serviceaccount");
    assert_eq!(claims["sub"], "system:serviceaccount:n:robot");
    assert_eq!(claims["kubernetes.io/serviceaccount/secret.name"], "kept");
    assert_eq!(claims["kubernetes.io/serviceaccount/service-account.uid"], "uid-robot");
    let annotations = secret.metadata.annotations.unwrap();
    assert_eq!(annotations[ACCOUNT_UID], "uid-robot");
}

#[test]
fn a_secret_that_has_everything_is_left_alone() {
    let mut world = world();
    world.put(ACCOUNTS, account(Value::Null));
    let data = json!({"ca.crt": encoded("PEM"), "namespace": encoded("n"), "token": encoded("t")});
    world.put(SECRETS, secret(SERVICE_ACCOUNT_TOKEN, data.clone()));
    let whole = world.reconcile(&key(), at(10));
    let mut stale = data;
    stale["ca.crt"] = encoded("old");
    world.put(SECRETS, secret(SERVICE_ACCOUNT_TOKEN, stale));

    let secret = written(&world.reconcile(&key(), at(10)));

    assert_eq!(whole, Plan::default());
    let data = secret.data.unwrap();
    assert_eq!((data["ca.crt"].0.as_slice(), data["token"].0.as_slice()), (&b"PEM"[..], &b"t"[..]));
}

#[test]
fn secrets_of_other_types_are_nobodys() {
    let mut world = world();

    assert!(world.put(SECRETS, secret("Opaque", json!({}))).is_empty());
}

#[test]
fn a_secret_whose_account_the_api_server_does_not_have_goes() {
    let mut world = world();
    world.put(SECRETS, token_secret());

    let asks = world.reconcile(&key(), at(10));
    world.refuse(&key(), &asks.requests[0], Reason::NotFound);
    let deletes = world.reconcile(&key(), at(10));

    assert_eq!(names(&asks, Verb::Get, ACCOUNTS), ["robot"]);
    assert_eq!(names(&deletes, Verb::Delete, SECRETS), ["kept"]);
    let options = deletes.requests[0].body.clone().unwrap();
    assert_eq!(options["preconditions"]["uid"], "uid-kept");
}

#[test]
fn what_is_said_of_one_secret_does_not_count_for_the_next_of_its_name() {
    let mut world = world();
    world.put(SECRETS, token_secret());
    let asks = world.reconcile(&key(), at(10));
    world.refuse(&key(), &asks.requests[0], Reason::NotFound);
    let mut next = token_secret();
    next["metadata"]["uid"] = json!("uid-next");
    world.put(SECRETS, next);

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(names(&plan, Verb::Delete, SECRETS), Vec::<String>::new());
    assert_eq!(names(&plan, Verb::Get, ACCOUNTS), ["robot"]);
}

#[test]
fn an_account_that_only_the_api_server_knows_of_keeps_its_secret() {
    let mut world = world();
    world.put(SECRETS, token_secret());
    let asks = world.reconcile(&key(), at(10));
    world.grant(&key(), &asks.requests[0], json!({"metadata": {"name": "robot", "uid": "new"}}));

    let secret = written(&world.reconcile(&key(), at(10)));

    assert_eq!(secret.metadata.annotations.unwrap()[ACCOUNT_UID], "new");
}

#[test]
fn the_secret_of_an_earlier_account_of_the_name_goes() {
    let mut world = world();
    let mut of_earlier = token_secret();
    of_earlier["metadata"]["annotations"][ACCOUNT_UID] = json!("earlier");
    world.put(ACCOUNTS, account(Value::Null));
    world.put(SECRETS, of_earlier);
    let asks = world.reconcile(&key(), at(10));
    let account = json!({"metadata": {"name": "robot", "uid": "uid-robot"}});
    world.grant(&key(), &asks.requests[0], account);

    let deletes = world.reconcile(&key(), at(10));

    assert_eq!(names(&deletes, Verb::Delete, SECRETS), ["kept"]);
}

#[test]
fn an_account_that_goes_makes_its_secrets_due() {
    let mut world = world();
    world.put(ACCOUNTS, account(Value::Null));
    world.put(SECRETS, token_secret());
    let mut other = token_secret();
    other["metadata"]["name"] = json!("other");
    other["metadata"]["annotations"][ACCOUNT_NAME] = json!("other");
    world.put(SECRETS, other);

    let due = world.remove(ACCOUNTS, &Key::new("n", "robot"));

    assert_eq!(due, [key()]);
}

#[test]
fn a_secret_that_is_gone_is_named_by_its_account_no_longer() {
    let mut world = world();
    world.put(ACCOUNTS, account(json!([{"name": "kept"}, {"name": "other"}])));
    world.put(SECRETS, token_secret());
    let due = world.remove(SECRETS, &key());

    let unlinks = world.reconcile(&due[0], at(10));
    world.put(ACCOUNTS, account(json!([{"name": "other"}])));
    let done = world.reconcile(&due[0], at(11));

    let body = requests(&unlinks, Verb::Update, ACCOUNTS)[0].body.clone().unwrap();
    assert_eq!(body["secrets"], json!([{"name": "other"}]));
    assert_eq!(done, Plan::default());
}
