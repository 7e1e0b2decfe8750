//! What is printed in the end: ratios, budgets, and the rest in words.

use crate::load::Pairs;

/// Everything that was measured, in the order of measuring.
#[derive(Debug, Default)]
pub struct Table {
    pairs: Vec<String>,
    budgets: Vec<String>,
    notes: Vec<String>,
}

impl Table {
    /// The product beside its limit.
    pub fn pair(&mut self, name: &str, pairs: &Pairs) {
        let (product, limit) = pairs.sums();
        let (least, most) = pairs.spread();
        let (cpu, wall) = (product.cpu() / limit.cpu(), product.wall() / limit.wall());
        self.pairs.push(format!(
            "| {name} | {:.0} | {:.0} | {cpu:.2} | {:.0} | {:.0} | {wall:.2} | {least:.2}–{most:.2} |",
            product.cpu(),
            limit.cpu(),
            product.wall(),
            limit.wall(),
        ));
    }

    /// A figure that must not be larger than its budget.
    pub fn budget(&mut self, name: &str, measured: u64, budget: u64) {
        let word = if measured <= budget { "OK" } else { "MISS" };
        self.budgets.push(format!("| {name} | {measured} | {budget} | {word} |"));
    }

    /// A figure without a budget.
    pub fn note(&mut self, text: &str) {
        self.notes.push(format!("- {text}"));
    }

    /// To standard output, as Markdown.
    pub fn print(&self) {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        println!("\nMicroseconds for one operation on {cores} cores; CPU is the server's alone.\n");
        println!("| operation | CPU | limit | ratio | waited | limit | ratio | in pairs |");
        println!("|---|---:|---:|---:|---:|---:|---:|---:|");
        self.pairs.iter().for_each(|line| println!("{line}"));
        println!("\n| budget | measured | at most | |\n|---|---:|---:|---|");
        self.budgets.iter().for_each(|line| println!("{line}"));
        println!();
        self.notes.iter().for_each(|line| println!("{line}"));
    }
}
