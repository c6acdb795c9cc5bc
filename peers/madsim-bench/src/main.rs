//! madsim's half of `cargo bench -p peers --bench simulation`, which builds and runs it: `madsim-bench NODES IN_FLIGHT WARM_UP_MILLISECONDS
//! WARM_UP_MESSAGES MESSAGES`.
//!
//! Prints one line, `delivered=N nanoseconds=N`. Endpoints carry the typed message itself, so madsim need not encode it. A node is one
//! task, as one would write it: receive, pass on. madsim lets each send and each receive sleep for at least 1 ms of virtual time, so
//! what is in flight partly waits in mailboxes, where a message costs madsim no more than in the network.

// The clock is read outside of the simulation, where madsim leaves it alone.
#![allow(clippy::disallowed_types, reason = "a benchmark reads the real clock")]

#[path = "../../benches/simulation/workload.rs"]
mod workload;

#[cfg(madsim)]
fn main() {
    simulated::main();
}

#[cfg(not(madsim))]
fn main() {
    eprintln!("without --cfg madsim there is no simulation; run: cargo bench -p peers --bench simulation");
    std::process::exit(2);
}

#[cfg(madsim)]
mod simulated {
    use super::workload::{Rumour, Turns};
    use madsim::net::Endpoint;
    use madsim::runtime::Runtime;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::{Duration, Instant};
    use tokio::sync::{Barrier, Notify};

    const TAG: u64 = 1;

    /// Counts deliveries, and says when there were enough.
    struct Counter {
        delivered: AtomicU64,
        goal: AtomicU64,
        reached: Notify,
    }

    pub fn main() {
        let numbers: Vec<u64> =
            std::env::args().skip(1).map(|word| word.parse().expect("a number")).collect();
        let [nodes, in_flight, warm_up_ms, warm_up_messages, messages] = numbers[..] else {
            panic!("usage: madsim-bench NODES IN_FLIGHT WARM_UP_MILLISECONDS WARM_UP_MESSAGES MESSAGES")
        };
        let nodes = u32::try_from(nodes).expect("fewer nodes");

        let mut config = madsim::Config::default();
        config.net.send_latency = Duration::from_millis(1)..Duration::from_millis(10);
        config.net.packet_loss_rate = 0.0;
        let runtime = Runtime::with_seed_and_config(1, config);
        let addresses: Arc<Vec<SocketAddr>> = Arc::new(
            (0..nodes).map(|node| (IpAddr::V4(Ipv4Addr::from(0x0a00_0001 + node)), 1).into()).collect(),
        );
        let counter = Arc::new(Counter {
            delivered: AtomicU64::new(0),
            goal: AtomicU64::new(u64::MAX),
            reached: Notify::new(),
        });
        // A message to a socket that is not there yet would be lost.
        let bound = Arc::new(Barrier::new(nodes as usize));
        for me in 0..nodes {
            let address = addresses[me as usize];
            let host = runtime.create_node().ip(address.ip()).build();
            let (addresses, counter, bound) = (addresses.clone(), counter.clone(), bound.clone());
            host.spawn(async move {
                let endpoint = Endpoint::bind(address).await.expect("bind");
                bound.wait().await;
                let mut turns = Turns::new(me, nodes);
                for rumour in turns.first_rumours(in_flight) {
                    let to = addresses[turns.next_node() as usize];
                    endpoint.send_to_raw(to, TAG, Box::new(rumour)).await.expect("send");
                }
                loop {
                    let (payload, _) = endpoint.recv_from_raw(TAG).await.expect("receive");
                    let rumour = payload.downcast::<Rumour>().expect("a rumour");
                    if counter.delivered.fetch_add(1, Relaxed) + 1 == counter.goal.load(Relaxed) {
                        counter.reached.notify_one();
                    }
                    let to = addresses[turns.next_node() as usize];
                    endpoint.send_to_raw(to, TAG, Box::new(rumour.passed_on())).await.expect("send");
                }
            });
        }

        let deliver = |messages: u64| {
            counter.goal.store(counter.delivered.load(Relaxed) + messages, Relaxed);
            runtime.block_on(counter.reached.notified());
        };
        let start = Instant::now();
        loop {
            deliver(warm_up_messages);
            if start.elapsed() >= Duration::from_millis(warm_up_ms) {
                break;
            }
        }
        let before = counter.delivered.load(Relaxed);
        let start = Instant::now();
        deliver(messages);
        let took = start.elapsed();
        let delivered = counter.delivered.load(Relaxed) - before;
        println!("delivered={delivered} nanoseconds={}", took.as_nanos());
    }
}
