//! Whenever a report differs from the one before, its object was touched: a status is written again for no other reason.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::properties::{Driver, config, settings};
use super::random::{Op, operations};
use super::scale_sets;
use crate::fabric::kind::every::*;
use crate::fabric::{Engine, ObjectId, Resource, for_each_kind};

macro_rules! define_reports {
    ($($kind:ident $module:ident,)*) => {
        /// What the fabric reports of every object.
        fn reports(engine: &Engine) -> BTreeMap<ObjectId, String> {
            let mut all = BTreeMap::new();
            $(for (name, programmed) in engine.all::<$kind>() {
                let view = $kind::observe(engine, name, programmed);
                let told = ($kind::advice(engine, name, programmed), $kind::progress(engine, name, programmed));
                all.insert(ObjectId::new(crate::fabric::Kind::$kind, name.clone()), format!("{view:?} {told:?}"));
            })*
            all
        }
    };
}
for_each_kind!(define_reports);

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn an_object_whose_report_changes_is_touched(settings in settings(), operations in prop_oneof![operations(1..40), scale_sets::operations(1..30)]) {
        let mut driver = Driver::new(settings);
        let mut before = BTreeMap::new();
        for op in &operations {
            driver.does(op).ok();
            let touched = driver.engine.take_touched();
            let after = reports(&driver.engine);
            if !matches!(op, Op::Restart) {
                // What instances are made of is reported by their objects.
                for (id, told) in after.iter().filter(|(id, _)| id.instance().is_none()) {
                    let is_news = before.get(id) != Some(told);
                    prop_assert!(!is_news || touched.contains(id), "{op:?} changes {id}: {:?} {told}", before.get(id));
                }
            }
            before = after;
        }
    }
}
