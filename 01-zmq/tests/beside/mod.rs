//! What runs beside a test: when it panics, whatever the test waits for fails at once, with what the panic said.

#![allow(dead_code, reason = "each test file uses its own part")]

use futures_util::FutureExt;
use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// How long a test waits before it is sure that nothing comes. It passes long before; a failure waits so long.
pub const BOUND: Duration = Duration::from_secs(20);

/// The panic of a task of this test, and who waits for something. A test has a thread and a runtime of its own.
#[derive(Default)]
struct Failure {
    panic: Option<Box<dyn Any + Send>>,
    waiting: Option<Waker>,
}

thread_local! {
    static FAILURE: RefCell<Failure> = RefCell::default();
}

/// Runs `task` beside the test.
pub fn beside(task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    let watched = async {
        if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
            let waiting = FAILURE.with_borrow_mut(|failure| {
                failure.panic = Some(panic);
                failure.waiting.take()
            });
            waiting.inspect(Waker::wake_by_ref);
        }
    };
    tokio::spawn(watched).abort_handle()
}

/// Waits for `work`, but no longer than [`BOUND`], and not at all once a task beside the test has panicked.
pub async fn soon<T>(work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let failed = poll_fn(|context| {
        FAILURE.with_borrow_mut(|failure| {
            failure.waiting = Some(context.waker().clone());
            failure.panic.take().map_or(Poll::Pending, Poll::Ready)
        })
    });
    tokio::select! {
        biased;
        panic = failed => resume_unwind(panic),
        done = timeout(BOUND, work) => done,
    }
}
