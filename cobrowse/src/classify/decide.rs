//! From evidence to a verdict: what a control is by itself, and what it is beside others.

use super::evidence::{Evidence, Token};
use super::shape::ShapeKind;
use super::words::{Topic, Topics};

/// What a control is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The number or the code of a card: makes payment fields of doubtful neighbours.
    Anchor,
    /// A payment field.
    Payment,
    /// None, unless it stands beside an anchor.
    Doubtful,
    /// None.
    Public,
}

/// How far from an anchor doubtful controls are drawn in, in controls.
pub(super) const REACH: usize = 10;

/// What a control is by itself. An autocomplete attribute may raise what everything else says, never lower it: shops
/// put a card's token on the wrong field of the card, or another's on a field of the card.
pub(super) fn alone(evidence: &Evidence) -> Verdict {
    let verdict = without_token(evidence);
    match evidence.token {
        Some(Token::Number | Token::Csc) => Verdict::Anchor,
        Some(Token::Card) if verdict != Verdict::Anchor => Verdict::Payment,
        _ => verdict,
    }
}

fn without_token(evidence: &Evidence) -> Verdict {
    match evidence.shape.kind {
        ShapeKind::Text | ShapeKind::Hidden => text(evidence),
        // Nothing but a card form asks for the brand of a card.
        ShapeKind::Brands => Verdict::Anchor,
        ShapeKind::Months | ShapeKind::Years | ShapeKind::Expiries => date_list(evidence),
        ShapeKind::List => list(evidence),
        ShapeKind::Radio => radio(evidence),
        ShapeKind::Checkbox | ShapeKind::OtherDate => Verdict::Public,
    }
}

/// What a doubtful control is, `distance` controls from the nearest anchor.
pub(super) fn beside_anchor(evidence: &Evidence, distance: usize) -> Verdict {
    let said = evidence.said();
    let heard = said.with(evidence.near).with(evidence.after);
    let drawn = match evidence.shape.kind {
        ShapeKind::Months | ShapeKind::Years | ShapeKind::Expiries => !heard.has(Topic::Birth),
        ShapeKind::Text => drawn_text(evidence, said, distance),
        ShapeKind::List => {
            said.any(&[Topic::Exp, Topic::Type, Topic::Brand]) || (said.has(Topic::Card) && !said.has(Topic::Other))
        }
        ShapeKind::Radio => said.has(Topic::Brand),
        ShapeKind::Hidden => said.any(&[Topic::Exp, Topic::Csc, Topic::Number]),
        ShapeKind::Brands => true,
        ShapeKind::Checkbox | ShapeKind::OtherDate => false,
    };
    if drawn { Verdict::Payment } else { Verdict::Public }
}

fn drawn_text(evidence: &Evidence, said: Topics, distance: usize) -> bool {
    if said.any(&[Topic::Exp, Topic::Csc, Topic::Number, Topic::Holder, Topic::Type])
        && !said.any(&[Topic::Other, Topic::Ident, Topic::Birth])
    {
        return true;
    }
    if is_foreign(said) {
        return false;
    }
    let short = evidence.shape.length.is_some_and(|length| length <= 4);
    let named_code = said.any(&[Topic::Code, Topic::Pin]) && distance <= 4;
    let named_date = said.any(&[Topic::Month, Topic::Year]) && distance <= 4;
    let carded = said.any(&[Topic::Card, Topic::Brand]) && !said.has(Topic::Name);
    let overheard = evidence.near.any(&[Topic::Exp, Topic::Csc, Topic::Number, Topic::Holder]) && said.is_empty();
    let mute = said.is_empty()
        && !is_foreign(evidence.near)
        && (evidence.shape.numeric || evidence.shape.password || short)
        && distance <= 2;
    let numbered = said.has(Topic::Digits) && distance <= 3;
    let card_long = evidence.shape.length.is_some_and(|length| (15..=23).contains(&length))
        && !said.has(Topic::Name)
        && !is_foreign(evidence.near)
        && distance <= 3;
    let masked_code = evidence.shape.code_mask && !said.has(Topic::Name);
    masked_code
        || numbered
        || card_long
        || named_code
        || named_date
        || carded
        || overheard
        || mute
        || (short && evidence.shape.numeric && distance <= 3)
}

/// Whether the words speak of something that is no card.
pub(super) fn is_foreign(topics: Topics) -> bool {
    topics.any(&[Topic::Other, Topic::Birth, Topic::Ident, Topic::Voucher, Topic::Loyalty])
}

/// Whether a control without words takes a short number: beside the dates of a card, the code.
pub(super) fn is_mute_number(evidence: &Evidence) -> bool {
    is_silent(evidence) && (evidence.shape.numeric || evidence.shape.password)
}

/// Whether it is the holder's name by its own words.
pub(super) fn is_holders_name(evidence: &Evidence) -> bool {
    evidence.shape.kind == ShapeKind::Text && names_holder(evidence)
}

/// Whether a text field asks for a name and nothing else: the holder's, where everything around it is the card's.
pub(super) fn is_plain_name(evidence: &Evidence) -> bool {
    let said = evidence.said();
    evidence.shape.kind == ShapeKind::Text && said.has(Topic::Name) && !is_foreign(said)
}

/// Whether a text field asks for a whole name.
pub(super) fn is_full_name(evidence: &Evidence) -> bool {
    is_plain_name(evidence) && !evidence.said().has(Topic::Part)
}

/// Whether it is the number of a card, by its words, its mask or its token.
pub(super) fn is_number(evidence: &Evidence) -> bool {
    let named = evidence.shape.kind == ShapeKind::Text && alone(evidence) == Verdict::Anchor;
    named && !evidence.said().has(Topic::Csc)
}

/// Whether it is the code of a card, by its words or its token.
pub(super) fn is_code(evidence: &Evidence) -> bool {
    evidence.token == Some(Token::Csc) || evidence.said().with(evidence.near).has(Topic::Csc)
}

/// Whether it is a date on a card, where it is a field of one.
pub(super) fn is_date(evidence: &Evidence) -> bool {
    matches!(evidence.shape.kind, ShapeKind::Months | ShapeKind::Years | ShapeKind::Expiries)
        || evidence.said().has(Topic::Exp)
}

/// Whether a name that stands beside the holder's may be the holder's too: only halves of a name belong together. A full
/// name beside the holder's is the customer's.
pub(super) fn completes_holder(evidence: &Evidence) -> bool {
    is_plain_name(evidence) && evidence.said().has(Topic::Part)
}

/// Whether a text field says nothing that keeps it out of a card's fields: a name, or nothing at all.
pub(super) fn may_be_holder(evidence: &Evidence) -> bool {
    is_plain_name(evidence) || is_silent(evidence)
}

/// Whether neither a text field itself nor the words before it say that it is none of a card's fields, nor that it is.
pub(super) fn is_silent(evidence: &Evidence) -> bool {
    evidence.shape.kind == ShapeKind::Text && evidence.said().is_empty() && !is_foreign(evidence.near)
}

fn text(evidence: &Evidence) -> Verdict {
    let said = evidence.said();
    if let Some(verdict) = other_money(evidence, said) {
        return verdict;
    }
    let foreign = said.any(&[Topic::Loyalty, Topic::Ident, Topic::Voucher, Topic::Birth]);
    let is_number = names_number(evidence);
    if is_number && !foreign {
        return Verdict::Anchor;
    }
    if is_named_card(evidence) && !foreign {
        return Verdict::Anchor;
    }
    let class = evidence.class.any(&[Topic::Number, Topic::Csc]);
    let is_code = said.has(Topic::Csc) && (!said.has(Topic::Other) || evidence.label.has(Topic::Csc));
    if is_code && !foreign {
        return Verdict::Anchor;
    }
    if names_holder(evidence) && !foreign {
        return Verdict::Payment;
    }
    if names_expiry(evidence, said) && !foreign {
        return Verdict::Payment;
    }
    if evidence.shape.number_mask && !foreign && !said.has(Topic::Other) {
        return Verdict::Anchor;
    }
    // Nothing says what it is, but the words before it do.
    if said.is_empty() || !said.any(&[Topic::Other, Topic::Name]) {
        let near = evidence.near.with(evidence.after);
        let near_foreign = near.any(&[Topic::Loyalty, Topic::Ident, Topic::Voucher, Topic::Birth, Topic::Gift]);
        if near.any(&[Topic::Number, Topic::Csc]) && !near_foreign && !foreign {
            return Verdict::Anchor;
        }
    }
    if !foreign && !said.has(Topic::Other) && is_holder(evidence.near) && !evidence.near.has(Topic::Gift) {
        return Verdict::Payment;
    }
    if said.has(Topic::Card) && evidence.shape.numeric && !foreign && !said.any(&[Topic::Other, Topic::Name]) {
        return Verdict::Payment;
    }
    if class && !foreign && !said.has(Topic::Other) {
        return Verdict::Anchor;
    }
    Verdict::Doubtful
}

/// Gift cards and bank accounts: hidden like payment, but they draw nobody in.
fn other_money(evidence: &Evidence, said: Topics) -> Option<Verdict> {
    let gift = said.has(Topic::Gift) && !said.any(&[Topic::Other]) && evidence.shape.kind == ShapeKind::Text;
    let bank = said.has(Topic::Bank) && !said.has(Topic::Number);
    let gift_near = evidence.near.has(Topic::Gift)
        && (said.any(&[Topic::Pin, Topic::Number, Topic::Card]) || said.is_empty() && !is_foreign(evidence.near));
    (gift || bank || gift_near).then_some(Verdict::Payment)
}

/// The number by its name: in one source, or as a card word and a number word.
fn names_number(evidence: &Evidence) -> bool {
    let names = |topics: Topics| topics.has(Topic::Number) || (topics.has(Topic::Card) && topics.has(Topic::Digits));
    let other = evidence.said().any(&[Topic::Other, Topic::Exp, Topic::Csc, Topic::Holder]);
    evidence.said().has(Topic::Number) && !evidence.said().has(Topic::Other)
        || (names(evidence.own) || names(evidence.label)) && !other
}

/// The number or the code by its name or id, whatever its label says: labels are for people, and may be wrong, but the
/// shop's server reads the field by its name.
fn is_named_card(evidence: &Evidence) -> bool {
    evidence.name.any(&[Topic::Number, Topic::Csc]) && !is_foreign(evidence.name) && !evidence.name.has(Topic::Gift)
}

/// The holder by a phrase of its own, or as a card word and a name word in one source.
fn names_holder(evidence: &Evidence) -> bool {
    let said = evidence.said();
    (is_holder(evidence.own) || is_holder(evidence.label)) && !said.has(Topic::Other)
}

fn is_holder(topics: Topics) -> bool {
    topics.has(Topic::Holder) || topics.has(Topic::Card) && topics.has(Topic::Name) && !topics.has(Topic::Other)
}

/// An expiry by its name, and by its looks or its card.
fn names_expiry(evidence: &Evidence, said: Topics) -> bool {
    let looks = evidence.shape.date_mask || evidence.shape.length.is_some_and(|length| length <= 7);
    let dated = said.any(&[Topic::Month, Topic::Year]);
    let card = said.has(Topic::Card) || evidence.context.has(Topic::Card);
    said.has(Topic::Exp) && !said.has(Topic::Birth) && (looks || dated || card) || evidence.shape.date_mask && card
}

fn date_list(evidence: &Evidence) -> Verdict {
    let said = evidence.said();
    let heard = said.with(evidence.near).with(evidence.context);
    if heard.has(Topic::Birth) {
        return Verdict::Public;
    }
    if said.has(Topic::Exp) || evidence.near.has(Topic::Exp) || said.has(Topic::Card) {
        return Verdict::Payment;
    }
    Verdict::Doubtful
}

fn list(evidence: &Evidence) -> Verdict {
    let said = evidence.said();
    if is_named_card(evidence) {
        return Verdict::Payment;
    }
    if said.has(Topic::Type) && !said.any(&[Topic::Ident, Topic::Loyalty, Topic::Gift]) {
        return Verdict::Payment;
    }
    if said.any(&[Topic::Exp]) && said.any(&[Topic::Card, Topic::Month, Topic::Year]) && !said.has(Topic::Birth) {
        return Verdict::Payment;
    }
    Verdict::Doubtful
}

/// One brand of several in a group; groups are judged by their members together.
fn radio(evidence: &Evidence) -> Verdict {
    let said = evidence.said();
    if said.has(Topic::Brand) && said.has(Topic::Type) { Verdict::Payment } else { Verdict::Doubtful }
}
