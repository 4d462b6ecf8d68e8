use jiff::SignedDuration;

use super::*;

fn set() -> Name {
    Name::new("ns", "web")
}

fn vm(name: &str) -> ObjectId {
    ObjectId::new(Kind::VirtualMachine, Name::new("ns", name))
}

fn nic(name: &str) -> ObjectId {
    ObjectId::new(Kind::NetworkInterface, Name::new("ns", name))
}

fn child(instance: u64, revision: u64) -> Child {
    Child { id: vm(&format!("web-{instance}")), instance, after: Vec::new(), revision }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn dirty(children: &mut Children) -> Vec<u64> {
    std::iter::from_fn(|| children.next_dirty()).map(|(_, instance)| instance).collect()
}

/// A child whose write has begun.
fn in_flight(children: &mut Children, child: &Child) {
    children.push(set(), child.clone());
    let (set, next) = children.pop().unwrap();
    assert_eq!(next, *child);
    children.begin(set, next, 7);
}

/// A child whose write has failed at this time. True if that is to be reported.
fn failed(children: &mut Children, child: &Child, is_refused: bool, now: Timestamp) -> bool {
    in_flight(children, child);
    let task = children.end(&child.id).unwrap();
    children.fail(task, is_refused, now)
}

#[test]
fn what_is_pending_is_written_once_in_the_order_of_its_coming() {
    let mut children = Children::default();
    for instance in [2, 1, 2] {
        children.push(set(), child(instance, 1));
    }
    let order: Vec<u64> = std::iter::from_fn(|| children.pop()).map(|(_, child)| child.instance).collect();
    assert_eq!(order, [2, 1]);
}

#[test]
fn what_is_pushed_again_is_written_as_it_was_pushed_last() {
    let mut children = Children::default();
    children.push(set(), child(1, 1));
    children.push(set(), child(1, 2));
    assert_eq!(children.pop(), Some((set(), child(1, 2))));
    assert_eq!(children.pop(), None);
}

#[test]
fn what_is_in_flight_is_not_written_again_before_its_answer() {
    let mut children = Children::default();
    in_flight(&mut children, &child(1, 1));
    assert!(children.is_in_flight(&vm("web-1")) && !children.may_be_written(&child(1, 2), at(0)));
    let task = children.end(&vm("web-1")).unwrap();
    assert_eq!((task.instance(), task.version), ((set(), 1), 7));
    assert!(!children.is_in_flight(&vm("web-1")) && children.may_be_written(&child(1, 2), at(0)));
}

#[test]
fn an_answer_to_nothing_ends_nothing() {
    let mut children = Children::default();
    children.push(set(), child(1, 1));
    assert_eq!(children.end(&vm("web-1")), None);
    assert_eq!(children.pop(), Some((set(), child(1, 1))));
}

#[test]
fn what_is_postponed_is_in_the_queue_only_when_it_is_put_there_again() {
    let mut children = Children::default();
    children.push(set(), child(1, 1));
    let (set, next) = children.pop().unwrap();
    children.requeue(&next.id);
    assert_eq!(children.pop(), None); // it is not pending
    children.postpone(set.clone(), next.clone());
    assert_eq!(children.pop(), None);
    children.requeue(&next.id);
    assert_eq!(children.pop(), Some((set, next)));
}

#[test]
fn a_failure_is_followed_by_a_pause_that_grows_and_then_by_another_attempt() {
    let mut children = Children::default();
    failed(&mut children, &child(1, 1), false, at(0));
    let half = at(0) + SignedDuration::from_millis(500);
    assert_eq!(children.next_retry(), Some(half));
    assert!(!children.may_be_written(&child(1, 1), at(0)) && children.may_be_written(&child(1, 1), half));
    children.retry(at(0));
    assert_eq!(dirty(&mut children), [0; 0]);
    children.retry(half);
    assert_eq!((dirty(&mut children), children.next_retry()), (vec![1], None));
    failed(&mut children, &child(1, 1), false, at(1));
    assert_eq!(children.next_retry(), Some(at(2)));
}

#[test]
fn another_revision_is_written_at_once_after_a_failure_and_starts_to_count_again() {
    let mut children = Children::default();
    failed(&mut children, &child(1, 1), true, at(0));
    assert!(children.may_be_written(&child(1, 2), at(0)));
    assert!(!failed(&mut children, &child(1, 2), true, at(0)));
}

#[test]
fn a_refusal_is_reported_when_it_comes_again_and_once() {
    let mut children = Children::default();
    let told: Vec<bool> = (0..4).map(|n| failed(&mut children, &child(1, 1), true, at(100 * n))).collect();
    assert_eq!(told, [false, true, false, false]);
    assert!(children.is_refused(&child(1, 1)) && !children.is_refused(&child(1, 2)));
}

#[test]
fn failures_without_a_refusal_are_not_reported() {
    let mut children = Children::default();
    assert!((0..4).all(|n| !failed(&mut children, &child(1, 1), false, at(100 * n))));
    assert!(failed(&mut children, &child(1, 1), true, at(500)));
}

#[test]
fn what_has_failed_stays_known_as_blocked_until_it_is_written() {
    let mut children = Children::default();
    failed(&mut children, &child(1, 1), true, at(0));
    failed(&mut children, &child(1, 1), true, at(100));
    in_flight(&mut children, &child(1, 1));
    assert!(children.is_blocked(&vm("web-1")) && children.is_refused(&child(1, 1)));
    children.end(&vm("web-1"));
    assert!(!children.is_blocked(&vm("web-1")) && !children.is_refused(&child(1, 1)));
}

#[test]
fn a_taken_name_is_written_when_its_object_has_gone() {
    let mut children = Children::default();
    children.push(set(), child(1, 1));
    children.name_taken(vm("web-1"), (set(), 1));
    assert_eq!(children.pop(), None);
    assert!(!children.may_be_written(&child(1, 1), at(0)) && children.is_blocked(&vm("web-1")));
    assert_eq!(children.names_taken(Kind::VirtualMachine), [vm("web-1")]);
    assert_eq!(children.names_taken(Kind::NetworkInterface), []);
    children.name_changed(&vm("web-1"));
    assert_eq!(dirty(&mut children), [1]);
    children.name_freed(&vm("web-1"));
    assert_eq!(dirty(&mut children), [1]);
    assert!(children.may_be_written(&child(1, 1), at(0)));
}

#[test]
fn a_name_that_is_freed_before_the_answer_comes_is_known_then() {
    let mut children = Children::default();
    in_flight(&mut children, &child(1, 1));
    children.name_freed(&vm("web-1"));
    assert!(children.end(&vm("web-1")).unwrap().name_was_freed);
}

#[test]
fn an_object_that_appears_under_the_name_of_a_pending_child_has_its_instance_compared() {
    let mut children = Children::default();
    children.push(set(), child(1, 1));
    children.name_changed(&vm("web-1"));
    children.name_changed(&vm("web-2"));
    assert_eq!(dirty(&mut children), [1]);
}

#[test]
fn a_name_that_proves_to_be_the_childs_is_not_taken() {
    let mut children = Children::default();
    children.name_taken(vm("web-1"), (set(), 1));
    children.name_is_own(&vm("web-1"));
    assert!(!children.is_blocked(&vm("web-1")) && dirty(&mut children).is_empty());
}

#[test]
fn what_is_in_flight_is_answered_though_an_object_of_its_name_is_seen() {
    let mut children = Children::default();
    in_flight(&mut children, &child(1, 1));
    children.name_taken(vm("web-1"), (set(), 1));
    children.name_is_own(&vm("web-1"));
    assert!(children.end(&vm("web-1")).is_some());
}

#[test]
fn an_instance_that_is_not_reported_is_compared_when_its_set_is() {
    let mut children = Children::default();
    children.await_report(&set(), 3);
    children.on_report(&Name::new("ns", "other"));
    assert_eq!(dirty(&mut children), [0; 0]);
    children.on_report(&set());
    children.on_report(&set());
    assert_eq!(dirty(&mut children), [3]);
}

#[test]
fn an_instance_that_is_forgotten_leaves_nothing_but_what_is_in_flight() {
    let mut children = Children::default();
    failed(&mut children, &child(1, 1), true, at(0));
    children.push(set(), Child { id: nic("web-1-a"), ..child(1, 1) });
    children.push(set(), child(11, 1));
    children.forget(&set(), 1);
    children.retry(at(100));
    assert_eq!(dirty(&mut children), [0; 0]);
    assert_eq!(children.pop(), Some((set(), child(11, 1))));
    in_flight(&mut children, &child(1, 1));
    children.forget(&set(), 1);
    assert!(children.end(&vm("web-1")).is_some());
}

#[test]
fn an_instance_of_a_set_of_a_longer_name_is_not_forgotten_with_another() {
    let mut children = Children::default();
    let other = Child { id: vm("web-1-2"), ..child(2, 1) };
    children.push(Name::new("ns", "web-1"), other.clone());
    children.forget(&set(), 1);
    assert_eq!(children.pop(), Some((Name::new("ns", "web-1"), other)));
}

#[test]
fn the_objects_of_an_instance_are_known_by_their_names() {
    let mut children = Children::default();
    for id in [vm("web-1"), nic("web-1-a"), nic("web-1-b"), vm("web-10"), nic("web-10-a"), vm("web-2"), vm("web")] {
        children.add(&set(), id);
    }
    assert_eq!(children.named_after(&set(), 1), [vm("web-1"), nic("web-1-a"), nic("web-1-b")]);
    children.remove(&set(), &nic("web-1-a"));
    assert_eq!(children.named_after(&set(), 1), [vm("web-1"), nic("web-1-b")]);
}

#[test]
fn a_set_that_is_orphaned_leaves_all_but_the_objects_that_are_nothing_without_it() {
    let mut children = Children::default();
    let instance = ObjectId::new(Kind::VirtualMachineScaleSetVM, Name::new("ns", "web-1"));
    children.add(&set(), instance.clone());
    children.add(&set(), vm("web-2"));
    assert_eq!(children.orphan(&set()).into_iter().collect::<Vec<_>>(), [vm("web-2")]);
    assert_eq!(children.of(&set()).collect::<Vec<_>>(), [&instance]);
}
