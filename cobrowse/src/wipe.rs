//! Memory that held a shopper's bytes is zeroed, at the speed of a plain fill.
//!
//! The `zeroize` crate writes its zeros one by one, which is felt where every record and every text of a page is
//! zeroed. Here a fill is followed by that crate's barrier, which keeps the compiler from leaving the fill out.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use zeroize::optimization_barrier;

/// Zeroes these bytes.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// What can be zeroed; it is empty then.
pub(crate) trait Wipe {
    /// Zeroes all memory of it, what it has in reserve included.
    fn wipe(&mut self);
}

impl Wipe for Box<str> {
    fn wipe(&mut self) {
        wipe(&mut mem::take(self).into_boxed_bytes());
    }
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.clear();
        self.resize(self.capacity(), 0);
        optimization_barrier(self.as_slice());
        self.clear();
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        mem::take(self).into_bytes().wipe();
    }
}

/// Zeroed when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Wiping<T: Wipe>(T);

impl<T: Wipe> Wiping<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(content)
    }
}

impl<T: Wipe> Deref for Wiping<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> DerefMut for Wiping<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Wipe> Drop for Wiping<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> fmt::Debug for Wiping<T> {
    /// Its content never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wiping")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memory_is_zeroed_what_is_in_reserve_too() {
        let mut bytes = b"4242 4242".to_vec();
        bytes.truncate(2);
        bytes.wipe();
        assert!(bytes.is_empty());
        bytes.resize(bytes.capacity(), 1);
        wipe(&mut bytes);
        assert!(bytes.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_is_wiped_is_empty() {
        let mut text: Box<str> = "4242".into();
        text.wipe();
        assert_eq!(&*text, "");
        let mut text = String::from("4242");
        text.wipe();
        assert_eq!(text, "");
    }
}
