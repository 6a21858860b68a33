//! Handshakes with a client of another make, `rtc-dtls`, which speaks DTLS 1.2 and lists profiles in any order.

use std::net::SocketAddr;

use bytes::BytesMut;
use rtc_crypto::default_provider;
use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;

use super::*;

/// Runs a handshake with a client that lists `profiles`; the profile, and whether the client completed too.
fn handshake(profiles: &[SrtpProtectionProfile]) -> Result<(DtlsVersion, SrtpProfile, bool), DtlsFailure> {
    let provider = default_provider().expect("a crypto provider");
    let own = Certificate::generate_self_signed(vec!["test".to_owned()], provider.crypto()).expect("a certificate");
    let expected = Fingerprint::sha256_of(&own.certificate[0]);
    let config = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![own])
        .with_insecure_skip_verify(true)
        .with_srtp_protection_profiles(profiles.to_vec())
        .build(true, None)
        .expect("a configuration");
    let [us, them]: [SocketAddr; 2] = [([192, 0, 2, 1], 1).into(), client_path().remote()];
    let mut client = Endpoint::new(them, TransportProtocol::UDP, None);
    client.connect(start(), us, Arc::new(config), None).expect("a hello");
    let mut server = Handshake::new(acceptor(), expected);
    let mut out = sends();
    let mut client_completed = false;
    let mut connected = None;
    for _ in 0..10 {
        while let Some(transmit) = client.poll_transmit() {
            server.handle_datagram(start(), client_path(), &transmit.message, &mut out);
        }
        for datagram in take(&mut out) {
            let events = client.read(start(), us, None, BytesMut::from(&datagram[..])).expect("good datagrams");
            client_completed |= events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete));
        }
        match server.poll_event() {
            Some(DtlsEvent::Connected { version, keys }) => connected = Some((version, keys.profile)),
            Some(DtlsEvent::Failed(failure)) => return Err(failure),
            Some(DtlsEvent::Closed) | None => {}
        }
    }
    let (version, profile) = connected.expect("connected");
    Ok((version, profile, client_completed))
}

#[test]
fn trap_f4_gcm_is_negotiated_wherever_it_is_offered() {
    use SrtpProtectionProfile::{
        Srtp_Aead_Aes_128_Gcm as Gcm128, Srtp_Aead_Aes_256_Gcm as Gcm256, Srtp_Aes128_Cm_Hmac_Sha1_32 as Sha1_32,
        Srtp_Aes128_Cm_Hmac_Sha1_80 as Sha1_80,
    };
    let check = |profiles: &[SrtpProtectionProfile], expected| {
        assert_eq!(handshake(profiles), Ok((DtlsVersion::V1_2, expected, true)), "{profiles:?}");
    };
    check(&[Sha1_80, Gcm256, Gcm128], SrtpProfile::AeadAes256Gcm);
    check(&[Gcm128, Gcm256, Sha1_80, Sha1_32], SrtpProfile::AeadAes256Gcm);
    check(&[Sha1_80, Gcm128], SrtpProfile::AeadAes128Gcm);
    check(&[Sha1_32, Sha1_80], SrtpProfile::Aes128CmSha1_80);
    assert_eq!(handshake(&[Sha1_32]), Err(DtlsFailure::NoCommonProfile));
}
