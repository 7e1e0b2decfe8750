//! Prints `docs/decision-table.md`.

fn main() {
    print!("{}", identity::tables::decision_table());
}
