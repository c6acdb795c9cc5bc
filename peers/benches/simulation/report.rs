//! What was measured, as a table, and what it says of the claims.

use crate::Workload;
use crate::on_madsim::Madsim;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};

/// Fewer say too little to judge a claim.
const FEWEST_ROUNDS: usize = 5;

/// Messages a second, a round after the other, of one workload.
#[derive(Default)]
pub struct Rates {
    pub simnet: Vec<f64>,
    pub turmoil: Vec<f64>,
    pub madsim: Vec<f64>,
}

impl Rates {
    /// The programs that were measured in every round.
    fn programs(&self) -> impl Iterator<Item = (&'static str, &[f64])> {
        [("simnet", &self.simnet), ("turmoil", &self.turmoil), ("madsim", &self.madsim)]
            .into_iter()
            .filter(|(_, rates)| rates.len() == self.simnet.len())
            .map(|(name, rates)| (name, rates.as_slice()))
    }

    /// How many times as many messages simnet delivered, by round.
    fn ratio_to(&self, peer: &[f64]) -> Spread {
        Spread::of(self.simnet.iter().zip(peer).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// The peer that came closest to simnet, and the median ratio to it.
    fn faster_peer(&self) -> (&'static str, f64) {
        let peers = self.programs().skip(1).map(|(name, rates)| (name, self.ratio_to(rates).median));
        peers.min_by(|one, other| one.1.total_cmp(&other.1)).expect("turmoil is always measured")
    }
}

struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Spread { min: values[0], median: (below + above) / 2.0, max: values[values.len() - 1] }
    }
}

/// A tiny round in a word: who carried the work.
pub fn who_works(results: &[Rates], madsim: &Result<Madsim, String>) -> String {
    let names: Vec<&str> = results[results.len() - 1].programs().map(|(name, _)| name).collect();
    let missing = madsim.as_ref().err().map(|why| format!("; madsim does not: {why}")).unwrap_or_default();
    format!("{} carry the work{missing}", names.join(", "))
}

/// All that was measured.
pub fn table(workloads: &[Workload], results: &[Rates], madsim: &Result<Madsim, String>) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "workload",
        "in flight",
        "program",
        "M/s min",
        "median",
        "max",
        "ratio min",
        "median",
        "max",
    ]);
    for column in [1, 3, 4, 5, 6, 7, 8] {
        table.column_mut(column).expect("a column").set_cell_alignment(CellAlignment::Right);
    }
    for (work, rates) in workloads.iter().zip(results) {
        let row = |program: &str| [work.name.to_owned(), work.in_flight.to_string(), program.to_owned()];
        let of = |spread: Spread| [spread.min, spread.median, spread.max];
        for (program, measured) in rates.programs() {
            let speed = of(Spread::of(measured.to_vec())).map(|rate| format!("{:.2}", rate / 1e6));
            let ratio = match program {
                "simnet" => Default::default(),
                _ => of(rates.ratio_to(measured)).map(|ratio| format!("{ratio:.1}")),
            };
            table.add_row(row(program).into_iter().chain(speed).chain(ratio));
        }
        if rates.madsim.len() != rates.simnet.len() {
            table.add_row(row("madsim").into_iter().chain(["not measured".to_owned()]));
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut text = format!(
        "Millions of messages delivered a second; ratio = simnet : this program. {cores} cores, {} rounds.\n",
        results[0].simnet.len()
    );
    for line in table.lines() {
        text += line.trim_end();
        text.push('\n');
    }
    if let Err(why) = madsim {
        text += &format!("madsim is not measured: {why}\n");
    }
    text
}

/// Says of each claim whether it holds; returns whether all do.
pub fn claims_hold(workloads: &[Workload], results: &[Rates]) -> bool {
    let mut all = true;
    for (work, rates) in workloads.iter().zip(results) {
        let Some(claimed) = work.claimed else { continue };
        let (peer, ratio) = rates.faster_peer();
        let among = if rates.programs().count() > 2 { "the faster peer" } else { "the only peer measured" };
        let verdict = if rates.simnet.len() < FEWEST_ROUNDS {
            "too few rounds to say"
        } else if ratio < claimed {
            "does not hold"
        } else {
            "holds"
        };
        all &= verdict == "holds";
        println!(
            "{} with {} in flight: {ratio:.1} times {among}, {peer}; claimed: at least {claimed:.0}: {verdict}",
            work.name, work.in_flight
        );
    }
    all
}
