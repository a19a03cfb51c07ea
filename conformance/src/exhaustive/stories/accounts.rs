//! Stories of those who get certificates and tokens.

use api::object::ROOT_CA;
use api::{ApiResource, Key, Request, resources};
use serde_json::json;
use store::Store;

use super::{QUIET, Story, delete};
use crate::sim::Workload;
use crate::sim::user::create;
use crate::sim::workloads::accounts::{robot, token_of};
use crate::sim::workloads::certificates::{NODE, USER, decide, is_denied_late, request};

const ACCOUNTS: &ApiResource = &resources::SERVICE_ACCOUNTS;
const SECRETS: &ApiResource = &resources::SECRETS;
const REQUESTS: &ApiResource = &resources::CERTIFICATE_SIGNING_REQUESTS;

/// A kubelet asks for a certificate, takes its request back and asks again, while somebody denies.
pub(super) const CERTIFICATE: Story = Story {
    name: "certificate",
    controllers: &[
        "certificatesigningrequest-approving-controller",
        "certificatesigningrequest-signing-controller",
    ],
    resources: &[REQUESTS],
    workload: Some(Workload::Certificates),
    asked: &[
        |_| create(REQUESTS, "", request("csr-0", NODE)),
        deny,
        |_| delete(REQUESTS, Key::cluster("csr-0"), "Background"),
        |_| create(REQUESTS, "", request("csr-0", NODE)),
    ],
    possible: &[("CERTIFICATE-8", is_denied_late)],
    ..QUIET
};

/// Hours ago a request was denied; it is taken back, and asked again.
pub(super) const CLEANED: Story = Story {
    name: "cleaned",
    controllers: &["certificatesigningrequest-cleaner-controller"],
    resources: &[REQUESTS],
    workload: Some(Workload::Certificates),
    given: &[
        |_| create(REQUESTS, "", request("csr-0", USER)),
        deny,
        |_| create(REQUESTS, "", request("csr-1", USER)),
    ],
    asked: &[
        |_| delete(REQUESTS, Key::cluster("csr-0"), "Background"),
        |_| create(REQUESTS, "", request("csr-0", USER)),
    ],
    losses: 1,
    quiet_seconds: HOURS_SECONDS,
    ..QUIET
};

/// Longer than an answer is kept, and shorter than a question.
const HOURS_SECONDS: u64 = 3 * 3600;

fn deny(_: &Store) -> Request {
    decide(&request("csr-0", USER), "Denied")
}

/// A service account goes and comes again, and so does the Secret with its token.
pub(super) const TOKEN: Story = Story {
    name: "token",
    controllers: &["serviceaccount-token-controller"],
    resources: &[ACCOUNTS, SECRETS],
    workload: Some(Workload::Accounts),
    given: &[
        |_| create(ACCOUNTS, "default", robot("default")),
        |_| create(SECRETS, "default", token_of("token-0", ("default", "robot"))),
    ],
    asked: &[
        |_| delete(ACCOUNTS, Key::new("default", "robot"), "Background"),
        |_| delete(SECRETS, Key::new("default", "token-0"), "Background"),
        |_| create(ACCOUNTS, "default", robot("default")),
        |_| create(SECRETS, "default", token_of("token-0", ("default", "robot"))),
    ],
    ..QUIET
};

/// A namespace loses its account.
pub(super) const ACCOUNT: Story = Story {
    name: "account",
    controllers: &["serviceaccount-controller", "root-ca-certificate-publisher-controller"],
    resources: &[&resources::NAMESPACES, ACCOUNTS, &resources::CONFIG_MAPS],
    workload: Some(Workload::Accounts),
    asked: &[|_| delete(ACCOUNTS, Key::new("default", "default"), "Background")],
    crashes: 1,
    ..QUIET
};

/// Somebody forges the certificate.
pub(super) const ROOT_CERTIFICATE: Story = Story {
    name: "root-certificate",
    asked: &[|_| {
        let forged = json!({"data": {"ca.crt": "forged"}});
        Request::merge_patch(&resources::CONFIG_MAPS, Key::new("default", ROOT_CA), forged)
    }],
    ..ACCOUNT
};
