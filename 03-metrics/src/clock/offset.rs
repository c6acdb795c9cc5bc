//! How far apart two clocks are: NTP's four timestamps. Pure.
//!
//! ```text
//!   client   t1 ──────╮                    ╭──────> t4        (the client's clock)
//!                      ╲                  ╱
//!   server              ╰──> t2 ── t3 ───╯                    (the server's clock)
//! ```
//!
//! RFC 5905, section 8: the offset of the server's clock is ((t2 − t1) + (t3 − t4)) / 2, the delay (t4 − t1) − (t3 − t2). Only the delay is
//! known, not how it is shared between the two ways. If all of it was on one of them, the true offset is half the delay away from the
//! estimate: that is the bound of the error, and no arithmetic makes it smaller. Only a quicker exchange does: so the best of several is
//! the quickest, not the mean.

use std::fmt;

/// The four timestamps of one exchange, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The request leaves, by the client's clock.
    pub t1: i64,
    /// It arrives, by the server's clock.
    pub t2: i64,
    /// The reply leaves, by the server's clock.
    pub t3: i64,
    /// It arrives, by the client's clock.
    pub t4: i64,
}

/// An estimate of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Offset {
    /// What must be added to the client's clock to get the server's.
    pub offset_ns: i64,
    /// The true offset is no further away than this.
    pub error_ns: i64,
}

impl Exchange {
    /// How long request and reply were on the way, together. `None` when that is negative: a clock was set meanwhile, or the reply is none.
    pub fn delay_ns(&self) -> Option<i64> {
        // solution: begin — Part D: the delay of an exchange
        let (client, server) =
            (i128::from(self.t4) - i128::from(self.t1), i128::from(self.t3) - i128::from(self.t2));
        if client < 0 || server < 0 {
            return None;
        }
        i64::try_from(client - server).ok().filter(|delay| *delay >= 0)
        // solution: end
    }

    /// The estimate of this exchange. `None` when its times cannot be.
    pub fn offset(&self) -> Option<Offset> {
        // solution: begin — Part D: the offset and its bound
        let delay = self.delay_ns()?;
        let sum = i128::from(self.t2) - i128::from(self.t1) + i128::from(self.t3) - i128::from(self.t4);
        // Rounded towards zero, by half a nanosecond at most: the bound is rounded up.
        let offset_ns = i64::try_from(sum / 2).ok()?;
        Some(Offset { offset_ns, error_ns: delay / 2 + 1 })
        // solution: end
    }
}

/// The best estimate of several exchanges: that of the quickest. `None` when there is none that can be.
pub fn best(exchanges: &[Exchange]) -> Option<Offset> {
    // solution: begin — Part D: the best of several
    exchanges.iter().filter_map(Exchange::offset).min_by_key(|offset| offset.error_ns)
    // solution: end
}

/// What holds from `before` a run to `after` it: between the two clocks may have drifted. The estimate is in the middle; the bound covers both
/// with their errors. What an `i64` cannot hold is the most that it can.
pub fn throughout(before: Offset, after: Offset) -> Offset {
    // solution: begin — Part D: over a whole run
    // What strangers' clocks say may be at the end of an i64, and its bound beyond.
    let range = |of: Offset| {
        let (offset, error) = (i128::from(of.offset_ns), i128::from(of.error_ns));
        (offset - error, offset + error)
    };
    let ((least, most), (least_after, most_after)) = (range(before), range(after));
    let (least, most) = (least.min(least_after), most.max(most_after));
    let whole = |ns: i128| ns.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    let middle = least + (most - least) / 2;
    Offset { offset_ns: whole(middle), error_ns: whole(most - middle) }
    // solution: end
}

/// How long something was on the way: sent by the server's clock, received by the client's. It may come out negative, by no more than the
/// bound of the error.
pub fn one_way_ns(sent_ns: i64, received_ns: i64, offset: Offset) -> i64 {
    // solution: begin — Part D: one way
    received_ns.saturating_add(offset.offset_ns).saturating_sub(sent_ns)
    // solution: end
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[allow(clippy::float_arithmetic, reason = "for people to read")]
        let us = |ns: i64| ns as f64 / 1000.0;
        write!(f, "offset {:.1} µs, error at most {:.1} µs", us(self.offset_ns), us(self.error_ns))
    }
}
