//! Blocks of operations, product and limit in turn, and what they cost.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::house::{Running, now};

/// What a block cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    operations: u64,
    lanes: u64,
    wall: Duration,
    cpu: Duration,
}

/// Blocks of the product and of its limit, which took turns.
#[derive(Clone, Debug, Default)]
pub struct Pairs(Vec<(Cost, Cost)>);

impl Cost {
    /// Processor time of the server for one operation, in microseconds.
    pub fn cpu(self) -> f64 {
        micros(self.cpu) / self.operations as f64
    }

    /// Time that whoever asked waited for one operation, in microseconds.
    pub fn wall(self) -> f64 {
        micros(self.wall) * self.lanes as f64 / self.operations as f64
    }

    fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.lanes = other.lanes;
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

impl Pairs {
    /// Two blocks, one after the other.
    pub fn push(&mut self, product: Cost, limit: Cost) {
        self.0.push((product, limit));
    }

    /// All blocks of the product, and all of the limit.
    pub fn sums(&self) -> (Cost, Cost) {
        let mut sums = (Cost::default(), Cost::default());
        for (product, limit) in &self.0 {
            sums.0.add(*product);
            sums.1.add(*limit);
        }
        sums
    }

    /// The smallest and the largest ratio of waiting times of one pair: how far to trust the rest.
    pub fn spread(&self) -> (f64, f64) {
        let ratios = self.0.iter().map(|(product, limit)| product.wall() / limit.wall());
        ratios.fold((f64::INFINITY, 0.0), |(least, most), one| (one.min(least), one.max(most)))
    }
}

/// Runs lanes side by side, each of which does so many operations, on the server's account.
pub async fn block<F>(server: &Running, each: u64, lanes: Vec<F>) -> Cost
where
    F: Future<Output = ()> + Send + 'static,
{
    let count = lanes.len() as u64;
    let (cpu, started) = (server.cpu(), now());
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(lane);
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("an operation failed");
    }
    Cost {
        operations: each * count,
        lanes: count,
        wall: now() - started,
        cpu: server.cpu().saturating_sub(cpu),
    }
}
