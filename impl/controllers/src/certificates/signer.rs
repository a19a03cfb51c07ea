//! The signers that Kubernetes brings, and what each signs.
//!
//! Source: pkg/apis/certificates/helpers.go and pkg/controller/certificates/signer/signer.go (v1.36).

use std::collections::BTreeSet;

use k8s_openapi::api::certificates::v1::CertificateSigningRequestSpec;

use super::{AlternativeName, Subject};

const NODES: &str = "system:nodes";
const NODE_PREFIX: &str = "system:node:";

/// A signer of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// Any client of the API server.
    Client,
    /// A kubelet as a client of the API server.
    KubeletClient,
    /// A kubelet as a server.
    KubeletServing,
    /// What was asked for before signers had names.
    LegacyUnknown,
}

impl Signer {
    /// The signer that a request names; `None` for one that is not Kubernetes'.
    pub(super) fn named(spec: &CertificateSigningRequestSpec) -> Option<Self> {
        match spec.signer_name.as_str() {
            "kubernetes.io/kube-apiserver-client" => Some(Self::Client),
            "kubernetes.io/kube-apiserver-client-kubelet" => Some(Self::KubeletClient),
            "kubernetes.io/kubelet-serving" => Some(Self::KubeletServing),
            "kubernetes.io/legacy-unknown" => Some(Self::LegacyUnknown),
            _ => None,
        }
    }

    /// Why it does not sign a request, in upstream's words.
    pub(super) fn check(
        self,
        subject: &Subject,
        spec: &CertificateSigningRequestSpec,
    ) -> Result<(), String> {
        let usages = spec.usages.iter().flatten().map(String::as_str);
        match self {
            Self::Client => check_client(usages),
            Self::KubeletClient => check_kubelet_client(subject, &usages.collect()),
            Self::KubeletServing => check_kubelet_serving(subject, &usages.collect()),
            Self::LegacyUnknown => Ok(()),
        }
    }
}

fn check_client<'a>(usages: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut is_client = false;
    for usage in usages {
        match usage {
            "digital signature" | "key encipherment" => {}
            "client auth" => is_client = true,
            other => return Err(format!("invalid usage for client certificate: {other}")),
        }
    }
    if is_client {
        Ok(())
    } else {
        Err("missing required usage for client certificate: client auth".to_owned())
    }
}

fn check_kubelet_client(subject: &Subject, usages: &BTreeSet<&str>) -> Result<(), String> {
    check_organization(subject)?;
    let kinds =
        [AlternativeName::Dns, AlternativeName::Email, AlternativeName::Ip, AlternativeName::Uri];
    check_alternative_names(subject, &kinds)?;
    check_common_name(subject)?;
    check_kubelet_usages(usages, "client auth")
}

fn check_kubelet_serving(subject: &Subject, usages: &BTreeSet<&str>) -> Result<(), String> {
    check_organization(subject)?;
    let has = |kind| subject.alternative_names.contains(&kind);
    if !has(AlternativeName::Dns) && !has(AlternativeName::Ip) {
        return Err("DNS or IP subjectAltName is required".to_owned());
    }
    check_alternative_names(subject, &[AlternativeName::Email, AlternativeName::Uri])?;
    check_kubelet_usages(usages, "server auth")?;
    check_common_name(subject)
}

fn check_organization(subject: &Subject) -> Result<(), String> {
    if subject.organizations == [NODES] {
        return Ok(());
    }
    Err(format!("subject organization is not {NODES}"))
}

fn check_common_name(subject: &Subject) -> Result<(), String> {
    if subject.common_name.starts_with(NODE_PREFIX) {
        return Ok(());
    }
    Err(format!("subject common name does not begin with {NODE_PREFIX}"))
}

/// Refuses the first of these kinds that there is.
fn check_alternative_names(subject: &Subject, kinds: &[AlternativeName]) -> Result<(), String> {
    let found = kinds.iter().find(|kind| subject.alternative_names.contains(kind));
    let name = match found {
        None => return Ok(()),
        Some(AlternativeName::Dns) => "DNS",
        Some(AlternativeName::Email) => "Email",
        Some(AlternativeName::Ip) => "IP",
        Some(AlternativeName::Uri) => "URI",
    };
    Err(format!("{name} subjectAltNames are not allowed"))
}

/// A kubelet's key signs and does what it is for; one of RSA may encipher keys as well.
fn check_kubelet_usages(usages: &BTreeSet<&str>, own: &str) -> Result<(), String> {
    let mut allowed = BTreeSet::from(["digital signature", own]);
    if *usages == allowed {
        return Ok(());
    }
    allowed.insert("key encipherment");
    if *usages == allowed {
        return Ok(());
    }
    let allowed: Vec<&str> = allowed.into_iter().collect();
    Err(format!("usages did not match [{}]", allowed.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(names: &[AlternativeName]) -> Subject {
        Subject {
            common_name: "system:node:n1".to_owned(),
            organizations: vec![NODES.to_owned()],
            alternative_names: names.iter().copied().collect(),
        }
    }

    fn spec(usages: &[&str]) -> CertificateSigningRequestSpec {
        let usages = usages.iter().map(|usage| (*usage).to_owned()).collect();
        CertificateSigningRequestSpec { usages: Some(usages), ..Default::default() }
    }

    /// What a signer says of a request, empty when it signs.
    fn refusal(signer: Signer, subject: &Subject, usages: &[&str]) -> String {
        signer.check(subject, &spec(usages)).err().unwrap_or_default()
    }

    #[test]
    fn a_client_may_ask_for_what_a_client_needs() {
        let subject = Subject::default();
        let table = [
            (&["client auth"][..], ""),
            (&["client auth", "digital signature", "key encipherment"], ""),
            (&["client auth", "server auth"], "invalid usage for client certificate: server auth"),
            (&["digital signature"], "missing required usage for client certificate: client auth"),
        ];
        for (usages, expected) in table {
            assert_eq!(refusal(Signer::Client, &subject, usages), expected);
        }
    }

    #[test]
    fn a_kubelets_usages_are_those_of_one_purpose() {
        let client = "usages did not match [client auth digital signature key encipherment]";
        let serving = "usages did not match [digital signature key encipherment server auth]";
        let name = [AlternativeName::Dns];
        let table = [
            (Signer::KubeletClient, &["digital signature", "client auth"][..], ""),
            (Signer::KubeletClient, &["key encipherment", "digital signature", "client auth"], ""),
            (Signer::KubeletClient, &["client auth"], client),
            (Signer::KubeletClient, &["digital signature", "server auth"], client),
            (Signer::KubeletServing, &["digital signature", "server auth"], ""),
            (Signer::KubeletServing, &["server auth", "key encipherment", "digital signature"], ""),
            (Signer::KubeletServing, &["digital signature", "client auth"], serving),
        ];
        for (signer, usages, expected) in table {
            let names = if signer == Signer::KubeletServing { &name[..] } else { &[] };
            assert_eq!(refusal(signer, &node(names), usages), expected, "{signer:?} {usages:?}");
        }
    }

    #[test]
    fn a_kubelets_alternative_names_are_those_of_a_server() {
        use AlternativeName::{Dns, Email, Ip, Uri};
        let table = [
            (Signer::KubeletClient, &[Dns][..], "DNS subjectAltNames are not allowed"),
            (Signer::KubeletClient, &[Email], "Email subjectAltNames are not allowed"),
            (Signer::KubeletClient, &[Ip], "IP subjectAltNames are not allowed"),
            (Signer::KubeletClient, &[Uri], "URI subjectAltNames are not allowed"),
            (Signer::KubeletServing, &[Ip], ""),
            (Signer::KubeletServing, &[], "DNS or IP subjectAltName is required"),
            (Signer::KubeletServing, &[Dns, Email], "Email subjectAltNames are not allowed"),
            (Signer::KubeletServing, &[Dns, Uri], "URI subjectAltNames are not allowed"),
        ];
        for (signer, names, expected) in table {
            let own = if signer == Signer::KubeletClient { "client auth" } else { "server auth" };
            let found = refusal(signer, &node(names), &["digital signature", own]);
            assert_eq!(found, expected, "{signer:?} {names:?}");
        }
    }

    #[test]
    fn a_kubelet_is_a_node() {
        let usages = ["digital signature", "client auth"];
        let mut user = node(&[]);
        user.common_name = "ada".to_owned();
        let mut admin = node(&[]);
        admin.organizations.push("system:masters".to_owned());

        assert_eq!(
            refusal(Signer::KubeletClient, &user, &usages),
            "subject common name does not begin with system:node:"
        );
        assert_eq!(
            refusal(Signer::KubeletClient, &admin, &usages),
            "subject organization is not system:nodes"
        );
    }

    #[test]
    fn what_has_no_signer_of_old_is_signed_as_it_is() {
        assert_eq!(refusal(Signer::LegacyUnknown, &Subject::default(), &["any"]), "");
    }
}
