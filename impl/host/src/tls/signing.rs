//! The cluster's authority as the controllers ask it: it reads requests for certificates, and signs them.
//!
//! Source: pkg/controller/certificates/authority (v1.36). Left out: requests with extensions other than
//! alternative names, usages and basic constraints, which upstream ignores and this refuses.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use api::Timestamp;
use controllers::certificates::{
    AlternativeName, CertificateAuthority, CertificateReader, Subject, Terms,
};
use rcgen::{CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::x509::AttributeTypeAndValue;

use super::Authority;

/// Signs what the controllers tell it to sign.
pub struct Signer {
    authority: Authority,
    not_after: Timestamp,
}

impl Signer {
    /// The signer with the authority's key, whose published certificate (PEM) this is; `None` where that is
    /// none.
    pub fn new(authority: Authority, certificate: &str) -> Option<Self> {
        let not_after = expiry(certificate.as_bytes())?;
        Some(Self { authority, not_after })
    }
}

impl fmt::Debug for Signer {
    /// Without the private key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// Reads certificates and requests for them, for those who have no authority's key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader;

impl CertificateReader for Reader {
    fn subject(&self, request: &[u8]) -> Result<Subject, String> {
        let der = der(request)?;
        let (_, request) =
            X509CertificationRequest::from_der(&der).map_err(|why| why.to_string())?;
        let name = &request.certification_request_info.subject;
        let text =
            |value: &AttributeTypeAndValue<'_>| value.as_str().unwrap_or_default().to_owned();
        Ok(Subject {
            common_name: name.iter_common_name().last().map(text).unwrap_or_default(),
            organizations: name.iter_organization().map(text).collect(),
            alternative_names: alternative_names(&request),
        })
    }

    fn expires_at(&self, certificate: &[u8]) -> Option<Timestamp> {
        expiry(certificate)
    }
}

impl CertificateReader for Signer {
    fn subject(&self, request: &[u8]) -> Result<Subject, String> {
        Reader.subject(request)
    }

    fn expires_at(&self, certificate: &[u8]) -> Option<Timestamp> {
        Reader.expires_at(certificate)
    }
}

impl CertificateAuthority for Signer {
    fn not_after(&self) -> Timestamp {
        self.not_after
    }

    fn sign(&self, request: &[u8], terms: &Terms) -> Result<Vec<u8>, String> {
        let mut asked = CertificateSigningRequestParams::from_der(&der(request)?)
            .map_err(|why| why.to_string())?;
        let params = &mut asked.params;
        params.is_ca = IsCa::ExplicitNoCa;
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + since_epoch(terms.not_before);
        params.not_after = epoch + since_epoch(terms.not_after);
        params.key_usages = terms.usages.iter().filter_map(|usage| key_usage(usage)).collect();
        params.extended_key_usages = vec![];
        for usage in terms.usages.iter().filter_map(|usage| extended_key_usage(usage)) {
            params.insert_extended_key_usage(usage);
        }
        let certificate = asked.signed_by(&self.authority.issuer).map_err(|why| why.to_string())?;
        Ok(certificate.pem().into_bytes())
    }
}

fn der(request: &[u8]) -> Result<CertificateSigningRequestDer<'static>, String> {
    CertificateSigningRequestDer::from_pem_slice(request)
        .map_err(|_| "PEM block type must be CERTIFICATE REQUEST".to_owned())
}

fn expiry(certificate: &[u8]) -> Option<Timestamp> {
    let der = CertificateDer::from_pem_slice(certificate).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

fn alternative_names(request: &X509CertificationRequest<'_>) -> BTreeSet<AlternativeName> {
    let mut kinds = BTreeSet::new();
    for extension in request.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(names) = extension {
            kinds.extend(names.general_names.iter().filter_map(alternative_name));
        }
    }
    kinds
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other names are none that Kubernetes reads"
)]
fn alternative_name(name: &GeneralName<'_>) -> Option<AlternativeName> {
    match name {
        GeneralName::DNSName(_) => Some(AlternativeName::Dns),
        GeneralName::RFC822Name(_) => Some(AlternativeName::Email),
        GeneralName::IPAddress(_) => Some(AlternativeName::Ip),
        GeneralName::URI(_) => Some(AlternativeName::Uri),
        _ => None,
    }
}

fn since_epoch(time: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default())
}

fn key_usage(usage: &str) -> Option<KeyUsagePurpose> {
    Some(match usage {
        "signing" | "digital signature" => KeyUsagePurpose::DigitalSignature,
        "content commitment" => KeyUsagePurpose::ContentCommitment,
        "key encipherment" => KeyUsagePurpose::KeyEncipherment,
        "key agreement" => KeyUsagePurpose::KeyAgreement,
        "data encipherment" => KeyUsagePurpose::DataEncipherment,
        "cert sign" => KeyUsagePurpose::KeyCertSign,
        "crl sign" => KeyUsagePurpose::CrlSign,
        "encipher only" => KeyUsagePurpose::EncipherOnly,
        "decipher only" => KeyUsagePurpose::DecipherOnly,
        _ => return None,
    })
}

fn extended_key_usage(usage: &str) -> Option<ExtendedKeyUsagePurpose> {
    /// Below `1.3.6.1.5.5.7.3` (RFC 3280).
    const fn purpose(number: u64) -> [u64; 9] {
        [1, 3, 6, 1, 5, 5, 7, 3, number]
    }
    Some(match usage {
        "any" => ExtendedKeyUsagePurpose::Any,
        "server auth" => ExtendedKeyUsagePurpose::ServerAuth,
        "client auth" => ExtendedKeyUsagePurpose::ClientAuth,
        "code signing" => ExtendedKeyUsagePurpose::CodeSigning,
        "email protection" | "s/mime" => ExtendedKeyUsagePurpose::EmailProtection,
        "ipsec end system" => ExtendedKeyUsagePurpose::Other(purpose(5).to_vec()),
        "ipsec tunnel" => ExtendedKeyUsagePurpose::Other(purpose(6).to_vec()),
        "ipsec user" => ExtendedKeyUsagePurpose::Other(purpose(7).to_vec()),
        "timestamping" => ExtendedKeyUsagePurpose::TimeStamping,
        "ocsp signing" => ExtendedKeyUsagePurpose::OcspSigning,
        "microsoft sgc" => ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 311, 10, 3, 3]),
        "netscape sgc" => ExtendedKeyUsagePurpose::Other(vec![2, 16, 840, 1, 113_730, 4, 1]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    use super::*;

    fn signer() -> Signer {
        let authority = Authority::create().unwrap();
        let certificate = authority.identity().certificate;
        Signer::new(authority, &certificate).unwrap()
    }

    fn request() -> String {
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, "system:nodes");
        name.push(DnType::CommonName, "system:node:n1");
        params.distinguished_name = name;
        params.subject_alt_names = vec![
            SanType::DnsName("n1".try_into().unwrap()),
            SanType::IpAddress([10, 0, 0, 1].into()),
        ];
        let key = KeyPair::generate().unwrap();
        params.serialize_request(&key).unwrap().pem().unwrap()
    }

    #[test]
    fn a_request_says_for_whom_it_is() {
        let subject = signer().subject(request().as_bytes()).unwrap();

        assert_eq!(subject.common_name, "system:node:n1");
        assert_eq!(subject.organizations, ["system:nodes"]);
        let kinds = [AlternativeName::Dns, AlternativeName::Ip];
        assert_eq!(subject.alternative_names, BTreeSet::from(kinds));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let signer = signer();
        let certificate = signer.authority.identity().certificate;

        let refusal = signer.subject(certificate.as_bytes()).unwrap_err();

        assert_eq!(refusal, "PEM block type must be CERTIFICATE REQUEST");
    }

    #[test]
    fn a_certificate_holds_on_the_terms_it_is_signed_on() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let usages = ["digital signature", "client auth", "ipsec user"].map(str::to_owned);
        let (not_before, not_after) = (at(1_700_000_000), at(1_800_000_000));
        let terms = Terms { usages: usages.to_vec(), not_before, not_after };
        let signer = signer();

        let pem = signer.sign(request().as_bytes(), &terms).unwrap();

        assert_eq!(signer.expires_at(&pem), Some(not_after));
        let der = CertificateDer::from_pem_slice(&pem).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert_eq!(certificate.validity().not_before.timestamp(), not_before.as_second());
        let usage = certificate.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && !usage.key_cert_sign());
        let extended = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(extended.client_auth && !extended.server_auth);
        assert_eq!(extended.other.len(), 1);
        assert!(!certificate.is_ca());
        let names = certificate.subject_alternative_name().unwrap().unwrap().value;
        assert_eq!(names.general_names.len(), 2);
    }

    #[test]
    fn a_request_that_its_key_has_not_signed_gets_no_certificate() {
        let mut bytes = der(request().as_bytes()).unwrap().to_vec();
        let last = bytes.last_mut().unwrap();
        *last ^= 1;
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        let pem = format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{base64}\n-----END CERTIFICATE REQUEST-----\n"
        );
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let terms = Terms { usages: vec![], not_before: at(0), not_after: at(1_800_000_000) };

        assert!(signer().sign(pem.as_bytes(), &terms).is_err());
    }
}
