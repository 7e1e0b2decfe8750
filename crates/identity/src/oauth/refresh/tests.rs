//! Families of refresh tokens: their heads, their ends, their replays.

use super::*;
use crate::oauth::fixtures::{at, grant};

fn becomes(generation: u32, seconds: i64) -> Refresh {
    refresh(&grant(), generation, at(seconds))
}

#[test]
fn s072_the_predecessor_of_the_head_gets_it_once_more_for_thirty_seconds() {
    assert_eq!(becomes(5, 1000), Refresh::Rotate);
    assert_eq!(becomes(4, 29), Refresh::Again);
    assert_eq!(becomes(4, 30), Refresh::Replayed);
}

#[test]
fn s072_anything_older_or_never_made_ends_the_family() {
    for generation in [0, 1, 3, 6, u32::MAX] {
        assert_eq!(becomes(generation, 1), Refresh::Replayed, "{generation}");
    }
}

#[test]
fn s074_a_family_ends_unused_after_thirty_days_and_used_after_ninety() {
    let day = 24 * 3600;
    assert_eq!(becomes(5, 30 * day - 1), Refresh::Rotate);
    assert_eq!(becomes(5, 30 * day), Refresh::Over);
    let used = |seconds| Grant { refreshed_at: at(seconds), ..grant() };
    assert_eq!(refresh(&used(89 * day), 5, at(90 * day - 1)), Refresh::Rotate);
    assert_eq!(refresh(&used(89 * day), 5, at(90 * day)), Refresh::Over);
}

#[test]
fn a_revoked_family_gives_nothing() {
    let revoked = Grant { revoked_at: Some(at(1)), ..grant() };
    assert_eq!(refresh(&revoked, 5, at(2)), Refresh::Over);
    assert_eq!(refresh(&revoked, 4, at(2)), Refresh::Over);
}

#[test]
fn a_token_is_read_back_and_no_other_text_is() {
    let key = RefreshKey::new(&[7; 32]);
    let id = GrantId::from_stored("017f22e2-79b0-7fff-bfff-ffffffffffff");
    let token = key.token(&id, 3);
    assert_eq!(key.read(token.expose()), Some(Presented { grant: id.clone(), generation: 3 }));
    assert_eq!(key.token(&id, 3).expose(), token.expose(), "made again, it is the same");
    let forged = token.expose().replacen(".3.", ".4.", 1);
    for bad in [forged.as_str(), "", ".", "..", "a.b.c", &token.expose()[1..]] {
        assert_eq!(key.read(bad), None, "{bad}");
    }
    assert_eq!(RefreshKey::new(&[8; 32]).read(token.expose()), None, "another house's");
}
