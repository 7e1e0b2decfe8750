//! How many guesses there are, and whom they shut out.

use super::*;

mod codes;

type Counters = Vec<(Bucket, Option<Counter>)>;

const KEY: &str = "ada@company.test";
const START: Moment = Moment::from_seconds(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn sign_in(key: &str, from: &str, device: Option<&Digest>) -> Vec<Bucket> {
    buckets_for_sign_in(&Population::default_one(), UserType::Staff, key, ip(from), device)
}

/// What the store does: keeps counters by bucket.
#[derive(Default)]
struct Kept(Vec<(Bucket, Counter)>);

impl Kept {
    fn read(&self, buckets: &[Bucket]) -> Counters {
        let find =
            |bucket: &Bucket| self.0.iter().find(|(kept, _)| kept == bucket).map(|kept| kept.1);
        buckets.iter().map(|bucket| (bucket.clone(), find(bucket))).collect()
    }

    fn write(&mut self, changes: Counters) {
        for (bucket, counter) in changes {
            self.0.retain(|(kept, _)| *kept != bucket);
            self.0.extend(counter.map(|counter| (bucket, counter)));
        }
    }

    fn attempt(&mut self, now: Moment, buckets: &[Bucket]) -> Reservation {
        let reservation = reserve(now, &Throttles::default(), &self.read(buckets));
        if let Reservation::Granted { new } = &reservation {
            self.write(
                new.iter().map(|(bucket, counter)| (bucket.clone(), Some(*counter))).collect(),
            );
        }
        reservation
    }

    fn succeed(&mut self, reserved_at: Moment, buckets: &[Bucket]) {
        let read = self.read(buckets);
        self.write(settled_ok(&Throttles::default(), reserved_at, &read));
    }

    fn give_back(&mut self, reserved_at: Moment, buckets: &[Bucket]) {
        let read = self.read(buckets);
        self.write(give_back(&Throttles::default(), reserved_at, &read));
    }

    fn remove(&mut self, buckets: &[Bucket]) {
        self.0.retain(|(kept, _)| !buckets.contains(kept));
    }

    fn failures(&self, kind: BucketKind) -> u32 {
        self.0
            .iter()
            .filter(|(kept, _)| kept.kind == kind)
            .map(|(_, counter)| counter.failures)
            .sum()
    }
}

fn granted(reservation: &Reservation) -> bool {
    matches!(reservation, Reservation::Granted { .. })
}

#[test]
fn s104_nine_failures_in_a_quarter_of_an_hour_mean_six_minutes() {
    let (mut kept, buckets) = (Kept::default(), sign_in(KEY, "192.0.2.1", None));
    for second in 0..9 {
        assert!(granted(&kept.attempt(START.plus(Duration::from_secs(second)), &buckets)));
    }
    let last = START.plus(Duration::from_secs(8));
    assert_eq!(kept.attempt(last, &buckets), Reservation::Wait { minutes: 6 });
    // Rounded up, and never zero.
    let later = |span: Duration| last.plus(span);
    for (span, minutes) in [
        (Duration::from_micros(1), 6),
        (MINUTE, 5),
        (MINUTE * 5, 1),
        (MINUTE * 6 - Duration::from_micros(1), 1),
    ] {
        assert_eq!(kept.attempt(later(span), &buckets), Reservation::Wait { minutes });
    }
    assert!(granted(&kept.attempt(later(MINUTE * 6), &buckets)));
    assert_eq!(kept.failures(BucketKind::AccountNetwork), 1);
}

#[test]
fn s104_a_window_begins_anew_when_it_is_over() {
    let (mut kept, buckets) = (Kept::default(), sign_in(KEY, "192.0.2.1", None));
    for _ in 0..8 {
        kept.attempt(START, &buckets);
    }
    let end = START.plus(MINUTE * 15);
    assert!(granted(&kept.attempt(end, &buckets)));
    assert_eq!(kept.failures(BucketKind::AccountNetwork), 1);
    // One moment earlier it was the ninth.
    let (mut kept, early) = (Kept::default(), end.minus(Duration::from_micros(1)));
    for _ in 0..8 {
        kept.attempt(START, &buckets);
    }
    assert!(granted(&kept.attempt(early, &buckets)));
    assert_eq!(kept.attempt(early, &buckets), Reservation::Wait { minutes: 6 });
}

#[test]
fn s104_guesses_sent_at_once_are_counted_before_they_are_tried() {
    let (mut kept, buckets) = (Kept::default(), sign_in(KEY, "192.0.2.1", None));
    let tried = (0..50).filter(|_| granted(&kept.attempt(START, &buckets))).count();
    assert_eq!(tried, 9);
}

#[test]
fn s104_a_hundred_in_a_row_over_all_networks_need_a_reset() {
    let mut kept = Kept::default();
    let from = |n: u32| sign_in(KEY, &format!("198.51.100.{n}"), None);
    // Months apart, so that no window holds them.
    let day = |n: u32| START.plus(MINUTE * 1440 * 30 * n);
    for n in 0..100 {
        assert!(granted(&kept.attempt(day(n), &from(n))));
    }
    assert_eq!(kept.attempt(day(100), &from(100)), Reservation::Barrier);
    assert_eq!(kept.attempt(day(100_000), &from(0)), Reservation::Barrier);
    let population = Population::default_one();
    kept.remove(&buckets_removed_by_reset(&population, UserType::Staff, KEY, &[]));
    assert!(granted(&kept.attempt(day(101), &from(101))));
    assert_eq!(kept.failures(BucketKind::AccountRow), 1);
}

#[test]
fn s104_a_success_ends_the_row() {
    let (mut kept, buckets) = (Kept::default(), sign_in(KEY, "192.0.2.1", None));
    for round in 0..40 {
        let now = START.plus(MINUTE * 60 * round);
        for _ in 0..8 {
            assert!(granted(&kept.attempt(now, &buckets)));
        }
        kept.succeed(now, &buckets);
        assert_eq!(kept.failures(BucketKind::AccountRow), 0);
        assert_eq!(kept.failures(BucketKind::AccountNetwork), 0);
    }
}

#[test]
fn s104_a_barrier_is_told_before_a_wait() {
    let mut kept = Kept::default();
    for n in 0..100 {
        kept.attempt(START, &sign_in(KEY, &format!("198.51.100.{}", n / 9), None));
    }
    assert_eq!(kept.failures(BucketKind::AccountRow), 100);
    let waiting = sign_in(KEY, "198.51.100.1", None);
    assert_eq!(kept.attempt(START, &waiting), Reservation::Barrier);
}

#[test]
fn s104_no_stranger_locks_out_an_owner_at_a_known_device() {
    let mut kept = Kept::default();
    let device = Digest::of(b"the owner's browser");
    for n in 0..300 {
        let now = START.plus(MINUTE * 20 * n);
        kept.attempt(now, &sign_in(KEY, &format!("198.51.{}.{}", n / 250, n % 250), None));
    }
    let now = START.plus(MINUTE * 20 * 300);
    for other in 0..200 {
        kept.attempt(now, &sign_in(&format!("other{other}@company.test"), "192.0.2.1", None));
    }
    let owner = |device| sign_in(KEY, "192.0.2.1", device);
    assert_eq!(kept.attempt(now, &owner(None)), Reservation::Barrier);
    assert!(granted(&kept.attempt(now, &owner(Some(&device)))));
}

#[test]
fn s104_a_known_device_has_its_own_wait_and_its_own_row() {
    let mut kept = Kept::default();
    let device = Digest::of(b"stolen");
    let buckets = sign_in(KEY, "192.0.2.1", Some(&device));
    for _ in 0..9 {
        assert!(granted(&kept.attempt(START, &buckets)));
    }
    assert_eq!(kept.attempt(START, &buckets), Reservation::Wait { minutes: 6 });
    // In whatever network it is.
    let elsewhere = sign_in(KEY, "203.0.113.1", Some(&device));
    assert_eq!(kept.attempt(START, &elsewhere), Reservation::Wait { minutes: 6 });
    for n in 9..100 {
        assert!(granted(&kept.attempt(START.plus(MINUTE * 20 * n), &buckets)));
    }
    let late = START.plus(MINUTE * 20 * 100);
    assert_eq!(kept.attempt(late, &buckets), Reservation::Barrier);
    let population = Population::default_one();
    kept.remove(&buckets_removed_by_reset(&population, UserType::Staff, KEY, &[device]));
    assert!(granted(&kept.attempt(late, &buckets)));
    assert_eq!(kept.failures(BucketKind::Device), 1);
}

#[test]
fn s104_one_network_that_tries_many_accounts_waits() {
    let mut kept = Kept::default();
    let spray = |n: u32, from: &str| sign_in(&format!("user{n}@company.test"), from, None);
    for n in 0..100 {
        assert!(granted(&kept.attempt(START, &spray(n, "2001:db8:1:2::1"))));
    }
    let neighbour = spray(100, "2001:db8:1:2:ffff:ffff:ffff:ffff");
    assert_eq!(kept.attempt(START, &neighbour), Reservation::Wait { minutes: 15 });
    assert!(granted(&kept.attempt(START, &spray(100, "2001:db8:1:3::1"))));
}

#[test]
fn s104_owning_one_account_does_not_help_to_guess_at_others() {
    let mut kept = Kept::default();
    for n in 0..50 {
        let other = sign_in(&format!("user{n}@company.test"), "192.0.2.1", None);
        assert!(granted(&kept.attempt(START, &other)));
        let own = sign_in("mallory@company.test", "192.0.2.1", None);
        assert!(granted(&kept.attempt(START, &own)));
        kept.succeed(START, &own);
    }
    assert_eq!(kept.failures(BucketKind::Network), 50);
}

#[test]
fn the_longest_of_several_waits_is_told() {
    let mut kept = Kept::default();
    for n in 0..91 {
        kept.attempt(START, &sign_in(&format!("user{n}@company.test"), "192.0.2.1", None));
    }
    let buckets = sign_in(KEY, "192.0.2.1", None);
    for _ in 0..9 {
        assert!(granted(&kept.attempt(START, &buckets)));
    }
    assert_eq!(kept.attempt(START, &buckets), Reservation::Wait { minutes: 15 });
    let mut turned = kept.read(&buckets);
    turned.reverse();
    let reservation = reserve(START, &Throttles::default(), &turned);
    assert_eq!(reservation, Reservation::Wait { minutes: 15 });
}

#[test]
fn s105_what_a_policy_refuses_is_no_failure() {
    let (mut kept, buckets) = (Kept::default(), sign_in(KEY, "192.0.2.1", None));
    for _ in 0..8 {
        kept.attempt(START, &buckets);
    }
    for _ in 0..300 {
        assert!(granted(&kept.attempt(START, &buckets)));
        kept.give_back(START, &buckets);
    }
    for kind in [BucketKind::AccountNetwork, BucketKind::AccountRow, BucketKind::Network] {
        assert_eq!(kept.failures(kind), 8, "{kind:?}");
    }
}

#[test]
fn s105_giving_back_lifts_only_the_block_that_it_set() {
    let (mut kept, buckets) = (Kept::default(), sign_in(KEY, "192.0.2.1", None));
    for _ in 0..9 {
        kept.attempt(START, &buckets);
    }
    kept.give_back(START, &buckets);
    assert!(granted(&kept.attempt(START, &buckets)));
    assert_eq!(kept.attempt(START, &buckets), Reservation::Wait { minutes: 6 });
    // A counter that stands above its limit, because the limit was lowered, stays blocked.
    let bucket = buckets[0].clone();
    let counter = Counter { failures: 20, window_started_at: START, blocked_until: Some(START) };
    let after = give_back(&Throttles::default(), START, &[(bucket.clone(), Some(counter))]);
    assert_eq!(after, [(bucket, Some(Counter { failures: 19, ..counter }))]);
}

#[test]
fn what_is_given_back_is_removed_at_zero_and_never_taken_from_a_later_count() {
    let (mut kept, buckets) = (Kept::default(), sign_in(KEY, "192.0.2.1", None));
    kept.attempt(START, &buckets);
    kept.give_back(START, &buckets);
    assert!(kept.0.is_empty());
    // Nothing to give back from.
    kept.give_back(START, &buckets);
    assert!(kept.0.is_empty());
    let later = START.plus(MINUTE);
    kept.attempt(later, &buckets);
    kept.give_back(START, &buckets);
    assert_eq!(kept.failures(BucketKind::AccountNetwork), 1);
}

#[test]
fn reset_mails_are_bounded_by_address_and_by_network() {
    let mails = |n: u32, from: &str| {
        let key = format!("user{n}@company.test");
        buckets_for_reset_mail(&Population::default_one(), UserType::Staff, &key, ip(from))
    };
    let mut kept = Kept::default();
    for n in 0..3 {
        assert!(granted(&kept.attempt(START, &mails(1, &format!("192.0.2.{n}")))));
    }
    assert_eq!(kept.attempt(START, &mails(1, "192.0.2.9")), Reservation::Wait { minutes: 60 });
    assert!(granted(&kept.attempt(START.plus(MINUTE * 60), &mails(1, "192.0.2.9"))));

    let mut kept = Kept::default();
    for n in 0..20 {
        assert!(granted(&kept.attempt(START, &mails(n, "192.0.2.1"))));
    }
    assert_eq!(kept.attempt(START, &mails(20, "192.0.2.1")), Reservation::Wait { minutes: 60 });
    let after = settled_ok(&Throttles::default(), START, &kept.read(&mails(0, "192.0.2.1")));
    assert_eq!(after[0].1, None);
    assert_eq!(after[1].1.map(|counter| counter.failures), Some(19));
}

#[test]
fn a_network_is_an_ipv4_address_or_an_ipv6_64() {
    for (address, network) in [
        ("192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ] {
        assert_eq!(network_of(ip(address)), network);
    }
}

#[test]
fn counters_are_told_apart_by_everything_that_they_are_for() {
    let device = Digest::of(b"device");
    let base = sign_in(KEY, "192.0.2.1", None);
    let brand = Population::from_stored("brand");
    let from = ip("192.0.2.1");
    let others = [
        sign_in("bob@company.test", "192.0.2.1", None),
        buckets_for_sign_in(&brand, UserType::Staff, KEY, from, None),
        buckets_for_sign_in(&Population::default_one(), UserType::Customer, KEY, from, None),
        sign_in(KEY, "192.0.2.2", None),
    ];
    let kinds = |buckets: &[Bucket]| buckets.iter().map(|bucket| bucket.kind).collect::<Vec<_>>();
    let expected = [BucketKind::AccountNetwork, BucketKind::AccountRow, BucketKind::Network];
    assert_eq!(kinds(&base), expected);
    for other in &others[..3] {
        assert_ne!(other[0], base[0]);
        assert_ne!(other[1], base[1]);
        assert_eq!(other[2], base[2]);
    }
    assert_ne!(others[3][0], base[0]);
    assert_eq!(others[3][1], base[1]);
    assert_ne!(others[3][2], base[2]);
    let known = sign_in(KEY, "192.0.2.1", Some(&device));
    assert_eq!(kinds(&known), [BucketKind::Device, BucketKind::DeviceRow]);
    assert_eq!(sign_in(KEY, "192.0.2.2", Some(&device)), known);
    assert_ne!(sign_in(KEY, "192.0.2.1", Some(&Digest::of(b"other"))), known);
    assert!(base.iter().chain(&known).all(|bucket| !format!("{bucket:?}").contains("ada")));
}

#[test]
fn every_kind_of_counter_has_a_name_of_its_own() {
    let mut names = BucketKind::ALL.map(BucketKind::as_str).to_vec();
    assert_eq!(names[0], "account_network");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BucketKind::ALL.len());
}

#[test]
fn s078_failures_of_a_client_are_counted_for_itself_and_its_network() {
    let mut kept = Kept::default();
    let of = |client: &str, from: &str| buckets_for_client(client, ip(from));
    for _ in 0..Throttles::default().client.failures {
        let counted = kept.attempt(START, &of("shop", "192.0.2.1"));
        assert!(matches!(counted, Reservation::Granted { .. }));
    }
    let blocked = Reservation::Wait { minutes: 1 };
    assert_eq!(kept.attempt(START, &of("shop", "192.0.2.1")), blocked);
    for other in [of("shop", "192.0.2.2"), of("portal", "192.0.2.1")] {
        assert!(matches!(kept.attempt(START, &other), Reservation::Granted { .. }));
    }
    let later = START.plus(MINUTE);
    let again = kept.attempt(later, &of("shop", "192.0.2.1"));
    assert!(matches!(again, Reservation::Granted { .. }));
}
