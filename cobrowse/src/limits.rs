//! The limits of a share that several modules agree on. Limits of one module stand beside their use.

/// Largest assembled and inflated record (SEC-31). Real card pages measure 0.3 MB at the median and 1.1 MB at most
/// without their style sheets; five megabytes leave room for inlined ones.
pub const RECORD_BYTES_MAX: usize = 5 * 1024 * 1024;

/// Most nodes of one page, unless the policy says less (SEC-31). Real card pages hold 2,400 at the median.
pub const NODES_MAX: usize = 50_000;

/// Deepest nesting of a page (SEC-31). Browsers' own parsers stop at 512; hand-written pages rarely pass 40.
pub const DEPTH_MAX: usize = 256;

/// Records a sharer may send per second on average (SEC-31); mouse moves come batched, so this is generous.
pub const RECORDS_PER_SECOND: u32 = 500;

/// Records a sharer may send at once on top of the average: what a busy page collects while the network stalls.
pub const RECORDS_BURST: u32 = 2_000;

/// Most bytes of text that the mirror of one share may hold, all nodes together. Bounds memory when a hostile page
/// grows by increments, each of them small.
pub const MIRROR_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most attributes of one element that are looked at; the rest is dropped and counted.
pub const ATTRIBUTES_MAX: usize = 128;
