//! stub
use crate::mirror::{Key, Mirror};
use std::collections::BTreeSet;
#[derive(Default)]
pub(crate) struct Classifier {}
impl Classifier {
    pub(crate) fn clear(&mut self) {}
    pub(crate) fn has_found(&self) -> bool {
        false
    }
    pub(crate) fn judge_all(&mut self, _mirror: &Mirror) -> Vec<Key> {
        Vec::new()
    }
    pub(crate) fn judge(&mut self, _mirror: &Mirror, _touched: &BTreeSet<Key>) -> Vec<Key> {
        Vec::new()
    }
    pub(crate) fn handle_card(&mut self, _mirror: &Mirror, cards: &[Key]) -> Vec<Key> {
        cards.to_vec()
    }
    pub(crate) fn fields_around(&self, _mirror: &Mirror, key: Key, _n: usize) -> Vec<Key> {
        vec![key]
    }
}
