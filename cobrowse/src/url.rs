//! What is left of addresses before a viewer may see them.

use crate::scan;

/// The scheme of uploaded assets: `asset:` and the hex digest that the SDK and the asset store agree on.
pub(crate) const ASSET_SCHEME: &str = "asset:";

/// Longest path that is passed on; longer ones carry state, not a place.
const PATH_BYTES_MAX: usize = 512;

/// The address of an uploaded asset, as it is; `None` for any other address.
pub(crate) fn asset(address: &str) -> Option<&str> {
    let digest = address.strip_prefix(ASSET_SCHEME)?;
    let valid = (32..=128).contains(&digest.len()) && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then_some(address)
}

/// An address without query and fragment; `None` if nothing of it may be shown: any scheme but http and https,
/// credentials in it, or digits in its path that could be a card or account number.
pub(crate) fn link(address: &str) -> Option<&str> {
    let address = address.trim();
    let place = address.split(['?', '#']).next().unwrap_or_default();
    let rest = match split_scheme(place) {
        Some(("http" | "https" | "HTTP" | "HTTPS", rest)) => rest,
        Some(_) => return None,
        None => place,
    };
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => ("", rest),
    };
    let plain =
        place.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'\\'));
    let shown = plain && path.len() <= PATH_BYTES_MAX && !host.contains('@') && !holds_number(path);
    shown.then_some(place)
}

/// The scheme of an address, if it has one: letters before the first colon (RFC 3986 §3.1).
fn split_scheme(address: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = address.split_once(':')?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    // Control characters before or inside a scheme are how `java\tscript:` hides; those are not schemes but no
    // addresses either: `link` refuses them as not plain.
    is_scheme.then_some((scheme, rest))
}

/// Percent-escapes could hide digits, so a path with an escaped digit counts as holding one.
fn holds_number(path: &str) -> bool {
    let escaped = path.as_bytes().windows(3).any(|bytes| bytes[0] == b'%' && bytes[1] == b'3');
    escaped || scan::find(path).is_some() || scan::find(&path.replace(['/', '.', '+', ','], " ")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<&str>) {
        assert_eq!(link(address), expected, "{address}");
    }

    #[test]
    fn sec_27_links_lose_query_fragment_and_foreign_schemes() {
        check("https://shop.example/a/b?card=4242#x", Some("https://shop.example/a/b"));
        check("/cart", Some("/cart"));
        check("#pay", Some(""));
        check("//cdn.example/x", Some("//cdn.example/x"));
        check("javascript:alert(1)", None);
        check(" JaVaScRiPt:alert(1)", None);
        check("java\tscript:alert(1)", None);
        check("data:text/html,x", None);
        check("mailto:a@b.example", None);
        check("https://user:secret@shop.example/", None);
        check("/pay/4242424242424242", None);
        check("/pay/4242-4242/4242-4242", None);
        check("/pay/%34242424242424242", None);
    }

    #[test]
    fn only_digests_are_assets() {
        let digest = format!("asset:{}", "0a".repeat(32));
        assert_eq!(asset(&digest), Some(&*digest));
        assert_eq!(asset("asset:../../x"), None);
        assert_eq!(asset("https://shop.example/a.png"), None);
        assert_eq!(asset("data:image/png;base64,AAAA"), None);
    }
}
