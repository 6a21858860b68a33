//! An offer, parsed and answered: every m-line comes back, and nothing of the answer breaks a line.
#![cfg_attr(fuzzing, no_main)]

use tillside_sfu::dtls::Fingerprint;
use tillside_sfu::sdp::{IceCredentials, LocalDescription, Msid, Offer, Purpose, SlotDescription, answer};

pub(crate) fn run(bytes: &[u8]) {
    let Ok(offer) = Offer::parse(&String::from_utf8_lossy(bytes)) else { return };
    let ice = IceCredentials { ufrag: "ours".into(), password: "ours".into() };
    let msid = Msid { stream: "slot".into(), track: "slot".into() };
    let slot = |(ssrc, mid)| SlotDescription { mid, ssrc, rtx_ssrc: ssrc + 64, msid: msid.clone() };
    let slots: Vec<_> = (0..).zip(offer.media().iter().map(|media| media.mid)).map(slot).collect();
    let (fingerprint, purpose) = (&Fingerprint::sha256_of(b""), Purpose::Call);
    let (session_id, session_version, cname) = (1, 1, "ours");
    let local = LocalDescription {
        purpose,
        ice: &ice,
        fingerprint,
        candidates: &[],
        session_id,
        session_version,
        cname,
        slots: &slots,
    };
    let negotiated = answer(&offer, &local);
    assert_eq!(negotiated.media.len(), offer.media().len());
    assert_eq!(negotiated.sdp.matches("\r\nm=").count(), offer.media().len());
    assert!(offer.changes_since(&offer.outline()).is_ok_and(|changes| !changes.ice_restart));
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
