//! Starts a cluster as processes of this machine, follows what they tell, kills them, starts them again, and leaves none behind.

use super::control::{FromNode, ToNode};
use super::engine::line;
use super::node::WireReport;
use crate::node::NodeId;
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a node may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that happened to a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Its process told the outside this.
    Output(Value),
    /// A message that it was asked to tell of has come from the node of this name.
    Heard(String),
    /// It has halted, as it was asked to.
    Halted,
    /// It has ended in order.
    Done(WireReport),
    /// Its standard output is closed: the process has ended.
    Ended,
}

struct Member {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Which of its processes this is: what an earlier one said last may still come.
    life: u32,
    ended: bool,
}

/// A running cluster. Dropped, it kills what is left of it.
pub struct Launch {
    members: Vec<Member>,
    book: Vec<Option<SocketAddr>>,
    news: mpsc::UnboundedReceiver<(NodeId, u32, FromNode)>,
    speak: mpsc::UnboundedSender<(NodeId, u32, FromNode)>,
    ended: mpsc::UnboundedReceiver<(NodeId, u32)>,
    end: mpsc::UnboundedSender<(NodeId, u32)>,
    wire: WireReport,
}

impl Launch {
    /// Starts these commands as the nodes of a cluster, in the order of their ids, and tells each where the others are.
    ///
    /// # Errors
    /// When one cannot be started, or does not listen within ten seconds.
    pub async fn start(commands: Vec<Command>) -> io::Result<Self> {
        let (speak, news) = mpsc::unbounded_channel();
        let (end, ended) = mpsc::unbounded_channel();
        let book = vec![None; commands.len()];
        let wire = WireReport::default();
        let mut launch = Launch { members: Vec::new(), book, news, speak, ended, end, wire };
        for (node, command) in commands.into_iter().enumerate() {
            let member = launch.spawn(NodeId(node as u32), 0, command)?;
            launch.members.push(member);
        }
        let all_listen = async {
            for node in 0..launch.members.len() {
                if launch.book[node].is_none() {
                    launch.listens(NodeId(node as u32)).await?;
                }
            }
            io::Result::Ok(())
        };
        let listening = timeout(PATIENCE, all_listen).await;
        listening.map_err(|_| launch.silent())??;
        launch.publish().await;
        Ok(launch)
    }

    fn spawn(&self, node: NodeId, life: u32, mut command: Command) -> io::Result<Member> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("it is piped");
        let (speak, end) = (self.speak.clone(), self.end.clone());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                match serde_json::from_str(&line) {
                    Ok(news) => drop(speak.send((node, life, news))),
                    Err(error) => eprintln!("{node} wrote `{line}`, expected a line of news: {error}"),
                }
            }
            let _ = end.send((node, life));
        });
        Ok(Member { child, stdin, life, ended: false })
    }

    fn silent(&self) -> io::Error {
        let silent: Vec<String> = (0..self.book.len())
            .filter(|node| self.book[*node].is_none())
            .map(|node| format!("n{node}"))
            .collect();
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{} did not listen within {PATIENCE:?}", silent.join(" ")),
        )
    }

    /// Tells all nodes where each is.
    async fn publish(&mut self) {
        let line = line(&ToNode::Addresses(self.book.clone()));
        for member in &mut self.members {
            if let Some(stdin) = &mut member.stdin
                && (stdin.write_all(line.as_bytes()).await.is_err() || stdin.flush().await.is_err())
            {
                // It has ended; that is told on its own.
                member.stdin = None;
            }
        }
    }

    /// What happens next. It may be dropped while it waits.
    pub async fn next(&mut self) -> (NodeId, Told) {
        loop {
            tokio::select! {
                biased;
                Some((node, life, news)) = self.news.recv() => {
                    if life != self.members[node.index()].life {
                        continue;
                    }
                    match news {
                        FromNode::Listening(_) => {}
                        FromNode::Output(output) => return (node, Told::Output(output)),
                        FromNode::Heard(from) => return (node, Told::Heard(from)),
                        FromNode::Halted => return (node, Told::Halted),
                        FromNode::Done(wire) => {
                            self.wire += wire;
                            return (node, Told::Done(wire));
                        }
                    }
                }
                Some((node, life)) = self.ended.recv() => {
                    if life == self.members[node.index()].life {
                        self.members[node.index()].ended = true;
                        return (node, Told::Ended);
                    }
                }
            }
        }
    }

    /// Kills a node as `kill -9` does, and waits until it is dead.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self, node: NodeId) -> io::Result<()> {
        let member = &mut self.members[node.index()];
        member.stdin = None;
        // From now on nothing is believed that it may have said last.
        member.life += 1;
        member.ended = true;
        member.child.kill().await
    }

    /// Starts `command` in the place of a node that was killed, and tells all others where it is now.
    ///
    /// # Errors
    /// When it cannot be started, or does not listen within ten seconds.
    pub async fn start_again(&mut self, node: NodeId, command: Command) -> io::Result<()> {
        let index = node.index();
        self.book[index] = None;
        self.members[index] = self.spawn(node, self.members[index].life, command)?;
        timeout(PATIENCE, self.listens(node)).await.map_err(|_| self.silent())??;
        self.publish().await;
        Ok(())
    }

    /// Waits until this node listens. What others tell meanwhile is kept.
    async fn listens(&mut self, node: NodeId) -> io::Result<()> {
        let mut kept = Vec::new();
        let listens = loop {
            tokio::select! {
                biased;
                Some((who, life, news)) = self.news.recv() => match news {
                    FromNode::Listening(address) if who == node && life == self.members[node.index()].life => {
                        self.book[node.index()] = Some(address);
                        break Ok(());
                    }
                    news => kept.push((who, life, news)),
                },
                Some((who, life)) = self.ended.recv() => {
                    if (who, life) == (node, self.members[node.index()].life) {
                        break Err(io::Error::other(format!("{node} ended before it listened; what it said stands above")));
                    }
                }
            }
        };
        kept.into_iter().for_each(|news| drop(self.speak.send(news)));
        listens
    }

    /// Lets all nodes end in order; who does not within ten seconds is killed. Returns what the sockets of those that did have seen.
    ///
    /// # Errors
    /// When a process cannot be waited for.
    pub async fn stop(mut self) -> io::Result<WireReport> {
        self.members.iter_mut().for_each(|member| member.stdin = None);
        let all_end = async {
            while self.members.iter().any(|member| !member.ended) {
                self.next().await;
            }
        };
        let _ = timeout(PATIENCE / 2, all_end).await;
        for member in &mut self.members {
            if timeout(PATIENCE / 2, member.child.wait()).await.is_err() {
                member.child.kill().await?;
            }
        }
        Ok(self.wire)
    }
}
