//! Hellos of real browsers, cut and shuffled, and hellos made up.

use proptest::prelude::*;

use super::*;

/// Two datagrams each, as they were captured.
const CHROMIUM_156: [&[u8]; 2] = [
    include_bytes!("../../../tests/fixtures/chromium156/client-hello-1.bin"),
    include_bytes!("../../../tests/fixtures/chromium156/client-hello-2.bin"),
];
const FIREFOX_153: [&[u8]; 2] = [
    include_bytes!("../../../tests/fixtures/firefox153/client-hello-1.bin"),
    include_bytes!("../../../tests/fixtures/firefox153/client-hello-2.bin"),
];

const ALL_VERSIONS: &[u16] = &[DTLS_1_3, DTLS_1_2];

fn assemble<'a>(datagrams: impl IntoIterator<Item = &'a [u8]>) -> HelloAssembly {
    let mut assembly = HelloAssembly::default();
    for datagram in datagrams {
        assembly.add(datagram);
    }
    assembly
}

fn browser(datagrams: [&[u8]; 2]) -> Hello {
    Hello::parse(assemble(datagrams).body().expect("complete")).expect("a browser's hello")
}

#[test]
fn trap_f4_chromium_lists_sha1_first_so_it_gets_the_version_that_prefers_gcm() {
    let hello = browser(CHROMIUM_156);
    let order = [SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes256Gcm, SrtpProfile::AeadAes128Gcm];
    assert_eq!(hello.profiles, order);
    assert!(hello.offers_1_2 && hello.offers_1_3);
    assert_eq!(hello.choose(), Ok(VersionChoice::Only12));
}

#[test]
fn trap_f4_firefox_lists_gcm_first_so_it_gets_the_newest_version() {
    let hello = browser(FIREFOX_153);
    let order = [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::Aes128CmSha1_80];
    assert_eq!(hello.profiles, order);
    assert_eq!(hello.choose(), Ok(VersionChoice::Newest));
}

/// A hello with a session id, GREASE-like unknown extensions (trap G3), these profiles and these versions.
fn made_up(profiles: &[u16], versions: Option<&[u16]>) -> Vec<u8> {
    let list = |codes: &[u16]| codes.iter().flat_map(|code| code.to_be_bytes()).collect::<Vec<u8>>();
    let mut extensions = Vec::new();
    let mut extension = |kind: u16, content: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend((content.len() as u16).to_be_bytes());
        extensions.extend(content);
    };
    for unknown in [0x0A0A, 0x1234, 0x5678, 0x9ABC, 0xFACE, 0xFFFF] {
        extension(unknown, b"unknown");
    }
    if !profiles.is_empty() {
        let profiles = list(profiles);
        extension(EXTENSION_USE_SRTP, &[&(profiles.len() as u16).to_be_bytes(), &profiles[..], &[0]].concat());
    }
    if let Some(versions) = versions {
        let versions = list(versions);
        extension(EXTENSION_SUPPORTED_VERSIONS, &[&[versions.len() as u8], &versions[..]].concat());
    }
    let mut body = DTLS_1_2.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.extend([&[32][..], &[9; 32]].concat());
    body.extend([0, 0, 2, 0xC0, 0x2B, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    body
}

#[test]
fn the_version_follows_from_profiles_and_versions() {
    let check = |profiles: &[u16], versions: Option<&[u16]>, expected| {
        let hello = Hello::parse(&made_up(profiles, versions)).expect("readable");
        assert_eq!(hello.choose(), expected, "{profiles:x?} {versions:x?}");
    };
    const SHA1_80: u16 = 1;
    const SHA1_32: u16 = 2;
    const GCM_128: u16 = 7;
    const GCM_256: u16 = 8;
    check(&[GCM_128, SHA1_80], Some(ALL_VERSIONS), Ok(VersionChoice::Newest));
    check(&[SHA1_32, GCM_256, SHA1_80], Some(ALL_VERSIONS), Ok(VersionChoice::Newest));
    check(&[SHA1_80, GCM_128], Some(ALL_VERSIONS), Ok(VersionChoice::Only12));
    check(&[SHA1_32, SHA1_80, GCM_256], Some(ALL_VERSIONS), Ok(VersionChoice::Only12));
    check(&[SHA1_80], Some(ALL_VERSIONS), Ok(VersionChoice::Newest));
    check(&[SHA1_80, GCM_128], Some(&[DTLS_1_3]), Ok(VersionChoice::Newest));
    check(&[SHA1_80, GCM_128], Some(&[DTLS_1_2]), Ok(VersionChoice::Newest));
    check(&[SHA1_80, GCM_128], None, Ok(VersionChoice::Newest));
    check(&[GCM_128], Some(&[0xFEFF, 0x0304]), Err(HelloError::NoCommonVersion));
    check(&[SHA1_32], Some(ALL_VERSIONS), Err(HelloError::NoCommonProfile));
    check(&[0x0005, 0x0006], Some(ALL_VERSIONS), Err(HelloError::NoCommonProfile));
    check(&[], Some(ALL_VERSIONS), Err(HelloError::NoCommonProfile));
}

#[test]
fn a_hello_cut_short_anywhere_is_malformed() {
    let body = made_up(&[7], Some(ALL_VERSIONS));
    for cut in 0..body.len() {
        let parsed = Hello::parse(&body[..cut]);
        // A hello may end before its extensions; then it offers nothing.
        assert!(parsed.is_err() || parsed.is_ok_and(|hello| hello.profiles.is_empty()), "cut at {cut}");
    }
}

/// The hello's body in records of one fragment each, one record per datagram.
fn cut(body: &[u8], at: &[usize]) -> Vec<Vec<u8>> {
    let length = (body.len() as u32).to_be_bytes();
    let ends = at.iter().copied().chain([body.len()]);
    let mut start = 0;
    let mut datagrams = Vec::new();
    for (sequence, end) in ends.enumerate() {
        let fragment = &body[start..end];
        let mut datagram = vec![HANDSHAKE, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, sequence as u8];
        datagram.extend(((HANDSHAKE_HEADER_LEN + fragment.len()) as u16).to_be_bytes());
        datagram.extend([CLIENT_HELLO, length[1], length[2], length[3], 0, 0]);
        datagram.extend(&(start as u32).to_be_bytes()[1..]);
        datagram.extend(&(fragment.len() as u32).to_be_bytes()[1..]);
        datagram.extend(fragment);
        datagrams.push(datagram);
        start = end;
    }
    datagrams
}

#[test]
fn trap_g1_the_hello_comes_together_from_any_datagrams() {
    let whole = assemble(FIREFOX_153).body().expect("complete").to_vec();
    for count in [1, 2, 9] {
        let at: Vec<usize> = (1..count).map(|part| part * whole.len() / count).collect();
        let forward = cut(&whole, &at);
        let reverse: Vec<_> = forward.iter().rev().cloned().collect();
        for datagrams in [forward, reverse] {
            let (last, before) = datagrams.split_last().expect("at least one");
            let mut assembly = assemble(before.iter().map(Vec::as_slice));
            assert!(assembly.complete().is_none(), "nothing is decided before the last of {count}");
            assembly.add(last);
            assert_eq!(assembly.body(), Some(&whole[..]));
            let record = assembly.complete().expect("complete");
            let again = assemble([record]);
            assert_eq!(again.body(), Some(&whole[..]), "what the engine gets is one well-formed record");
        }
    }
}

#[test]
fn what_is_not_part_of_the_hello_is_ignored() {
    let hello = cut(&made_up(&[7], Some(ALL_VERSIONS)), &[50]);
    let too_long = {
        let mut datagram = hello[0].clone();
        datagram[14..17].copy_from_slice(&[0xFF; 3]);
        datagram
    };
    let mut alert = hello[1].clone();
    alert[0] = 21;
    let mut next_epoch = hello[1].clone();
    next_epoch[4] = 1;
    let mut next_message = hello[1].clone();
    next_message[18] = 1;
    let mut other_length = hello[1].clone();
    other_length[16] ^= 1;
    let mut past_the_end = hello[1].clone();
    past_the_end[21] += 1;
    let noise = [&too_long, &hello[0], &alert, &next_epoch, &next_message, &other_length, &past_the_end];
    let mut assembly = assemble(noise.into_iter().map(Vec::as_slice));
    assert!(assembly.complete().is_none());
    assembly.add(&hello[1]);
    assert!(assembly.complete().is_some());
}

proptest! {
    #[test]
    fn any_cut_order_and_repetition_gives_the_same_hello(
        mut at in proptest::collection::vec(1usize..200, 0..8),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let whole = made_up(&[1, 7], Some(ALL_VERSIONS));
        at.retain(|place| *place < whole.len());
        at.sort_unstable();
        let datagrams = cut(&whole, &at);
        let shuffled = order.iter().map(|index| &datagrams[index.index(datagrams.len())][..]);
        let mut assembly = assemble(shuffled);
        for datagram in datagrams.iter().rev() {
            assembly.add(datagram);
        }
        prop_assert_eq!(assembly.body(), Some(&whole[..]));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0usize..300) {
        fuzz(&bytes);
        let mut damaged = cut(&made_up(&[1, 7], Some(ALL_VERSIONS)), &[100]).concat();
        let place = at % damaged.len();
        damaged[place] ^= bytes.first().copied().unwrap_or(0xFF);
        fuzz(&damaged);
    }
}
