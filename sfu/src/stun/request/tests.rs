//! RFC 5769 vectors, the table of media trap H3, and damage at every byte.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::stun::{ANSWER_MAX, Answer, CheckFields, Refusal, read_answer, write_check, write_refusal, write_success};

const RFC5769_PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";
const RFC5769_ID: TransactionId = TransactionId(*b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae");
/// RFC 5769 §2.1: a request with SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME "evtj:h6vY", padded with spaces.
const RFC5769_REQUEST: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
    \x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\
    \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
    \x80\x28\x00\x04\xe5\x7a\x3b\xcf";
/// RFC 5769 §2.2: a success answer with 192.0.2.1:32853.
const RFC5769_ANSWER_V4: &[u8] = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\
    \x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\
    \x80\x28\x00\x04\xc0\x7d\x4c\x96";
/// RFC 5769 §2.3: a success answer with [2001:db8:1234:5678:11:2233:4455:6677]:32853.
const RFC5769_ANSWER_V6: &[u8] = b"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\x00\x20\x00\x14\x00\x02\xa1\x47\
    \x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9\
    \x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\
    \x80\x28\x00\x04\xc8\xfb\x0b\x4c";

fn rfc5769_key() -> IntegrityKey {
    IntegrityKey::new(RFC5769_PASSWORD)
}

#[test]
fn rfc5769_request_is_read_and_proven() {
    assert_eq!(username_of(RFC5769_REQUEST), Some((&b"evtj"[..], &b"h6vY"[..])));
    let unverified = UnverifiedRequest::parse(RFC5769_REQUEST).expect("well formed");
    assert_eq!(unverified.local_ufrag(), Some(&b"evtj"[..]));
    assert_eq!(
        unverified.verify(&rfc5769_key()),
        Some(BindingRequest {
            transaction_id: RFC5769_ID,
            priority: Some(0x6e00_01ff),
            role: Some(Role::Controlled(0x932f_f9b1_5126_3b36)),
            nomination: None,
            unknown: UnknownAttributes::default(),
        })
    );
    assert_eq!(unverified.verify(&IntegrityKey::new(b"another")), None);
}

#[test]
fn rfc5769_answers_are_read() {
    let v4: SocketAddr = "192.0.2.1:32853".parse().expect("literal");
    let v6: SocketAddr = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().expect("literal");
    assert_eq!(read_answer(RFC5769_ANSWER_V4, &rfc5769_key()), Some(Answer::Success(RFC5769_ID, v4)));
    assert_eq!(read_answer(RFC5769_ANSWER_V6, &rfc5769_key()), Some(Answer::Success(RFC5769_ID, v6)));
    assert_eq!(UnverifiedRequest::parse(RFC5769_ANSWER_V4).err(), Some(RequestError::NotBindingRequest));
}

#[test]
fn truncated_or_damaged_at_each_byte_is_never_proven() {
    for cut in 0..RFC5769_REQUEST.len() {
        assert!(UnverifiedRequest::parse(&RFC5769_REQUEST[..cut]).is_err(), "cut at {cut}");
        let _ = username_of(&RFC5769_REQUEST[..cut]);
    }
    // All but the type of the last attribute: a fingerprint turned into something optional is no damage.
    let fingerprint_type = RFC5769_REQUEST.len() - 8..RFC5769_REQUEST.len() - 6;
    for at in (0..RFC5769_REQUEST.len()).filter(|at| !fingerprint_type.contains(at)) {
        let mut damaged = RFC5769_REQUEST.to_vec();
        damaged[at] ^= 1;
        let proven = UnverifiedRequest::parse(&damaged).ok().and_then(|request| request.verify(&rfc5769_key()));
        assert_eq!(proven, None, "damaged at {at}");
    }
}

/// A request with `before` among its attributes and `after` behind MESSAGE-INTEGRITY, without FINGERPRINT.
fn request_with(before: &[(u16, &[u8])], after: &[(u16, &[u8])]) -> Vec<u8> {
    let mut message = [&[0, 1, 0, 0][..], &super::super::MAGIC_COOKIE, &[7; 12]].concat();
    push(&mut message, attribute::USERNAME, b"local:remote");
    for (kind, value) in before {
        push(&mut message, *kind, value);
    }
    let tag = rfc5769_key().tag(&message);
    push(&mut message, attribute::MESSAGE_INTEGRITY, &tag);
    for (kind, value) in after {
        push(&mut message, *kind, value);
    }
    let length = (message.len() - super::super::HEADER_LEN) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    message
}

fn push(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

fn check(before: &[(u16, &[u8])], after: &[(u16, &[u8])], nomination: Option<Nomination>, unknown: &[u16]) {
    let message = request_with(before, after);
    let request = UnverifiedRequest::parse(&message).expect("well formed").verify(&rfc5769_key()).expect("proven");
    assert_eq!(request.nomination, nomination, "{before:x?} {after:x?}");
    assert_eq!(request.unknown.as_slice(), unknown, "{before:x?} {after:x?}");
}

#[test]
fn trap_h3_nomination_codes_unknown_attributes_and_what_follows_integrity() {
    let value = 5u32.to_be_bytes();
    check(&[(0xC001, &value)], &[], Some(Nomination::Renominate(5)), &[]);
    check(&[(0x0030, &value)], &[], Some(Nomination::Renominate(5)), &[]);
    check(&[(0x0025, &[]), (0xC001, &value)], &[], Some(Nomination::Renominate(5)), &[]);
    check(&[(0xC001, &value), (0x0025, &[])], &[], Some(Nomination::Renominate(5)), &[]);
    check(&[(0x0025, &[])], &[], Some(Nomination::UseCandidate), &[]);
    check(&[(0xC057, &[0, 0, 0, 1])], &[], None, &[]);
    check(&[(0x8000, b"odd"), (0xFFFF, b"")], &[], None, &[]);
    check(&[(0x7FFF, b"odd")], &[], None, &[0x7FFF]);
    check(&[(0x0031, b""), (0x7FFF, b"odd")], &[], None, &[0x0031, 0x7FFF]);
    check(&[], &[(0x0025, &[]), (0x7FFF, b"late")], None, &[]);
    check(&[(0x001C, &[9; 32])], &[(0x001C, &[9; 32])], None, &[]);
}

#[test]
fn the_list_of_unknown_attributes_is_bounded() {
    let many: Vec<(u16, &[u8])> = (0x4000..0x4100).map(|kind| (kind, &[][..])).collect();
    let expected: Vec<u16> = (0x4000..0x4000 + UNKNOWN_ATTRIBUTES_MAX as u16).collect();
    check(&many, &[], None, &expected);
}

#[test]
fn wrong_lengths_missing_parts_and_wrong_fingerprints_are_refused() {
    let refused = |message: &[u8]| UnverifiedRequest::parse(message).err();
    let mut unsigned = request_with(&[], &[]);
    unsigned.truncate(unsigned.len() - 24);
    unsigned[3] -= 24;
    assert_eq!(refused(&unsigned), Some(RequestError::Unauthenticated));
    assert_eq!(refused(&request_with(&[(0x0024, b"toolong")], &[])), Some(RequestError::BadAttribute));
    assert_eq!(refused(&request_with(&[(0x0008, b"short")], &[])), Some(RequestError::BadAttribute));
    assert_eq!(refused(&request_with(&[], &[(0x8028, &[0; 4])])), Some(RequestError::BadFingerprint));
    assert_eq!(refused(&request_with(&[(0x8028, &[0; 4])], &[])), Some(RequestError::BadFingerprint));
    let mut not_last = request_with(&[], &[(0x8028, &[0; 4]), (0x8022, b"")]);
    let at = not_last.len() - 12;
    let correct = fingerprint(&[&not_last[..at]]).to_be_bytes();
    not_last[at + 4..at + 8].copy_from_slice(&correct);
    assert_eq!(refused(&not_last), Some(RequestError::BadFingerprint));
    let mut indication = request_with(&[], &[]);
    indication[1] = 0x11;
    assert_eq!(refused(&indication), Some(RequestError::NotBindingRequest));
}

#[test]
fn refusals_carry_their_code() {
    let mut out = [0; ANSWER_MAX];
    let kinds = [0x7FFF; UNKNOWN_ATTRIBUTES_MAX];
    let len = write_refusal(&mut out, RFC5769_ID, Refusal::UnknownAttributes(&kinds), &rfc5769_key());
    assert_eq!(len, ANSWER_MAX);
    assert_eq!(read_answer(&out[..len], &rfc5769_key()), Some(Answer::Error(RFC5769_ID, 420)));
    let len = write_refusal(&mut out, RFC5769_ID, Refusal::RoleConflict, &rfc5769_key());
    assert_eq!(read_answer(&out[..len], &rfc5769_key()), Some(Answer::Error(RFC5769_ID, 487)));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        id: [u8; 12], ufrag in "[a-zA-Z0-9+/]{4,256}", priority: u32, tie: u64, value in proptest::option::of(any::<u32>()),
    ) {
        let username = format!("{ufrag}:peer");
        let nomination = value.map(Nomination::Renominate);
        let role = Role::Controlling(tie);
        let fields =
            CheckFields { transaction_id: TransactionId(id), username: username.as_bytes(), priority, role, nomination };
        let mut out = [0; 600];
        let len = write_check(&mut out, &fields, &rfc5769_key());
        let unverified = UnverifiedRequest::parse(&out[..len]).expect("our own");
        prop_assert_eq!(unverified.local_ufrag(), Some(ufrag.as_bytes()));
        let expected = BindingRequest {
            transaction_id: TransactionId(id), priority: Some(priority), role: Some(role), nomination,
            unknown: UnknownAttributes::default(),
        };
        prop_assert_eq!(unverified.verify(&rfc5769_key()), Some(expected));
    }

    #[test]
    fn an_answer_tells_the_address(id: [u8; 12], v6: bool, octets: [u8; 16], port: u16) {
        let ip = if v6 { octets.into() } else { [octets[0], octets[1], octets[2], octets[3]].into() };
        let seen = SocketAddr::new(ip, port);
        let mut out = [0; ANSWER_MAX];
        let len = write_success(&mut out, TransactionId(id), seen, &rfc5769_key());
        prop_assert_eq!(read_answer(&out[..len], &rfc5769_key()), Some(Answer::Success(TransactionId(id), seen)));
        prop_assert_eq!(read_answer(&out[..len], &IntegrityKey::new(b"other")), None);
    }

    #[test]
    fn any_bytes_are_read_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), shape: bool) {
        if shape && bytes.len() >= 20 {
            bytes.truncate(bytes.len() / 4 * 4);
            let length = (bytes.len() - 20) as u16;
            bytes[..8].copy_from_slice(&[0, 1, (length >> 8) as u8, length as u8, 0x21, 0x12, 0xA4, 0x42]);
        }
        let _ = username_of(&bytes);
        let _ = UnverifiedRequest::parse(&bytes).map(|request| request.verify(&rfc5769_key()));
        let _ = read_answer(&bytes, &rfc5769_key());
    }
}
