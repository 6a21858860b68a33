//! Frames that hold hosted payment fields: by where they come from, or by what they are called.

use crate::mirror::{Key, Mirror, Role};

/// Names that providers give to their frames, lower case; parts of name, id, class or title.
const NAMES: [&str; 18] = [
    "card-fields-iframe",
    "card-fields-number",
    "__privatestripe",
    "secure card payment",
    "securedfields",
    "checkout-frames-",
    "braintree-hosted-field",
    "braintree-dispatch",
    "__zoid__paypal",
    "js-iframe",
    "cardnumber",
    "card-number",
    "card_number",
    "credit card",
    "creditcard",
    "secure payment",
    "cvv",
    "hosted-field",
];

/// The payment frames at and below a node.
pub(super) fn find(mirror: &Mirror, top: Key) -> Vec<Key> {
    mirror.subtree(top).filter_map(|key| find_at(mirror, key)).collect()
}

/// The node itself if it is a payment frame.
pub(super) fn find_at(mirror: &Mirror, key: Key) -> Option<Key> {
    (mirror.role(key) == Role::Frame && is_payment(mirror, key)).then_some(key)
}

fn is_payment(mirror: &Mirror, key: Key) -> bool {
    let named =
        ["name", "id", "class", "title", "aria-label"].iter().filter_map(|name| mirror.clue(key, name)).any(|value| {
            let value = value.to_ascii_lowercase();
            NAMES.iter().any(|known| value.contains(known))
        });
    named || mirror.clue(key, "src").is_some_and(comes_from_provider)
}

/// Whether an address belongs to a provider of hosted payment fields.
fn comes_from_provider(address: &str) -> bool {
    let rest = address.split_once("//").map_or(address, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let hosts = include_str!("hosts.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    hosts.into_iter().any(|known| {
        if known.contains('.') {
            host == known || host.strip_suffix(known).is_some_and(|before| before.ends_with('.'))
        } else {
            host.contains(known)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::comes_from_provider;

    #[test]
    fn providers_are_known_by_host() {
        for address in [
            "https://js.stripe.com/v3/elements-inner-card-1.html",
            "//checkoutshopper-live.adyen.com/x",
            "https://assets.braintreegateway.com/web",
        ] {
            assert!(comes_from_provider(address), "{address}");
        }
        for address in
            ["https://www.youtube.com/embed/x", "https://blink.com/", "about:blank", "/frame.html?u=js.stripe.com"]
        {
            assert!(!comes_from_provider(address), "{address}");
        }
    }
}
