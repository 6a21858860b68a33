//! Sends runs by sendmmsg and decides what each refusal of the kernel means.

use super::SendReport;
use crate::sends::Sends;
use crate::worker::gso::{Run, RunHistogram, SEGMENTS_MAX};
use crate::worker::syscall::{Message, SendArrays};
use socket2::Socket;
use std::io;

pub(super) struct Sender {
    arrays: SendArrays,
    has_segmentation: bool,
    runs: RunHistogram,
    segmentation_refused: u64,
}

/// What to do after an error, which is about the first message that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The socket or the device is full: the rest would fail as well, and waiting is worse than losing it.
    Full,
    /// A signal came; nothing is wrong.
    Interrupted,
    /// A run was refused as such, or perhaps its destination: only sending it one by one will tell.
    PerhapsSegmentation,
    /// This destination does not work now; the others may.
    Destination,
}

impl Refusal {
    fn of(error: &io::Error, run: &Run) -> Self {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => Self::Full,
            Some(libc::EINTR) => Self::Interrupted,
            // EIO: the device cannot compute checksums. EINVAL: the kernel, or a filter, dislikes the message.
            Some(libc::EIO | libc::EINVAL) if run.count > 1 => Self::PerhapsSegmentation,
            _ => Self::Destination,
        }
    }
}

impl Sender {
    pub(super) fn new(has_segmentation: bool) -> Self {
        let (arrays, runs) = (SendArrays::new(), RunHistogram::default());
        Self { arrays, has_segmentation, runs, segmentation_refused: 0 }
    }

    pub(super) fn has_segmentation(&self) -> bool {
        self.has_segmentation
    }

    pub(super) fn turn_segmentation_off(&mut self) {
        self.has_segmentation = false;
    }

    pub(super) fn segments_max(&self) -> usize {
        if self.has_segmentation { SEGMENTS_MAX } else { 1 }
    }

    /// Messages by their number of datagrams, and how often segmentation was refused.
    pub(super) fn counters(&self) -> (&RunHistogram, u64) {
        (&self.runs, self.segmentation_refused)
    }

    /// Sends `runs` in order.
    pub(super) fn send(&mut self, socket: &Socket, sends: &Sends, runs: &[Run], report: &mut SendReport) {
        let mut rest = runs;
        while let Some((first, after_first)) = rest.split_first() {
            if first.count > 1 && !self.has_segmentation {
                self.send_one_by_one(socket, sends, first, report);
                rest = after_first;
                continue;
            }
            let messages = rest.iter().take_while(|run| run.count == 1 || self.has_segmentation);
            match self.arrays.send(socket, messages.map(|run| message(sends, run))) {
                Ok(count) => {
                    for run in &rest[..count] {
                        self.runs.add(run);
                        report.sent += run.count as u64;
                    }
                    rest = &rest[count..];
                }
                Err(error) => match Refusal::of(&error, first) {
                    Refusal::Full => {
                        report.dropped += rest.iter().map(|run| run.count as u64).sum::<u64>();
                        return;
                    }
                    Refusal::Interrupted => {}
                    Refusal::PerhapsSegmentation => {
                        let sent_before = report.sent;
                        self.send_one_by_one(socket, sends, first, report);
                        if report.sent > sent_before {
                            self.has_segmentation = false;
                            self.segmentation_refused += 1;
                        }
                        rest = after_first;
                    }
                    Refusal::Destination => {
                        report.failed += first.count as u64;
                        rest = after_first;
                    }
                },
            }
        }
    }

    /// Ends, since a run of one is neither cut again nor taken for a matter of segmentation.
    fn send_one_by_one(&mut self, socket: &Socket, sends: &Sends, run: &Run, report: &mut SendReport) {
        let mut singles = [Run { first: 0, count: 1 }; SEGMENTS_MAX];
        for (offset, single) in singles.iter_mut().enumerate() {
            single.first = run.first + offset;
        }
        self.send(socket, sends, &singles[..run.count], report);
    }
}

fn message<'a>(sends: &'a Sends, run: &Run) -> Message<'a> {
    let datagrams = &sends.datagrams()[run.first..run.first + run.count];
    let (first, last) = (&datagrams[0], &datagrams[run.count - 1]);
    let segment = (run.count > 1).then(|| u16::try_from(first.len()).expect("datagrams are at most DATAGRAM_MAX long"));
    Message { to: sends.path(first).remote(), bytes: sends.run_bytes(first, last), segment }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_j7_refusals_are_told_apart() {
        let check = |errno, count, expected| {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(Refusal::of(&error, &Run { first: 0, count }), expected, "{error}");
        };
        check(libc::EAGAIN, 1, Refusal::Full);
        check(libc::ENOBUFS, 4, Refusal::Full);
        check(libc::EINTR, 4, Refusal::Interrupted);
        check(libc::EIO, 4, Refusal::PerhapsSegmentation);
        check(libc::EINVAL, 4, Refusal::PerhapsSegmentation);
        check(libc::EINVAL, 1, Refusal::Destination);
        check(libc::EMSGSIZE, 4, Refusal::Destination);
        check(libc::ENETUNREACH, 1, Refusal::Destination);
        check(libc::EPERM, 2, Refusal::Destination);
    }
}
