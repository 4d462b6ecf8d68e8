//! One candidate against a Lease that others write, too.

use super::*;

const OWN: &str = "own";
const OTHER: &str = "other";

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + (seconds * 1000.0) as i64).unwrap()
}

fn stands_by() -> Leader {
    Leader::new(OWN.to_owned(), Timing::default(), Candidacy::StandsBy)
}

fn runs_alone() -> Leader {
    Leader::new(OWN.to_owned(), Timing::default(), Candidacy::RunsAlone)
}

fn held_by(holder: &str, version: &str) -> Answer {
    let holder = (!holder.is_empty()).then(|| holder.to_owned());
    Answer::Shows(Record { holder, seconds: Some(15), transitions: 3, version: version.to_owned() })
}

fn own(transitions: i32, over: Option<&str>) -> Claim {
    Claim { holder: Some(OWN.to_owned()), seconds: 15, transitions, over: over.map(str::to_owned) }
}

/// Reads the Lease at this time.
fn reads(leader: &mut Leader, seconds: f64, answer: Answer) {
    assert_eq!(leader.next(at(seconds)), Action::Read);
    leader.answered(answer, at(seconds), at(seconds));
}

/// Holds the Lease since second 0, in version 1.
fn holder() -> Leader {
    let mut leader = stands_by();
    reads(&mut leader, 0.0, Answer::Absent);
    assert_eq!(leader.next(at(0.0)), Action::Acquire(own(0, None)));
    leader.answered(held_by(OWN, "1"), at(0.0), at(0.0));
    leader
}

/// The time from which this one may list, from second 0.
fn lists_from(leader: &Leader) -> f64 {
    leader.term().unwrap().lists_from.duration_since(at(0.0)).as_secs_f64()
}

/// The time until which this one may start writes, from second 0.
fn writes_until(leader: &Leader) -> f64 {
    leader.term().unwrap().writes_until.duration_since(at(0.0)).as_secs_f64()
}

#[test]
fn the_defaults_are_those_of_client_go() {
    let timing = Timing::default();
    let seconds =
        [timing.duration(), timing.renew_deadline(), timing.retry_period()].map(|duration| duration.as_secs());
    assert_eq!(seconds, [15, 10, 2]);
    assert_eq!(timing.write_timeout().as_secs(), 10);
}

#[test]
fn a_write_is_over_before_the_lease_can_expire_whatever_its_duration() {
    for seconds in [3, 5, 15, 30, 300] {
        let timing = Timing::of_seconds(seconds);
        let mut leader = Leader::new(OWN.to_owned(), timing, Candidacy::StandsBy);
        reads(&mut leader, 0.0, Answer::Absent);
        leader.answered(held_by(OWN, "1"), at(0.0), at(0.0));
        let last = leader.term().unwrap().writes_until;
        assert!(last + timing.write_timeout() < at(seconds.into()), "{seconds}");
        assert!(last > at(0.0) + timing.retry_period(), "writes go on from one renewal to the next: {seconds}");
    }
}

#[test]
fn a_lease_that_is_not_there_is_created_and_its_holder_lists_at_once() {
    let leader = holder();
    assert_eq!((lists_from(&leader), writes_until(&leader)), (0.0, 4.0));
}

#[test]
fn a_lease_that_is_deleted_is_created_again_and_its_last_holder_is_waited_for_as_if_it_had_just_renewed() {
    let mut leader = stands_by();
    reads(&mut leader, 0.0, held_by(OTHER, "7"));
    reads(&mut leader, 1.0, Answer::Absent);
    assert_eq!(leader.next(at(1.0)), Action::Acquire(own(0, None)));
    leader.answered(held_by(OWN, "8"), at(1.0), at(1.5));
    assert_eq!(lists_from(&leader), 1.5 + 15.0 + 10.0);
    leader.resign(Resignation::Release);
    assert_eq!(leader.next(at(2.0)), Action::End(End::LeftToExpire));
}

#[test]
fn a_lost_answer_to_the_creation_of_a_deleted_lease_does_not_shorten_the_wait() {
    for found in [Answer::Absent, held_by(OWN, "8")] {
        let mut leader = stands_by();
        reads(&mut leader, 0.0, held_by(OTHER, "7"));
        reads(&mut leader, 1.0, Answer::Absent);
        assert_eq!(leader.next(at(1.0)), Action::Acquire(own(0, None)));
        leader.answered(Answer::Failed, at(1.0), at(6.0));
        reads(&mut leader, 8.0, found);
        assert!(matches!(leader.next(at(8.0)), Action::Acquire(_)));
        leader.answered(held_by(OWN, "9"), at(8.0), at(8.0));
        assert_eq!(lists_from(&leader), 8.0 + 15.0 + 10.0);
    }
}

#[test]
fn a_term_ends_when_its_last_write_is_over_and_before_the_lease_can_expire() {
    let term = holder().term().unwrap();
    assert_eq!(term.ends, term.writes_until + Timing::default().write_timeout());
    assert_eq!(term.ends, at(14.0));
}

#[test]
fn a_released_lease_is_taken_at_once_and_its_new_holder_lists_at_once() {
    let mut leader = stands_by();
    reads(&mut leader, 0.0, held_by(OTHER, "7"));
    assert_eq!(leader.next(at(0.5)), Action::Wait(at(1.0)));
    reads(&mut leader, 2.0, held_by("", "8"));
    assert_eq!(leader.next(at(2.0)), Action::Acquire(own(4, Some("8"))));
    leader.answered(held_by(OWN, "9"), at(2.0), at(2.1));
    assert_eq!(lists_from(&leader), 2.1);
}

#[test]
fn a_lease_that_is_renewed_is_never_taken() {
    let mut leader = stands_by();
    for n in 0..100 {
        reads(&mut leader, f64::from(n) * 14.9, held_by(OTHER, &n.to_string()));
        assert!(matches!(leader.next(at(f64::from(n) * 14.9)), Action::Wait(_)));
    }
    assert_eq!((leader.follows(), leader.term()), (Some(OTHER), None));
}

#[test]
fn a_lease_that_has_not_changed_for_its_duration_is_taken_and_late_writes_are_waited_for() {
    let mut leader = stands_by();
    let mut now = 100.0; // since when it has not changed before, nobody knows
    while now < 115.0 {
        reads(&mut leader, now, held_by(OTHER, "7"));
        now += 1.0;
        assert_eq!(leader.next(at(now - 0.5)), Action::Wait(at(now)));
    }
    reads(&mut leader, 115.0, held_by(OTHER, "7"));
    assert_eq!(leader.next(at(115.0)), Action::Acquire(own(4, Some("7"))));
    leader.answered(held_by(OWN, "8"), at(115.0), at(115.5));
    assert_eq!((lists_from(&leader), writes_until(&leader)), (125.5, 119.0));
}

#[test]
fn a_holder_has_the_duration_that_it_has_promised() {
    let mut leader = stands_by();
    let short = Record { holder: Some(OTHER.to_owned()), seconds: Some(3), transitions: 0, version: "7".to_owned() };
    reads(&mut leader, 0.0, Answer::Shows(short.clone()));
    reads(&mut leader, 2.0, Answer::Shows(short.clone()));
    reads(&mut leader, 3.0, Answer::Shows(short));
    assert_eq!(leader.next(at(3.0)), Action::Acquire(own(1, Some("7"))));
    leader.answered(held_by(OWN, "8"), at(3.0), at(3.0));
    assert_eq!(lists_from(&leader), 5.0, "and its writes had the timeout that follows from it");
}

#[test]
fn one_that_is_slower_than_another_candidate_follows_that_one() {
    let mut leader = stands_by();
    reads(&mut leader, 0.0, held_by("", "7"));
    assert_eq!(leader.next(at(0.0)), Action::Acquire(own(4, Some("7"))));
    leader.answered(Answer::Conflict, at(0.0), at(0.1));
    reads(&mut leader, 0.1, held_by(OTHER, "8"));
    assert_eq!(leader.next(at(0.2)), Action::Wait(at(1.1)));
    assert_eq!(leader.follows(), Some(OTHER));
}

#[test]
fn a_term_counts_from_when_its_renewal_was_sent() {
    let mut leader = holder();
    assert_eq!(leader.next(at(1.9)), Action::Wait(at(2.0)));
    assert_eq!(leader.next(at(2.0)), Action::Renew(own(3, Some("1"))));
    leader.answered(held_by(OWN, "2"), at(2.0), at(3.5));
    assert_eq!(writes_until(&leader), 6.0);
    assert_eq!(leader.next(at(4.0)), Action::Renew(own(3, Some("2"))));
    leader.answered(Answer::Failed, at(4.0), at(9.0));
    assert_eq!(writes_until(&leader), 6.0, "a renewal that may have failed is none");
    assert_eq!(leader.next(at(9.0)), Action::Wait(at(11.0)));
}

#[test]
fn a_renewal_whose_answer_was_lost_is_found_and_renewed() {
    let mut leader = holder();
    assert_eq!(leader.next(at(2.0)), Action::Renew(own(3, Some("1"))));
    leader.answered(Answer::Failed, at(2.0), at(2.0));
    assert_eq!(leader.next(at(4.0)), Action::Renew(own(3, Some("1"))));
    leader.answered(Answer::Conflict, at(4.0), at(4.0));
    reads(&mut leader, 4.0, held_by(OWN, "2"));
    assert_eq!(writes_until(&leader), 4.0, "when it was done is not known");
    assert_eq!(leader.next(at(4.0)), Action::Renew(own(3, Some("2"))));
    leader.answered(held_by(OWN, "3"), at(4.0), at(4.0));
    assert_eq!(writes_until(&leader), 8.0);
}

#[test]
fn a_holder_that_another_one_has_replaced_ends_and_names_it() {
    let mut leader = holder();
    assert_eq!(leader.next(at(60.0)), Action::Renew(own(3, Some("1"))), "it was stopped for a minute");
    leader.answered(Answer::Conflict, at(60.0), at(60.0));
    reads(&mut leader, 60.0, held_by(OTHER, "9"));
    let lost = End::Lost { holder: Some(OTHER.to_owned()) };
    assert_eq!((leader.next(at(60.0)), leader.term()), (Action::End(lost), None));
}

#[test]
fn a_holder_that_could_not_renew_for_long_and_was_not_replaced_goes_on() {
    let mut leader = holder();
    assert_eq!(leader.next(at(60.0)), Action::Renew(own(3, Some("1"))));
    assert!(leader.term().unwrap().writes_until < at(60.0), "and writes nothing until it is renewed");
    leader.answered(held_by(OWN, "2"), at(60.0), at(60.0));
    assert_eq!(writes_until(&leader), 64.0);
}

#[test]
fn a_holder_whose_lease_is_deleted_or_emptied_by_somebody_ends() {
    let lost = Action::End(End::Lost { holder: None });
    let mut deleted = holder();
    assert!(matches!(deleted.next(at(2.0)), Action::Renew(_)));
    deleted.answered(Answer::Absent, at(2.0), at(2.0));
    assert_eq!(deleted.next(at(2.0)), lost);
    let mut emptied = holder();
    assert!(matches!(emptied.next(at(2.0)), Action::Renew(_)));
    emptied.answered(Answer::Conflict, at(2.0), at(2.0));
    reads(&mut emptied, 2.0, held_by("", "2"));
    assert_eq!(emptied.next(at(2.0)), lost);
}

#[test]
fn one_that_runs_alone_refuses_when_it_sees_another_one_renew() {
    let mut leader = runs_alone();
    reads(&mut leader, 0.0, held_by(OTHER, "7"));
    reads(&mut leader, 2.0, held_by(OTHER, "7"));
    reads(&mut leader, 4.0, held_by("third", "8"));
    assert_eq!(leader.next(at(4.0)), Action::End(End::Refused { holder: "third".to_owned() }));
}

#[test]
fn one_that_runs_alone_waits_a_record_out_that_nobody_renews() {
    let mut leader = runs_alone();
    for seconds in [0.0, 8.0, 14.9] {
        reads(&mut leader, seconds, held_by(OTHER, "7"));
    }
    reads(&mut leader, 15.0, held_by(OTHER, "7"));
    assert_eq!(leader.next(at(15.0)), Action::Acquire(own(4, Some("7"))));
}

#[test]
fn a_lost_answer_to_the_write_that_took_an_expired_lease_does_not_shorten_the_wait() {
    let mut leader = stands_by();
    reads(&mut leader, 0.0, held_by(OTHER, "7"));
    reads(&mut leader, 15.0, held_by(OTHER, "7"));
    assert_eq!(leader.next(at(15.0)), Action::Acquire(own(4, Some("7"))));
    leader.answered(Answer::Failed, at(15.0), at(20.0));
    reads(&mut leader, 22.0, held_by(OWN, "8"));
    assert_eq!(leader.next(at(22.0)), Action::Acquire(own(3, Some("8"))));
    leader.answered(held_by(OWN, "9"), at(22.0), at(22.0));
    assert_eq!((lists_from(&leader), writes_until(&leader)), (32.0, 26.0));
}

#[test]
fn one_that_is_asked_to_end_releases_the_lease() {
    let mut leader = holder();
    leader.resign(Resignation::Release);
    let released = Claim { holder: None, seconds: 1, transitions: 3, over: Some("1".to_owned()) };
    assert_eq!(leader.next(at(1.0)), Action::Release(released));
    leader.answered(held_by("", "2"), at(1.0), at(1.0));
    assert_eq!(leader.next(at(1.0)), Action::End(End::Resigned));
}

#[test]
fn a_release_that_crosses_a_renewal_is_sent_again() {
    let mut leader = holder();
    leader.resign(Resignation::Release);
    assert!(matches!(leader.next(at(2.0)), Action::Release(_)));
    leader.answered(Answer::Conflict, at(2.0), at(2.0));
    reads(&mut leader, 2.0, held_by(OWN, "2"));
    let Action::Release(claim) = leader.next(at(2.0)) else { panic!("it releases") };
    assert_eq!(claim.over.as_deref(), Some("2"));
    leader.answered(Answer::Failed, at(2.0), at(7.0));
    assert_eq!(leader.next(at(7.0)), Action::End(End::LeftToExpire), "it does not go on for ever");
}

#[test]
fn one_with_writes_on_their_way_leaves_the_lease_to_expire() {
    let mut leader = holder();
    leader.resign(Resignation::Leave);
    assert_eq!(leader.next(at(1.0)), Action::End(End::LeftToExpire));
}

#[test]
fn one_that_still_waits_for_late_writes_of_its_predecessor_leaves_the_lease_to_expire() {
    let mut leader = stands_by();
    reads(&mut leader, 0.0, held_by(OTHER, "7"));
    reads(&mut leader, 15.0, held_by(OTHER, "7"));
    assert!(matches!(leader.next(at(15.0)), Action::Acquire(_)));
    leader.answered(held_by(OWN, "8"), at(15.0), at(15.0));
    leader.resign(Resignation::Release);
    assert_eq!(leader.next(at(20.0)), Action::End(End::LeftToExpire));
}

#[test]
fn one_that_stands_by_ends_at_once() {
    let mut leader = stands_by();
    reads(&mut leader, 0.0, held_by(OTHER, "7"));
    leader.resign(Resignation::Release);
    assert_eq!(leader.next(at(0.1)), Action::End(End::Resigned));
}
