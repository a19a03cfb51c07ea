//! Certificates that are good for something, and many that are not.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, KeyPair,
};
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ServerConnection};
use rustls_pki_types::{PrivateKeyDer, ServerName};

use super::super::{Anybody, Authority, server_config};
use super::*;

const DAY: i64 = 24 * 3600;
const UID_OID: &[u64] = &[1, 3, 6, 1, 4, 1, 57683, 2];

/// The day on which all of this happens.
fn now() -> Timestamp {
    "2026-07-01T00:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (part, value) in parts {
        name.push(part.clone(), DnValue::Utf8String((*value).to_owned()));
    }
    name
}

fn uid_type() -> DnType {
    DnType::CustomDnType(UID_OID.to_vec())
}

/// The name of somebody who could do anything.
fn admin() -> DistinguishedName {
    name(&[(DnType::OrganizationName, "system:masters"), (DnType::CommonName, "admin")])
}

/// Of a client, from yesterday to tomorrow.
fn params(name: DistinguishedName) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = rcgen::date_time_ymd(2026, 6, 30);
    params.not_after = rcgen::date_time_ymd(2026, 7, 2);
    params
}

fn signed(authority: &Authority, params: &CertificateParams) -> CertificateDer<'static> {
    params.signed_by(&KeyPair::generate().unwrap(), &authority.issuer).unwrap().der().clone()
}

fn clients(authority: &Authority) -> Clients {
    Clients::of(&authority.identity().certificate).unwrap()
}

fn reason(user: Result<Option<User>, CertificateError>) -> rustls::CertificateError {
    match user {
        Err(CertificateError::Unverified(Error::InvalidCertificate(why))) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_user_is_who_the_certificate_says() {
    let authority = Authority::create().unwrap();
    let name = name(&[
        (DnType::OrganizationName, "authors"),
        (DnType::CommonName, "ada"),
        (uid_type(), "1815"),
    ]);
    let certificate = signed(&authority, &params(name));

    let user = clients(&authority).user(std::slice::from_ref(&certificate), now());

    let user = user.unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("ada", "1815"));
    assert_eq!(user.groups, ["authors", "system:authenticated"]);
    let id = &user.extra["authentication.kubernetes.io/credential-id"][0];
    let hash = hex(digest(&SHA256, &certificate).as_ref());
    assert_eq!((id.len(), id), (75, &format!("X509SHA256={hash}")));
}

#[test]
fn a_certificate_without_a_common_name_is_nobodys() {
    let authority = Authority::create().unwrap();
    for common_name in [&[][..], &[(DnType::CommonName, "")]] {
        let groups = [(DnType::OrganizationName, "system:masters")];
        let certificate = signed(&authority, &params(name(&[&groups, common_name].concat())));

        assert_eq!(clients(&authority).user(&[certificate], now()), Ok(None));
    }
    assert_eq!(clients(&authority).user(&[], now()), Ok(None));
}

#[test]
fn an_empty_uid_is_no_uid() {
    let authority = Authority::create().unwrap();
    let name = name(&[(DnType::CommonName, "ada"), (uid_type(), "")]);
    let certificate = signed(&authority, &params(name));

    let user = clients(&authority).user(&[certificate], now());

    assert_eq!(user, Err(CertificateError::Uid));
}

#[test]
fn who_is_anonymous_is_not_authenticated() {
    let authority = Authority::create().unwrap();
    let groups_of = |parts: &[(DnType, &str)]| {
        let certificate = signed(&authority, &params(name(parts)));
        clients(&authority).user(&[certificate], now()).unwrap().unwrap().groups
    };
    let group = (DnType::OrganizationName, "system:unauthenticated");

    assert!(groups_of(&[(DnType::CommonName, "system:anonymous")]).is_empty());
    assert_eq!(groups_of(&[group, (DnType::CommonName, "ada")]), ["system:unauthenticated"]);
}

#[test]
fn what_a_foreign_authority_has_signed_makes_no_user() {
    let (own, foreign) = (Authority::create().unwrap(), Authority::create().unwrap());
    let certificate = signed(&foreign, &params(admin()));
    let with_authority = [certificate.clone(), foreign.issuer.der().clone()];

    for shown in [&[certificate][..], &with_authority] {
        let why = reason(clients(&own).user(shown, now()));
        // It has the name of the own one, and another key.
        assert_eq!(why, rustls::CertificateError::BadSignature);
    }
}

#[test]
fn what_somebody_has_signed_for_themselves_makes_no_user() {
    let authority = Authority::create().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params(admin()).self_signed(&key).unwrap().der().clone();

    let why = reason(clients(&authority).user(&[certificate], now()));

    assert_eq!(why, rustls::CertificateError::UnknownIssuer);
}

#[test]
fn what_another_client_has_signed_makes_no_user() {
    let authority = Authority::create().unwrap();
    let key = KeyPair::generate().unwrap();
    let client = params(name(&[(DnType::CommonName, "ada")]));
    let chain = client.signed_by(&key, &authority.issuer).unwrap().der().clone();
    let issuer = rcgen::Issuer::new(client, key);
    let certificate = params(admin()).signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();

    let user = clients(&authority).user(&[certificate.der().clone(), chain], now());

    assert!(matches!(user, Err(CertificateError::Unverified(_))), "{user:?}");
}

#[test]
fn a_certificate_is_good_as_long_as_it_says() {
    let authority = Authority::create().unwrap();
    let certificate = [signed(&authority, &params(admin()))];
    let clients = clients(&authority);
    let end = later(DAY);

    assert_eq!(valid_until(&certificate), Some(end));
    assert!(clients.user(&certificate, later(-DAY)).is_ok_and(|user| user.is_some()));
    assert!(clients.user(&certificate, end).is_ok_and(|user| user.is_some()));
    let expired = reason(clients.user(&certificate, later(DAY + 1)));
    assert!(matches!(expired, rustls::CertificateError::ExpiredContext { .. }), "{expired:?}");
    let early = reason(clients.user(&certificate, later(-DAY - 1)));
    assert!(matches!(early, rustls::CertificateError::NotValidYetContext { .. }), "{early:?}");
}

#[test]
fn a_certificate_of_a_server_makes_no_user() {
    let authority = Authority::create().unwrap();
    let mut params = params(admin());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = signed(&authority, &params);

    let why = reason(clients(&authority).user(&[certificate], now()));

    assert!(matches!(why, rustls::CertificateError::InvalidPurposeContext { .. }), "{why:?}");
}

/// Shows a certificate, whosever key it has.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A handshake with who shows a certificate and has a key; what the server has seen.
fn handshake(
    clients: &Clients,
    certificate: CertificateDer<'static>,
    key: &KeyPair,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let shows = Shows(Arc::new(CertifiedKey::new(vec![certificate], key)));
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody::new(provider)))
        .with_client_cert_resolver(Arc::new(shows));
    let identity = Authority::create().unwrap().server(&["server"], &[]).unwrap();
    let server = Arc::new(server_config(clients, &identity).unwrap());
    let mut server = ServerConnection::new(server).unwrap();
    let name = ServerName::try_from("server").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    while server.is_handshaking() {
        let mut bytes = vec![];
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = vec![];
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(server.peer_certificates().unwrap_or_default().to_vec())
}

#[test]
fn a_handshake_takes_any_certificate_from_who_has_its_key() {
    let authority = Authority::create().unwrap();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = params(admin()).signed_by(&key, &authority.issuer).unwrap().der().clone();
    let foreign = params(admin()).self_signed(&key).unwrap().der().clone();
    let clients = clients(&authority);

    let seen = handshake(&clients, certificate.clone(), &key).unwrap();
    assert_eq!(seen, std::slice::from_ref(&certificate));
    assert_eq!(handshake(&clients, foreign.clone(), &key).unwrap(), [foreign]);
    let why = handshake(&clients, certificate, &other).unwrap_err();
    let is_refused = Error::InvalidCertificate(rustls::CertificateError::BadSignature);
    assert_eq!(why, is_refused);
}
