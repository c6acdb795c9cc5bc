//! The same service on tokio-util's codec.

use crate::REPLY;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// A server in a thread of its own; it ends when this is dropped.
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let (say, said) = std::sync::mpsc::channel();
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                say.send(listener.local_addr().expect("it is bound")).expect("who started it waits");
                loop {
                    tokio::select! {
                        accepted = listener.accept() => {
                            let (stream, _) = accepted.expect("a connection");
                            stream.set_nodelay(true).expect("a connection");
                            tokio::spawn(answer(stream));
                        }
                        _ = &mut stopped => return,
                    }
                }
            });
        });
        let address = said.recv().expect("it says where it listens");
        Server { address, stop: Some(stop), thread: Some(thread) }
    }
}

/// Answers what is there at once, and flushes when nothing more is: as the codec's users do.
async fn answer(stream: tokio::net::TcpStream) {
    let mut framed = Framed::new(stream, LengthDelimitedCodec::new());
    let reply = Bytes::from(vec![0; REPLY]);
    while let Some(Ok(request)) = framed.next().await {
        assert_eq!(request.len(), 8);
        if framed.feed(reply.clone()).await.is_err() {
            return;
        }
        if framed.read_buffer().is_empty() && SinkExt::<Bytes>::flush(&mut framed).await.is_err() {
            return;
        }
    }
    let _ = SinkExt::<Bytes>::flush(&mut framed).await;
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
