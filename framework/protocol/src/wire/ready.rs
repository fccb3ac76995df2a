//! Asynchronous code in components that cannot wait.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// The output of a future that never waits, as in a WASI 0.2 build: it is polled once.
///
/// Panics if the future waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("synchronous code waited"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn futures_that_do_not_wait_are_ready() {
        assert_eq!(ready(async { ready(async { 1 }) + 1 }), 2);
    }

    #[test]
    #[should_panic(expected = "synchronous code waited")]
    fn futures_that_wait_panic() {
        ready(std::future::pending::<()>());
    }
}
