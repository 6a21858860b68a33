//! The co-browse core of Tillside.

mod admit;
pub mod counters;
mod css;
pub mod desync;
pub mod limits;
pub mod mask;
mod mirror;
pub mod policy;
mod record;
mod scan;
mod url;
mod vault;
