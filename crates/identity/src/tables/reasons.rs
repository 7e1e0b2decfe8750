//! Where each reason code of a refused sign-in comes from.

use crate::federation::refusal::Refusal;

/// The third table of the document.
pub(super) fn section() -> String {
    let head = ["code", "step", "meaning"].map(str::to_owned).to_vec();
    let rows = Refusal::ALL.map(|refusal| {
        let cells = [refusal.code(), refusal.step().as_str(), refusal.meaning()];
        cells.map(str::to_owned).to_vec()
    });
    let table = super::markdown(&[head].into_iter().chain(rows).collect::<Vec<_>>());
    format!(
        "\n## Reason codes\n\nEvery way in which a sign-in through a provider is refused, and the \
         step of the trip that refuses it.\n\n{table}"
    )
}
