//! Part D: a socket whose server comes back, and what that guarantees.

mod stage;

use simnet::rule::{expect, expect_ok};
use stage::{ANYWHERE, BOUND, play};
use zeromq::{RouterSocket, Socket, SocketRecv, SocketSend};
use zmq::attach::{frames, message};
use zmq::endpoint;
use zmq::envelope::Frames;
use zmq::reconnect::{Arrival, Away, Dealer, Unanswered};

fn of(words: &[&str]) -> Frames {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn numbered(number: usize) -> Frames {
    vec![number.to_string().into_bytes()]
}

async fn router(endpoint: &str) -> (RouterSocket, String) {
    let mut socket = RouterSocket::new();
    let bound = endpoint::bind(&mut socket, endpoint).await;
    (socket, expect_ok("a server gets its port, and again", "an endpoint", bound))
}

#[test]
fn part_d_a_dealer_gives_back_what_it_cannot_hand_over() {
    play(async {
        let (mut server, endpoint) = router(ANYWHERE).await;
        let mut dealer = Dealer::connect(&endpoint, BOUND).await.unwrap();
        expect("while the server is there, it is sent to", Ok(()), dealer.send(of(&["hello"])).await);
        // A zeromq socket that is closed while a connection is being accepted keeps that connection; so it has to be there for certain.
        server.recv().await.unwrap();
        server.close().await;
        expect("the end is noticed without a send", Arrival::Lost, dealer.recv().await);
        let request = of(&["", "kept"]);
        let rule = "what was not handed over comes back";
        expect(rule, Err(Away(request.clone())), dealer.send(request.clone()).await);

        let (mut server, _) = router(&endpoint).await;
        expect("a server that is there again is connected", Arrival::Back, dealer.recv().await);
        for number in 0..100 {
            let sent = dealer.send(numbered(number)).await;
            expect("and everything goes to it", Ok(()), sent);
        }
        let mut identity = None;
        for number in 0..100 {
            let mut got = frames(server.recv().await.unwrap());
            identity = Some(got.remove(0));
            expect("in order, each once, none lost", numbered(number), got);
        }
        server.send(message(vec![identity.unwrap(), b"reply".to_vec()])).await.unwrap();
        expect("and back", Arrival::Message(of(&["reply"])), dealer.recv().await);
    });
}

/// At least once: whoever keeps what is not answered loses nothing by a restart.
#[test]
fn part_d_what_is_not_answered_is_sent_again_to_the_next_server() {
    play(async {
        let (mut server, endpoint) = router(ANYWHERE).await;
        let mut dealer = Dealer::connect(&endpoint, BOUND).await.unwrap();
        let mut unanswered = Unanswered::default();
        for text in ["a", "b", "c"] {
            let number = unanswered.ask(of(&[text])) as usize;
            dealer.send([numbered(number), of(&[text])].concat()).await.unwrap();
        }
        // The server answers b, and dies with a and c.
        let requests = [server.recv().await, server.recv().await, server.recv().await];
        let second = requests.into_iter().nth(1).unwrap().unwrap();
        server.send(second).await.unwrap();
        let Arrival::Message(reply) = dealer.recv().await else { panic!("a reply") };
        expect("b is answered", Some(of(&["b"])), unanswered.answered(u64::from(reply[0][0] - b'0')));
        server.close().await;
        expect("the server has gone", Arrival::Lost, dealer.recv().await);
        let (mut server, _) = router(&endpoint).await;
        expect("another has come", Arrival::Back, dealer.recv().await);
        for (number, request) in unanswered.again() {
            dealer.send([numbered(number as usize), request.clone()].concat()).await.unwrap();
        }
        for expected in [["1", "a"], ["3", "c"]] {
            let got = frames(server.recv().await.unwrap());
            expect("what was not answered is asked again, in order", of(&expected), got[1..].to_vec());
        }
    });
}
