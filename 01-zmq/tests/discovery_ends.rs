//! A discovery whose run has failed stays for a moment, and still answers: a REQ drops what came before it asked, and waits for ever without.

mod raw;
mod stage;

use raw::Raw;
use stage::play;
use zmq::middleware::config::Dissemination;
use zmq::middleware::discovery::Expected;
use zmq::middleware::message::{
    Answered, Asked, Endpoint, Registrant, Request, Response, Role, UNASKED, from_bytes, to_bytes,
};
use zmq::middleware::shell::Desk;
use zmq::middleware::topic::Topic;

fn endpoint(port: u16) -> Endpoint {
    Endpoint { address: "127.0.0.1".to_string(), port }
}

/// Who publishes has topics and an endpoint; who subscribes has topics.
fn register(role: Role) -> Request {
    let at = (role == Role::Publisher).then(|| endpoint(7));
    let (name, topics, dissemination) = (role.to_string(), vec![Topic::Weather], Dissemination::Direct);
    Request::Register(Registrant { role, name, endpoint: at, topics, dissemination, session: 1 })
}

/// The next answer, without the empty frame of a REQ.
async fn answer(peer: &mut Raw) -> Answered {
    let frames = peer.recv().await.expect("it goes on");
    from_bytes("an answer", frames.last().expect("a frame")).expect("an answer")
}

#[test]
fn who_asks_while_a_discovery_ends_is_told_why() {
    play(async {
        let expected = Expected { publishers: 1, subscribers: 1, dissemination: Dissemination::Direct };
        let (desk, port) = Desk::open(&endpoint(0), expected).await.unwrap();
        let served = tokio::spawn(desk.serve(None, |_| {}));
        let at = format!("tcp://127.0.0.1:{port}");
        let ask = |number, request| to_bytes(&Asked { number, request });

        let mut stays = Raw::connect(&at).await;
        stays.handshake("REQ").await;
        stays.send(&[b"", &ask(1, register(Role::Publisher))]).await;
        assert_eq!(answer(&mut stays).await, Answered { number: 1, response: Response::Registered });
        let mut goes = Raw::connect(&at).await;
        goes.handshake("DEALER").await;
        goes.send(&[&ask(1, register(Role::Subscriber))]).await;
        assert_eq!(answer(&mut goes).await.response, Response::Registered);
        drop(goes);

        let told = answer(&mut stays).await;
        assert_eq!(told.number, UNASKED, "{told:?}");
        stays.send(&[b"", &ask(2, Request::IsReady)]).await;
        assert_eq!(answer(&mut stays).await, Answered { number: 2, response: told.response });
        drop(stays);
        assert!(served.await.unwrap().is_err(), "a participant has gone too early");
    });
}
