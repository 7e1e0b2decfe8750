//! The cache rules: fresh, stale, forced, failed.

use super::*;
use crate::federation::fixtures::{ED, NOW};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn at(count: u64) -> Moment {
    NOW.plus(seconds(count))
}

fn one_key() -> KeySet {
    KeySet::parse(serde_json::json!({"keys": [ED.jwk("a")]}).to_string().as_bytes()).unwrap()
}

/// A cache whose copy was fetched now and stays fresh for ten minutes.
fn filled() -> KeyCache {
    let mut cache = KeyCache::new();
    cache.stored(one_key(), seconds(600), NOW);
    cache
}

fn has_key(cache: &KeyCache, now: Moment) -> bool {
    cache.keys(now).is_some_and(|keys| !keys.is_empty())
}

#[test]
fn what_was_never_fetched_is_fetched_first() {
    let cache = KeyCache::new();
    assert_eq!(cache.plan(NOW), Plan::FetchFirst);
    assert!(cache.keys(NOW).is_none() && cache.fetched_at().is_none());
}

#[test]
fn s018_a_copy_is_used_until_its_time_is_over_and_then_fetched_again() {
    let cache = filled();
    assert_eq!(cache.fetched_at(), Some(NOW));
    assert_eq!(cache.plan(NOW), Plan::Use);
    assert_eq!(cache.plan(at(600).minus(Duration::from_micros(1))), Plan::Use);
    assert_eq!(cache.plan(at(600)), Plan::FetchFirst);
}

#[test]
fn s018_a_removed_key_is_trusted_no_longer_than_the_cap() {
    for (asked, lasts) in [(0, 60), (60, 60), (61, 61), (3600, 3600), (1_000_000, 3600)] {
        let mut cache = KeyCache::new();
        cache.stored(one_key(), seconds(asked), NOW);
        assert_eq!(cache.plan(at(lasts - 1)), Plan::Use, "{asked}");
        assert_eq!(cache.plan(at(lasts)), Plan::FetchFirst, "{asked}");
    }
}

#[test]
fn s018_a_new_answer_replaces_the_copy_whole() {
    let mut cache = filled();
    assert!(has_key(&cache, at(5)));
    cache.stored(KeySet::default(), seconds(600), at(5));
    assert!(!has_key(&cache, at(5)));
    assert_eq!(cache.fetched_at(), Some(at(5)));
}

#[test]
fn s016_s017_one_forced_fetch_and_then_a_pause_of_thirty_seconds() {
    let mut cache = filled();
    assert!(cache.may_refetch(at(1)));
    assert!(cache.begin_refetch(at(1)));
    cache.stored(one_key(), seconds(600), at(1));
    for early in [1, 2, 30] {
        assert!(!cache.may_refetch(at(early)), "{early}");
        assert!(!cache.begin_refetch(at(early)), "{early}");
    }
    // Asking in vain does not make the pause longer.
    assert!(cache.may_refetch(at(31)));
    assert!(cache.begin_refetch(at(31)));
    assert!(!cache.begin_refetch(at(32)));
}

#[test]
fn s016_a_forced_fetch_that_fails_uses_up_the_leave_too() {
    let mut cache = filled();
    assert!(cache.begin_refetch(at(1)));
    cache.failed(at(2));
    assert!(!cache.begin_refetch(at(30)));
    assert!(cache.begin_refetch(at(31)));
}

#[test]
fn s019_a_bad_answer_leaves_the_last_good_copy() {
    let mut cache = filled();
    cache.failed(at(700));
    assert!(has_key(&cache, at(700)));
    assert_eq!(cache.fetched_at(), Some(NOW));
    // For half a minute the provider is left alone, then it is asked again.
    assert_eq!(cache.plan(at(729)), Plan::Use);
    assert_eq!(cache.plan(at(730)), Plan::FetchFirst);
    cache.stored(one_key(), seconds(60), at(730));
    assert_eq!(cache.plan(at(790)), Plan::FetchFirst);
}

#[test]
fn s019_a_good_answer_forgets_the_failure_before_it() {
    let mut cache = filled();
    cache.failed(at(50));
    cache.stored(one_key(), seconds(60), at(51));
    cache.failed(at(52));
    cache.stored(one_key(), seconds(0), at(53));
    assert_eq!(cache.plan(at(112)), Plan::Use);
    assert_eq!(cache.plan(at(113)), Plan::FetchFirst);
    let mut quick = filled();
    quick.failed(at(599));
    quick.stored(one_key(), seconds(60), at(540));
    assert_eq!(quick.plan(at(610)), Plan::FetchFirst);
}

#[test]
fn s019_a_copy_that_could_not_be_renewed_for_a_day_is_gone() {
    let mut cache = filled();
    let day = 24 * 60 * 60;
    assert!(has_key(&cache, at(day - 1)));
    assert!(cache.keys(at(day)).is_none());
    // With nothing to go on with there is no pause: the next sign-in asks at once.
    cache.failed(at(day));
    assert_eq!(cache.plan(at(day + 1)), Plan::FetchFirst);
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_fresh_and_blocks_nothing() {
    let mut cache = KeyCache::new();
    cache.stored(one_key(), seconds(600), at(1000));
    assert_eq!(cache.plan(NOW), Plan::FetchFirst);
    assert!(has_key(&cache, NOW));
    assert!(cache.begin_refetch(at(1000)));
    assert!(cache.may_refetch(NOW));
}

#[test]
fn the_age_follows_cache_control_within_our_bounds() {
    for (header, age) in [
        (None, 600),
        (Some(""), 600),
        (Some("public"), 600),
        (Some("max-age=300"), 300),
        (Some("public, max-age=300, must-revalidate"), 300),
        (Some("Public, MAX-AGE = 300"), 300),
        (Some("max-age=\"300\""), 300),
        (Some("max-age=0"), 60),
        (Some("max-age=59"), 60),
        (Some("max-age=60"), 60),
        (Some("max-age=3600"), 3600),
        (Some("max-age=3601"), 3600),
        (Some("max-age=99999999999999999999"), 600),
        (Some("max-age=-1"), 600),
        (Some("max-age"), 600),
        (Some("max-age=soon"), 600),
        (Some("s-maxage=120"), 600),
        (Some("no-store"), 60),
        (Some("no-cache"), 60),
        (Some("No-Cache, max-age=3600"), 60),
        (Some("max-age=3600, no-store"), 60),
        (Some("max-age=900, max-age=120"), 120),
        (Some("max-age=120, max-age=900"), 120),
    ] {
        assert_eq!(max_age(header), seconds(age), "{header:?}");
    }
}
