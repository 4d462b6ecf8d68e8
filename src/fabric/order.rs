//! The order of references: what is referred to comes first.

use std::collections::BTreeMap;

/// Brings things in an order in which each stands behind whatever it refers to, and in which they were otherwise. What is
/// referred to and not among them does not matter; in a cycle, the one that is reached first stands behind the rest of it.
pub fn in_order_of_references<T: Ord + Clone>(all: Vec<(T, Vec<T>)>) -> Vec<T> {
    let places: BTreeMap<&T, usize> = all.iter().map(|(thing, _)| thing).zip(0..).collect();
    let mut order = Vec::with_capacity(all.len());
    let mut is_seen = vec![false; all.len()];
    // A stack instead of recursion: chains are as long as users make them.
    let mut stack: Vec<(usize, usize)> = Vec::new(); // a thing, and how many of its references were followed
    for first in 0..all.len() {
        visit(&mut stack, &mut is_seen, first);
        while let Some((place, followed)) = stack.last_mut() {
            let Some((thing, references)) = all.get(*place) else { break };
            match references.get(*followed) {
                Some(to) => {
                    *followed += 1;
                    if let Some(to) = places.get(to) {
                        visit(&mut stack, &mut is_seen, *to);
                    }
                }
                None => {
                    order.push(thing.clone());
                    stack.pop();
                }
            }
        }
    }
    order
}

fn visit(stack: &mut Vec<(usize, usize)>, is_seen: &mut [bool], place: usize) {
    if let Some(is_seen) = is_seen.get_mut(place)
        && !std::mem::replace(is_seen, true)
    {
        stack.push((place, 0));
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_referred_to_comes_first_and_the_rest_stays_as_it_was() {
        let order = in_order_of_references(vec![
            ("z", vec![]),
            ("nic", vec!["subnet", "gone"]),
            ("a", vec![]),
            ("subnet", vec!["net"]),
            ("net", vec![]),
        ]);
        assert_eq!(order, ["z", "net", "subnet", "nic", "a"]);
    }

    #[test]
    fn a_cycle_and_a_thing_that_refers_to_itself_have_an_order_too() {
        let order = in_order_of_references(vec![("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["a", "c"])]);
        assert_eq!(order, ["c", "b", "a"]);
    }

    #[test]
    fn a_chain_of_any_length_has_an_order() {
        let all = (0..100_000_u32).map(|n| (n, vec![n + 1])).collect();
        assert_eq!(in_order_of_references(all).first(), Some(&99_999));
    }

    proptest! {
        #[test]
        fn everything_is_there_once_and_behind_what_it_refers_to(references in vec(vec(0_usize..40, 0..4), 0..30)) {
            // Of smaller numbers only: no cycles.
            let all: Vec<_> = references.iter().enumerate().map(|(n, to)| (n, to.iter().map(|to| to % (n + 1)).filter(|to| *to != n).collect::<Vec<_>>())).rev().collect();
            let order = in_order_of_references(all.clone());
            let place = |thing: &usize| order.iter().position(|other| other == thing).unwrap();
            prop_assert_eq!(order.len(), all.len());
            for (thing, references) in &all {
                prop_assert!(references.iter().all(|to| place(to) < place(thing)));
            }
        }
    }
}
