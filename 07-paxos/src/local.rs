//! `paxos run --on local`: the cluster as processes of this machine, over real sockets and files.

use anyhow::Context;
use paxos::{Output, Roles};
use simnet::local::node::Options;
use simnet::local::stage::{News, Played, Stage};
use simnet::trace::Name;
use simnet::{Cluster, NodeId};
use std::collections::BTreeSet;
use std::io;
use std::process::Command;

/// Plays the cluster until every learner and client knows, or the limit is reached.
pub fn play(stage: &Stage<'_, paxos::Node>, roles: &Roles) -> anyhow::Result<Played> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let roles_json = serde_json::to_string(roles)?;
    let mut audience = Audience::new(roles);
    let command = |node: &Options| {
        let (role, number) =
            role_of(roles, node.me).ok_or_else(|| io::Error::other("each node has a role"))?;
        let mut command = Command::new(&program);
        command.args([role, "--number", &number.to_string()]);
        command.args(["--of-roles", &roles_json, "--options", &node.to_string()]);
        Ok(command)
    };
    Ok(stage.play(command, |news| audience.hears(news))?)
}

/// The role of a node as its subcommand, and which of that role it is, from 1.
fn role_of(roles: &Roles, node: NodeId) -> Option<(&'static str, usize)> {
    let groups = [
        ("proposer", roles.proposers()),
        ("acceptor", roles.acceptors()),
        ("learner", roles.learners()),
        ("client", roles.clients()),
    ];
    groups.into_iter().find_map(|(role, ids)| Some((role, ids.iter().position(|id| *id == node)? + 1)))
}

/// Who wants to know what was chosen.
struct Audience {
    names: Vec<Name>,
    all: BTreeSet<NodeId>,
    know: BTreeSet<NodeId>,
}

impl Audience {
    fn new(roles: &Roles) -> Self {
        let cluster: Cluster<paxos::Node> = roles.cluster();
        Audience {
            names: cluster.names().cloned().collect(),
            all: [roles.learners(), roles.clients()].concat().into_iter().collect(),
            know: BTreeSet::new(),
        }
    }

    /// Says what there is to say, and returns whether all know.
    fn hears(&mut self, news: News<Output>) -> bool {
        match news {
            News::Told(node, output) => {
                let name = &self.names[node.index()];
                match &output {
                    Output::Asked(value) => eprintln!("{name} asks for {value}"),
                    Output::Answered(value) => eprintln!("{name} was told {value}"),
                    Output::Learned(value) => eprintln!("{name} has learned {value}"),
                }
                if !matches!(output, Output::Asked(_)) {
                    self.know.insert(node);
                }
            }
            // Who forgets what it has learned has to learn it again.
            News::Killed(node) => drop(self.know.remove(&node)),
            News::StartedAgain(_) => {}
        }
        self.know == self.all
    }
}
