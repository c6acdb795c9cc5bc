//! From a scenario to text.

use super::read::STEP_US;
use super::step::{Act, Step, Verb};
use super::{Scenario, Syncs};
use std::fmt;

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.remarks {
            writeln!(f, "# {line}")?;
        }
        for (word, value) in [("lab", &self.lab), ("test", &self.test)] {
            if let Some(value) = value {
                writeln!(f, "{word} {value}")?;
            }
        }
        writeln!(f, "seed {}\nnodes {}", self.seed, self.nodes.join(" "))?;
        if !self.script.without.is_empty() {
            let without: Vec<&str> = self
                .nodes
                .iter()
                .filter(|name| self.script.without.contains(*name))
                .map(|name| &**name)
                .collect();
            writeln!(f, "without {}", without.join(" "))?;
        }
        if self.script.syncs == Syncs::ByHand {
            f.write_str("syncs by hand\n")?;
        }
        f.write_str("\n")?;
        let mut steps = &self.script.steps[..];
        let mut before_us = 0;
        while let [first, ..] = steps {
            if first.at_us != before_us + STEP_US {
                let us = first.at_us.saturating_sub(before_us);
                match us % 1_000 {
                    0 => writeln!(f, "wait {} ms", us / 1_000)?,
                    _ => writeln!(f, "wait {us} us")?,
                }
            }
            let group = group(steps);
            write_group(&steps[..group], f)?;
            before_us = steps[group - 1].at_us;
            steps = &steps[group..];
        }
        Ok(())
    }
}

/// How many steps go on one line: one message to several readers, one after the other.
fn group(steps: &[Step]) -> usize {
    let Act::Message { verb: Verb::Deliver, from, words, .. } = &steps[0].act else { return 1 };
    let goes_on = |pair: &&[Step]| {
        let same = matches!(&pair[1].act, Act::Message { verb: Verb::Deliver, from: other, words: said, .. }
            if other == from && said == words);
        same && pair[1].at_us == pair[0].at_us.saturating_add(STEP_US)
    };
    1 + steps.windows(2).take_while(goes_on).count()
}

fn write_group(steps: &[Step], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &steps[0].act {
        Act::Message { verb, from, words, .. } if steps.len() > 1 => {
            let readers = steps.iter().filter_map(|step| match &step.act {
                Act::Message { to, .. } => Some(&**to),
                _ => None,
            });
            let to = readers.collect::<Vec<_>>().join(",").into();
            writeln!(f, "{}", Act::Message { verb: *verb, from: from.clone(), to, words: words.clone() })
        }
        act => writeln!(f, "{act}"),
    }
}
