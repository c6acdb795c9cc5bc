//! Part C: what a publisher announces takes no memory. The largest allocation of this process is watched, so it has this one test.

#![allow(
    unsafe_code,
    reason = "a global allocator has unsafe methods; this one looks at sizes, and hands on"
)]

mod golden;
mod stage;
mod stranger;

use flatbuf::gate::GateError;
use flatbuf::limits::Limits;
use flatbuf::pubsub::subscriber::{SubscribeError, Subscriber};
use simnet::rule::expect_that;
use stage::{BOUND, Tasks, act, play};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt;

/// The largest allocation that anybody has asked for.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

struct Watching;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: as promised to this method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as promised to this method.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: as promised to this method.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static WATCHING: Watching = Watching;

#[test]
fn part_c_nine_bytes_of_a_stranger_take_no_memory() {
    play(async {
        let limits = Limits::default();
        let mut tasks = Tasks::new();
        let (listener, endpoint) = stranger::listen().await;
        tasks.spawn(async move {
            let mut stream = stranger::accept(&listener).await;
            stream.write_all(&stranger::frame(golden::DATA)).await.unwrap();
            // 1 GiB, says the head.
            stream.write_all(&[2, 0, 0, 0, 0, 0x40, 0, 0, 0]).await.unwrap();
            let _ = stream.write_all(&[0; 100]).await;
            std::future::pending::<()>().await;
        });
        let connected = act(&mut tasks, Subscriber::connect(&endpoint, limits, BOUND)).await;
        let mut subscriber = connected.expect("it is there");
        let first = act(&mut tasks, subscriber.recv()).await;
        let first = first.map(|message| message.get(0).map(|frame| frame.to_vec()));
        let heard = matches!(&first, Ok(Some(frame)) if frame == golden::DATA);
        expect_that("what came before it is heard", "the frame", heard, &first);
        let got = act(&mut tasks, subscriber.recv()).await.map(|_| "a message");
        let why = GateError::TooLong { announced: 1 << 30, longest: 1 << 20 };
        let told = matches!(&got, Err(SubscribeError::SentAway(sent)) if *sent == why);
        expect_that("who announces 1 GiB is sent away, and the program is told", "SentAway", told, &got);
        let largest = LARGEST.load(Ordering::Relaxed);
        expect_that(
            "and no room is made for it",
            "no allocation of more than 16 MiB",
            largest <= 16 << 20,
            largest,
        );
    });
}
