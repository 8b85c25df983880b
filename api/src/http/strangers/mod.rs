//! Requests without a valid key: how many an address may make, and how few lines of the log they get.
//!
//! A valid key is always let in: it is looked for first. So behind a proxy, from which all requests come,
//! nobody is shut out by others who have no key.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Requests a second that an address may make without a valid key, and how many at once.
const A_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
const AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Addresses that are counted at the same time; beyond them, all others are counted as one.
const MOST_ADDRESSES: usize = 10_000;
/// The network of an IPv6 address that one client has.
const NETWORK: u128 = !0 << 64;
/// How long the log waits before it says how many there were.
const INTERVAL: Duration = Duration::from_secs(10);

/// The requests without a valid key.
#[derive(Debug)]
pub(super) struct Strangers {
    requests: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    /// Whether the log has a line of this interval.
    is_logged: AtomicBool,
    /// Those of this interval that have no line of their own.
    more: AtomicU64,
}

impl Default for Strangers {
    fn default() -> Self {
        Self {
            requests: RateLimiter::keyed(Quota::per_second(A_SECOND).allow_burst(AT_ONCE)),
            clock: DefaultClock::default(),
            is_logged: AtomicBool::default(),
            more: AtomicU64::default(),
        }
    }
}

impl Strangers {
    /// Counts a request of an address; for how many seconds it is refused, if it is.
    pub(super) fn refused_for(&self, address: IpAddr) -> Option<u32> {
        if self.requests.len() >= MOST_ADDRESSES {
            self.requests.retain_recent();
        }
        let is_full = self.requests.len() >= MOST_ADDRESSES;
        let counted = if is_full { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { client(address) };
        let refused = self.requests.check_key(&counted).err()?;
        Some(refused.wait_time_from(self.clock.now()).as_secs() as u32 + 1)
    }

    /// Counts a request for the log; false if it is to have a line of its own, as the first of an
    /// interval. The others get one line together when the interval ends.
    ///
    /// Must be called within a tokio runtime.
    pub(super) fn count(self: &Arc<Self>) -> bool {
        if self.is_logged.swap(true, Ordering::Relaxed) {
            self.more.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let strangers = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(INTERVAL).await;
            let requests = strangers.end_interval();
            if requests > 0 {
                let seconds = INTERVAL.as_secs();
                tracing::warn!(requests, seconds, "more requests were refused without a valid key");
            }
        });
        false
    }

    /// Begins another interval; how many requests of the last one have no line of their own.
    fn end_interval(&self) -> u64 {
        self.is_logged.store(false, Ordering::Relaxed);
        self.more.swap(0, Ordering::Relaxed)
    }
}

/// The address by which a client is counted.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & NETWORK).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests;
