//! The broker with its sockets: ROUTER to the clients, DEALER to the servers. A shell.

use super::flow::{Flow, Refused};
use crate::attach::{self, Events};
use crate::door::{Door, Rules};
use crate::endpoint::EndpointError;
use futures_util::StreamExt;
use zeromq::{DealerSocket, RouterSocket, Socket, SocketEvent, SocketRecv, SocketSend};

/// What happens at a broker.
#[derive(Debug)]
pub enum Event {
    /// A request was dropped.
    Refused(Refused),
    /// A reply was dropped: whoever asked has gone.
    NobodyAsks,
    /// A server has come; so many there are now.
    Joined(usize),
    /// A server has gone; so many there are now.
    Left(usize),
    /// As many requests wait as may: no more are read until a server takes one.
    Full(usize),
}

/// A broker that listens on two endpoints.
pub struct Broker {
    front: RouterSocket,
    back: DealerSocket,
    _doors: [Door; 2],
    servers: Events,
    /// Where clients connect to.
    pub clients_at: String,
    /// Where servers connect to.
    pub servers_at: String,
    flow: Flow,
}

impl Broker {
    /// Listens for clients and for servers; `limit` requests may wait for a server.
    ///
    /// # Errors
    /// When an endpoint cannot be had.
    pub async fn bind(clients: &str, servers: &str, limit: usize) -> Result<Self, EndpointError> {
        let (mut front, mut back) = (RouterSocket::new(), DealerSocket::new());
        let watched = attach::watch(&mut back);
        let front_door = Door::open(clients, &mut front).await?;
        // A server that works reads nothing meanwhile.
        let patient = Rules { stalled: None, ..Rules::default() };
        let back_door = Door::with(servers, &mut back, patient).await?;
        let (clients_at, servers_at) = (front_door.address.clone(), back_door.address.clone());
        let doors = [front_door, back_door];
        Ok(Broker {
            front,
            back,
            _doors: doors,
            servers: watched,
            clients_at,
            servers_at,
            flow: Flow::new(limit),
        })
    }

    /// Serves until it is dropped.
    pub async fn serve(mut self, mut observe: impl FnMut(Event)) {
        loop {
            tokio::select! {
                // Who is not read from cannot send: the limit is felt where the requests come from.
                asked = self.front.recv(), if self.flow.has_room() => if let Ok(message) = asked {
                    if let Err(refused) = self.flow.request(attach::frames(message)) {
                        observe(Event::Refused(refused));
                    }
                    if !self.flow.has_room() && self.flow.servers() == 0 {
                        observe(Event::Full(self.flow.waiting()));
                    }
                },
                replied = self.back.recv() => if let Ok(reply) = replied
                    && self.front.send(reply).await.is_err()
                {
                    observe(Event::NobodyAsks);
                },
                Some(event) = self.servers.next() => match event {
                    SocketEvent::Accepted(..) => {
                        self.flow.joined();
                        observe(Event::Joined(self.flow.servers()));
                    }
                    SocketEvent::Disconnected(_) => {
                        self.flow.left();
                        observe(Event::Left(self.flow.servers()));
                    }
                    _ => {}
                },
            }
            while let Some(request) = self.flow.to_send() {
                if self.back.send(attach::message(request.clone())).await.is_err() {
                    self.flow.give_back(request);
                    break;
                }
            }
        }
    }
}
