//! The matrix of SEC-21: one good token, and what happens when one thing about it is changed.

use super::*;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER_SECRET: &str = "fedcba9876543210fedcba9876543210";
const ED25519: &str = include_str!("../../tests/keys/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("../../tests/keys/ed25519.pub.pem");
const P256: &str = include_str!("../../tests/keys/p256.pem");
const P256_PUBLIC: &str = include_str!("../../tests/keys/p256.pub.pem");
const NOW: u64 = 1_800_000_000;

fn keyring() -> Keyring {
    let key = |id: &str, source| Key { id: id.to_owned(), source };
    let tenant = |id: &str, keys| Tenant { id: id.to_owned(), origins: vec![format!("https://{id}.example")], keys };
    let keyring = Keyring::new(vec![
        tenant(
            "shop",
            vec![
                key("hs", KeySource::Secret(SECRET.to_owned().into())),
                key("ed", KeySource::Ed25519(ED25519_PUBLIC.to_owned())),
                key("es", KeySource::P256(P256_PUBLIC.to_owned())),
            ],
        ),
        tenant("rival", vec![key("rival-hs", KeySource::Secret(OTHER_SECRET.to_owned().into()))]),
    ]);
    keyring.unwrap()
}

fn claims() -> Value {
    json!({
        "iss": "hs", "sub": "customer-7", "nbf": NOW - 60, "exp": NOW + 600, "jti": "t-1", "tenant": "shop",
        "name": "Mara", "role": "shopper",
        "grants": { "room": "help-1", "publish": ["camera"], "subscribe": true, "moderate": false },
    })
}

fn header(algorithm: &str, kid: &str) -> Value {
    json!({ "typ": "JWT", "alg": algorithm, "kid": kid })
}

fn hs256(secret: &[u8]) -> (Algorithm, EncodingKey) {
    (Algorithm::HS256, EncodingKey::from_secret(secret))
}

fn token(header: &Value, claims: &str, (algorithm, key): (Algorithm, EncodingKey)) -> String {
    let message = format!("{}.{}", base64url(&header.to_string()), base64url(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn base64url(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

fn signed(claims: &Value) -> String {
    token(&header("HS256", "hs"), &claims.to_string(), hs256(SECRET.as_bytes()))
}

fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    signed(&claims)
}

#[test]
fn good_tokens_of_every_kind_of_key_are_accepted() {
    let keyring = keyring();
    assert_eq!(keyring.verify(&signed(&claims()), NOW).unwrap().grants.room.as_deref(), Some("help-1"));
    for (id, algorithm, key) in [
        ("ed", Algorithm::EdDSA, EncodingKey::from_ed_pem(ED25519.as_bytes()).unwrap()),
        ("es", Algorithm::ES256, EncodingKey::from_ec_pem(P256.as_bytes()).unwrap()),
    ] {
        let mut claims = claims();
        claims["iss"] = id.into();
        let header = header(if id == "ed" { "EdDSA" } else { "ES256" }, id);
        assert_eq!(keyring.verify(&token(&header, &claims.to_string(), (algorithm, key)), NOW).unwrap().iss, id);
    }
}

#[test]
fn what_is_minted_is_accepted_and_only_secrets_can_mint() {
    let keyring = keyring();
    let mut wanted: Claims = serde_json::from_value(claims()).unwrap();
    let token = keyring.mint(&wanted).unwrap();
    assert_eq!(keyring.verify(&token, NOW).unwrap(), wanted);
    wanted.iss = "ed".to_owned();
    assert!(keyring.mint(&wanted).is_none());
    wanted.iss = "nobody".to_owned();
    assert!(keyring.mint(&wanted).is_none());
}

#[test]
fn sec_21_one_wrong_claim_is_enough() {
    use TokenError::{Expired, LivesTooLong, Malformed, NotYet, Tenant};
    let keyring = keyring();
    let long = "x".repeat(300);
    let set = |field: &str, value: Value| with(|claims| claims[field] = value);
    let grant = |field: &str, value: Value| with(|claims| claims["grants"][field] = value);
    let mut cases = vec![
        // Times: leeway is ten seconds, not more.
        (set("exp", json!(NOW - 10)), Expired),
        // It ends before it begins.
        (set("exp", json!(NOW - 600)), Malformed),
        (set("exp", json!(0)), Malformed),
        (set("nbf", json!(NOW + 11)), NotYet),
        (set("nbf", json!(NOW + 601)), Malformed),
        (set("exp", json!(NOW + LIFE_S_MAX + LEEWAY_S + 1)), LivesTooLong),
        (set("exp", json!(u64::MAX)), LivesTooLong),
        // Types: CVE-2026-25537 is about a time that is a text.
        (set("exp", json!("1900000000")), Malformed),
        (set("exp", json!(1.9e9)), Malformed),
        (set("exp", json!(-1)), Malformed),
        (set("exp", json!(true)), Malformed),
        (set("exp", json!([NOW])), Malformed),
        (set("nbf", json!("0")), Malformed),
        (set("nbf", json!(-1)), Malformed),
        (set("iss", json!(1)), Malformed),
        (set("sub", json!(7)), Malformed),
        (set("jti", json!(["t-1"])), Malformed),
        (set("tenant", json!(["shop"])), Malformed),
        (set("name", json!(null)), Malformed),
        (set("role", json!("admin")), Malformed),
        (set("role", json!(["agent"])), Malformed),
        (set("role", json!("Agent")), Malformed),
        (set("grants", json!("all")), Malformed),
        // Values.
        (set("tenant", json!("rival")), Tenant),
        (set("tenant", json!("")), Tenant),
        (set("tenant", json!("SHOP")), Tenant),
        (set("iss", json!("ed")), Malformed),
        (set("iss", json!("rival-hs")), Malformed),
        (set("sub", json!("")), Malformed),
        (set("sub", json!(long)), Malformed),
        (set("jti", json!("")), Malformed),
        (set("jti", json!(long)), Malformed),
        (set("name", json!("")), Malformed),
        (set("name", json!("  ")), Malformed),
        (set("name", json!("x".repeat(65))), Malformed),
        (set("name", json!("a\u{0}b")), Malformed),
        (set("name", json!("\u{202e}evil")), Malformed),
        (grant("room", json!("../etc")), Malformed),
        (grant("room", json!("")), Malformed),
        (grant("room", json!(["help-1"])), Malformed),
        (grant("publish", json!("camera")), Malformed),
        (grant("publish", json!(["everything"])), Malformed),
        (grant("moderate", json!("true")), Malformed),
        (grant("subscribe", json!(1)), Malformed),
    ];
    for field in ["iss", "sub", "nbf", "exp", "jti", "tenant", "name", "role"] {
        let missing = with(|claims| {
            claims.as_object_mut().unwrap().remove(field);
        });
        cases.push((missing, Malformed));
    }
    for (number, (token, expected)) in cases.into_iter().enumerate() {
        assert_eq!(keyring.verify(&token, NOW), Err(expected), "case {number}");
    }
}

#[test]
fn sec_21_one_wrong_signature_is_enough() {
    use TokenError::{Malformed, Signature};
    let keyring = keyring();
    let good = claims().to_string();
    let secret = || hs256(SECRET.as_bytes());
    let header_with = |field: &str, value: Value| {
        let mut header = header("HS256", "hs");
        header[field] = value;
        header
    };
    let signed = signed(&claims());
    let (message, signature) = signed.rsplit_once('.').unwrap();
    let none = format!("{}.{}.", base64url(&header("none", "hs").to_string()), base64url(&good));
    let duplicate = good.replacen("\"role\":\"shopper\"", "\"role\":\"shopper\",\"role\":\"supervisor\"", 1);
    assert_ne!(duplicate, good);
    let ed = || (Algorithm::EdDSA, EncodingKey::from_ed_pem(ED25519.as_bytes()).unwrap());
    for (name, token, expected) in [
        ("alg none", none.clone(), Malformed),
        ("alg none with a signature", format!("{none}{signature}"), Malformed),
        ("alg None", token(&header("None", "hs"), &good, secret()), Malformed),
        ("HS384 said, HS256 done", token(&header("HS384", "hs"), &good, secret()), Signature),
        ("HS512 said, HS256 done", token(&header("HS512", "hs"), &good, secret()), Signature),
        ("RS256 said", token(&header("RS256", "hs"), &good, secret()), Signature),
        ("public key as secret, ES256", token(&header("HS256", "es"), &good, hs256(P256_PUBLIC.as_bytes())), Signature),
        (
            "public key as secret, EdDSA",
            token(&header("HS256", "ed"), &good, hs256(ED25519_PUBLIC.as_bytes())),
            Signature,
        ),
        ("EdDSA with the kid of HS256", token(&header("EdDSA", "hs"), &good, ed()), Signature),
        ("EdDSA with the kid of ES256", token(&header("EdDSA", "es"), &good, ed()), Signature),
        ("another tenant's key", token(&header("HS256", "hs"), &good, hs256(OTHER_SECRET.as_bytes())), Signature),
        ("another tenant's kid", token(&header("HS256", "rival-hs"), &good, secret()), Signature),
        ("unknown kid", token(&header("HS256", "nobody"), &good, secret()), Signature),
        ("empty kid", token(&header("HS256", ""), &good, secret()), Signature),
        ("kid like a path", token(&header("HS256", "../../dev/null"), &good, hs256(b"")), Signature),
        ("no kid", token(&json!({ "alg": "HS256" }), &good, secret()), Malformed),
        ("kid of another type", token(&header_with("kid", json!(1)), &good, secret()), Malformed),
        ("crit", token(&header_with("crit", json!(["b64"])), &good, secret()), Malformed),
        ("empty secret", token(&header("HS256", "hs"), &good, hs256(b"")), Signature),
        ("no signature", format!("{message}."), Signature),
        ("no third part", message.to_owned(), Malformed),
        ("four parts", format!("{signed}.x"), Malformed),
        ("one bit of the signature", flip(&signed, signed.len() - 10), Signature),
        ("one bit of the claims", flip(&signed, message.len() - 5), Signature),
        ("claim twice", token(&header("HS256", "hs"), &duplicate, secret()), Malformed),
        ("claims no object", token(&header("HS256", "hs"), "[]", secret()), Malformed),
        ("claims no JSON", token(&header("HS256", "hs"), "{", secret()), Malformed),
        ("empty", String::new(), Malformed),
        ("dots", "..".to_owned(), Malformed),
        ("not base64", "a*.b*.c*".to_owned(), Malformed),
        ("long", "a".repeat(TOKEN_BYTES_MAX + 1), Malformed),
    ] {
        assert_eq!(keyring.verify(&token, NOW), Err(expected), "{name}");
    }
}

fn flip(token: &str, at: usize) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn sec_21_leeway_is_ten_seconds() {
    let keyring = keyring();
    let token = signed(&claims());
    assert!(keyring.verify(&token, NOW + 609).is_ok());
    assert_eq!(keyring.verify(&token, NOW + 610), Err(TokenError::Expired));
    assert!(keyring.verify(&token, NOW - 70).is_ok());
    assert_eq!(keyring.verify(&token, NOW - 71), Err(TokenError::NotYet));
}

#[test]
fn sec_22_a_recheck_notices_a_removed_key_and_the_end_of_time() {
    let with_key = keyring();
    let claims = with_key.verify(&signed(&claims()), NOW).unwrap();
    assert_eq!(with_key.recheck(&claims, NOW), Ok(()));
    assert_eq!(with_key.recheck(&claims, NOW + 700), Err(TokenError::Expired));
    let without = Keyring::new(Vec::new()).unwrap();
    assert_eq!(without.recheck(&claims, NOW), Err(TokenError::Signature));
}

#[test]
fn sec_35_an_api_key_needs_the_whole_secret() {
    let keyring = keyring();
    assert_eq!(keyring.authenticate("hs", SECRET), Some("shop"));
    for (key, secret) in [
        ("hs", OTHER_SECRET),
        ("hs", ""),
        ("hs", &SECRET[..31]),
        ("rival-hs", SECRET),
        ("nobody", ""),
        ("ed", ""),
        ("ed", ED25519_PUBLIC),
    ] {
        assert_eq!(keyring.authenticate(key, secret), None, "{key}");
    }
}

#[test]
fn sec_16_origins_belong_to_tenants() {
    let origins = ["https://shop.example", "http://localhost:*", "https://exact.example:8443"];
    let tenant = Tenant { id: "shop".to_owned(), origins: origins.map(str::to_owned).to_vec(), keys: Vec::new() };
    let keyring = Keyring::new(vec![tenant]).unwrap();
    for (origin, allowed) in [
        ("https://shop.example", true),
        ("HTTPS://SHOP.EXAMPLE", true),
        ("http://shop.example", false),
        ("https://shop.example:444", false),
        ("https://shop.example.evil.example", false),
        ("https://evil.example/https://shop.example", false),
        ("https://shop.example@evil.example", false),
        ("http://localhost", true),
        ("http://localhost:7880", true),
        ("http://localhost:evil.example", false),
        ("http://localhost:", false),
        ("http://localhost.evil.example", false),
        ("http://localhostevil:80", false),
        ("https://exact.example:8443", true),
        ("https://exact.example", false),
        ("null", false),
        ("", false),
        ("\u{e9}", false),
    ] {
        assert_eq!(keyring.allows_origin("shop", origin), allowed, "{origin}");
        assert_eq!(keyring.any_allows_origin(origin), allowed, "{origin}");
    }
    assert!(!keyring.allows_origin("rival", "https://shop.example"), "another tenant's origin");
}
