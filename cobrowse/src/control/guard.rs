//! What the shopper must confirm by the agent's name before it happens: buying, paying, ordering, deleting, leaving.

use super::Act;
use crate::mask::Level;
use crate::mirror::{Key, Kind, Mirror, Role};
use serde::{Deserialize, Serialize};

/// Why the shopper is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The words on it say that it buys, pays, orders, subscribes or deletes.
    Commits,
    /// It submits a form that holds payment fields.
    SubmitsPayment,
    /// It leads away from this page.
    Leaves,
}

/// Words on buttons that commit the shopper to something, lower case. Parts of words count.
const COMMITTING: [&str; 74] = [
    "buy",
    "pay",
    "order",
    "purchase",
    "subscribe",
    "checkout",
    "donate",
    "delete",
    "remove account",
    "cancel subscription",
    "confirm",
    "transfer",
    "kaufen",
    "bezahl",
    "zahlung",
    "bestell",
    "löschen",
    "abonnieren",
    "kündig",
    "überweis",
    "acheter",
    "payer",
    "commander",
    "supprimer",
    "commande",
    "s'abonner",
    "comprar",
    "pagar",
    "pedido",
    "eliminar",
    "suscrib",
    "acquista",
    "paga",
    "ordina",
    "elimina",
    "abbonati",
    "encomendar",
    "finalizar",
    "excluir",
    "assinar",
    "kopen",
    "betalen",
    "bestellen",
    "verwijder",
    "kup",
    "zapłać",
    "zamawiam",
    "usuń",
    "koupit",
    "zaplatit",
    "objedna",
    "smazat",
    "kúpiť",
    "fizet",
    "megrendel",
    "törl",
    "cumpăr",
    "plăt",
    "comand",
    "купить",
    "оплат",
    "заказ",
    "удалить",
    "купи",
    "αγορ",
    "πληρ",
    "satın al",
    "öde",
    "köp",
    "betala",
    "osta",
    "購入",
    "注文",
    "支付",
];

/// Words that would need spelling out per script; kept apart for the scripts that have no spaces.
const COMMITTING_UNSPACED: [&str; 12] =
    ["支払", "削除", "购买", "下单", "付款", "删除", "購買", "결제", "주문", "구매", "삭제", "ซื้อ"];

/// Longest label that is read.
const LABEL_BYTES_MAX: usize = 256;

/// What must be confirmed before `act` happens to this node.
pub(super) fn of(mirror: &Mirror, key: Key, act: &Act) -> Option<Guard> {
    match act {
        Act::Click { .. } | Act::Press { .. } => {}
        Act::Follow {} => return Some(Guard::Leaves),
        _ => return None,
    }
    let chain = std::iter::once(key).chain(mirror.ancestors(key)).take(8);
    let pressed = chain.into_iter().find(|key| mirror.role(*key) == Role::Button || mirror.tag(*key) == "a");
    let target = pressed.unwrap_or(key);
    if is_committing(&label(mirror, target)) {
        return Some(Guard::Commits);
    }
    let submits = mirror.role(target) == Role::Button || matches!(act, Act::Press { .. });
    if submits && form_holds_payment(mirror, target) {
        return Some(Guard::SubmitsPayment);
    }
    let leaves = mirror.tag(target) == "a" && mirror.attribute(target, "href").is_some_and(|href| href.contains("//"));
    leaves.then_some(Guard::Leaves)
}

fn is_committing(label: &str) -> bool {
    let label = label.to_lowercase();
    COMMITTING.iter().chain(&COMMITTING_UNSPACED).any(|word| label.contains(word))
}

/// The words on a button: its texts and its attributes.
fn label(mirror: &Mirror, key: Key) -> String {
    let mut label = String::new();
    for name in ["value", "aria-label", "title", "alt"] {
        label.push_str(mirror.attribute(key, name).unwrap_or_default());
        label.push(' ');
    }
    for below in mirror.subtree(key) {
        if let Kind::Text(text) = &mirror.node(below).kind
            && label.len() < LABEL_BYTES_MAX
        {
            label.push_str(text);
            label.push(' ');
        }
    }
    label
}

fn form_holds_payment(mirror: &Mirror, key: Key) -> bool {
    let form = mirror.ancestors(key).find(|ancestor| mirror.tag(*ancestor) == "form");
    form.is_some_and(|form| mirror.subtree(form).any(|below| mirror.level(below) == Level::Payment))
}

#[cfg(test)]
mod tests {
    use super::is_committing;

    #[test]
    fn committing_words_are_known_in_many_languages() {
        for label in [
            "Place order",
            "Jetzt kaufen",
            "Payer 20 €",
            "Realizar pedido",
            "Acquista ora",
            "Finalizar compra",
            "Nu bestellen",
            "Kupuję i zapłacę",
            "Objednat",
            "Оплатить",
            "購入する",
            "立即购买",
            "결제하기",
            "Satın al",
            "Delete account",
        ] {
            assert!(is_committing(label), "{label}");
        }
        for label in ["Next", "Weiter", "Add a note", "Search"] {
            assert!(!is_committing(label), "{label}");
        }
    }
}
