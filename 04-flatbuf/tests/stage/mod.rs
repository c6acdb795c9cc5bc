//! Publishers and subscribers within one process: a runtime, tasks that fail the test at once when they panic, and a bound on everything.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::future::Future;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// How long a test waits before it is sure that nothing comes. It passes long before; a failure waits so long.
pub const BOUND: Duration = Duration::from_secs(20);

/// A port that the system chooses.
pub const ANYWHERE: &str = "tcp://127.0.0.1:0";

/// The tasks of a test.
pub type Tasks = JoinSet<()>;

/// Runs a test. Ends with it: its tasks, and all that they hold.
pub fn play(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let done = runtime.block_on(async { tokio::time::timeout(BOUND * 2, test).await });
    runtime.shutdown_background();
    assert!(
        done.is_ok(),
        "rule broken: no wait is without a bound\n  expected: an end within {:?}\n  got: none",
        BOUND * 2
    );
}

/// Waits for `act`, and for the panic of a task.
pub async fn act<T>(tasks: &mut Tasks, act: impl Future<Output = T>) -> T {
    let watch = async {
        loop {
            match tasks.join_next().await {
                Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        biased;
        never = watch => never,
        got = act => got,
    }
}
