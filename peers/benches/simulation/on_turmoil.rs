//! The workload on turmoil: UDP sockets, which carry bytes, so each message is written to 24 of them and read back.
//!
//! The rest is chosen in turmoil's favour: addresses are resolved beforehand, no subscriber listens to its tracing, and its delays
//! keep their own distribution within 1 to 10 ms, which is exponential towards the short end. As turmoil pays for each tick
//! whether anything happens in it or not, short delays make it faster.

use crate::workload::{Rumour, Turns};
use crate::{Measured, Workload};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};
use turmoil::Sim;
use turmoil::net::UdpSocket;

const PORT: u16 = 1;

pub fn run(work: &Workload) -> Measured {
    let mut sim = turmoil::Builder::new()
        .rng_seed(1)
        .tick_duration(Duration::from_millis(1))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(10))
        .simulation_duration(Duration::from_secs(1_000_000))
        // A socket drops what exceeds its capacity; here all may wait at one.
        .udp_capacity(work.in_flight as usize)
        .build();
    let addresses: Rc<[SocketAddr]> =
        (0..work.nodes).map(|node| (sim.lookup(format!("n{node}")), PORT).into()).collect();
    let delivered = Rc::new(Cell::new(0));
    for me in 0..work.nodes {
        let (nodes, in_flight) = (work.nodes, work.in_flight);
        let (addresses, delivered) = (addresses.clone(), delivered.clone());
        sim.host(format!("n{me}"), move || {
            gossip(Turns::new(me, nodes), in_flight, addresses.clone(), delivered.clone())
        });
    }
    work.warm_up(|messages| deliver(&mut sim, &delivered, messages));
    let before = delivered.get();
    let start = Instant::now();
    deliver(&mut sim, &delivered, work.messages);
    let took = start.elapsed();
    let mut in_flight = 0;
    sim.links(|links| in_flight = links.flatten().count() as u64);
    assert_eq!(in_flight, work.in_flight, "nothing is lost");
    Measured { delivered: delivered.get() - before, took }
}

async fn gossip(
    mut turns: Turns,
    in_flight: u64,
    addresses: Rc<[SocketAddr]>,
    delivered: Rc<Cell<u64>>,
) -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    for rumour in turns.first_rumours(in_flight) {
        socket.send_to(&encode(&rumour), addresses[turns.next_node() as usize]).await?;
    }
    let mut bytes = [0; 24];
    loop {
        socket.recv_from(&mut bytes).await?;
        delivered.set(delivered.get() + 1);
        let rumour = decode(&bytes).passed_on();
        socket.send_to(&encode(&rumour), addresses[turns.next_node() as usize]).await?;
    }
}

/// A tick delivers all that is due in it, so a few more than asked for may arrive; they are counted.
fn deliver(sim: &mut Sim<'_>, delivered: &Cell<u64>, messages: u64) {
    let goal = delivered.get() + messages;
    // Even a single message arrives at least every 10 ticks: were it lost, this would not go on for ever.
    let mut ticks = 20 * messages + 1_000;
    while delivered.get() < goal {
        assert!(ticks > 0, "{messages} messages are delivered");
        ticks -= 1;
        sim.step().expect("a tick");
    }
}

fn encode(rumour: &Rumour) -> [u8; 24] {
    let mut bytes = [0; 24];
    for (bytes, word) in bytes.chunks_exact_mut(8).zip([rumour.from, rumour.seq, rumour.payload]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn decode(bytes: &[u8; 24]) -> Rumour {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    Rumour { from: word(0), seq: word(8), payload: word(16) }
}
