//! Part D: what a look at a received frame costs in memory: nothing. Allocations of this thread are counted.

#![allow(unsafe_code, reason = "a global allocator has unsafe methods; this one counts, and hands on")]

mod golden;

use bytes::Bytes;
use flatbuf::limits::Limits;
use flatbuf::pubsub::subscriber::only_frame;
use flatbuf::topic::{read::read, write::Writer};
use simnet::rule::expect;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use zeromq::ZmqMessage;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as promised to this method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as promised to this method.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many allocations this makes.
fn allocations(of: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    of();
    COUNT.with(Cell::get) - before
}

#[test]
fn part_d_a_look_at_a_frame_allocates_nothing() {
    expect("this test counts", 1, allocations(|| drop(std::hint::black_box(Box::new(1)))));
    let message = ZmqMessage::from(Bytes::from_static(golden::DATA));
    let frame = only_frame(message).expect("one frame");
    let limits = Limits::default();
    let mut sum = 0;
    let looked = allocations(|| {
        for _ in 0..1000 {
            let topic = read(&frame, &limits).expect("flatc wrote it");
            sum += u64::from(topic.data().unwrap_or_default().iter().sum::<u32>());
            sum += topic.name().map_or(0, str::len) as u64;
        }
    });
    expect("the frames were really looked at", 14_000, sum);
    expect("to verify a frame and to read all of it allocates nothing", 0, looked);
}

#[test]
fn part_d_a_buffer_like_the_last_one_allocates_nothing() {
    let mut writer = Writer::default();
    let sample = golden::data();
    writer.write(&sample);
    let written = allocations(|| {
        for _ in 0..1000 {
            writer.write(&sample);
        }
    });
    expect("a builder that is kept has its memory", 0, written);
}
