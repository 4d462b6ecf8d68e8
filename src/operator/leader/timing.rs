//! How long a term lasts, and what follows from it.

use jiff::SignedDuration;

/// The longest wait for the answer to a write: an object waits for it before it is written again.
const LONGEST_WRITE: SignedDuration = SignedDuration::from_secs(10);

/// The durations of a term. Those of client-go (15 s, 10 s, 2 s) are the default, since they are what clusters are operated
/// with; all others keep their proportion to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    seconds: i32,
}

impl Default for Timing {
    fn default() -> Self {
        Self { seconds: 15 }
    }
}

impl Timing {
    /// Those of a Lease that others may take when it was not renewed for this long.
    pub fn of_seconds(seconds: i32) -> Self {
        Self { seconds }
    }

    /// The duration of a Lease, in seconds.
    pub fn seconds(self) -> i32 {
        self.seconds
    }

    /// The duration of a Lease. The API server has it in whole seconds.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds.into())
    }

    /// A holder that has not renewed for this long is not ready.
    pub fn renew_deadline(self) -> SignedDuration {
        self.duration() * 2 / 3
    }

    /// The pause between two renewals.
    pub fn retry_period(self) -> SignedDuration {
        self.duration() * 2 / 15
    }

    /// The pause between two reads of one that stands by: half of that, so that it takes a Lease that is released within 2 s.
    pub fn read_period(self) -> SignedDuration {
        self.retry_period() / 2
    }

    /// How long the API server may take to answer a request for the Lease: two can fail before a term is over.
    pub fn request_timeout(self) -> SignedDuration {
        self.duration() / 3
    }

    /// How long a write may take. A write that starts when the Lease was just renewed is over well before the term is.
    pub fn write_timeout(self) -> SignedDuration {
        self.renew_deadline().min(LONGEST_WRITE)
    }

    /// By so much less a holder uses its term, for clocks that do not run alike: one in 15, far more than those of working machines
    /// differ.
    pub(super) fn margin(self) -> SignedDuration {
        self.duration() / 15
    }
}
