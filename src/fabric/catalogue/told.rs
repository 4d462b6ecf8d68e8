//! Every violation in a test stands in the reference: under a rule of its kind, with a code of it, and cured as that says.

use std::sync::LazyLock;

use super::GENERAL;
use crate::fabric::id::Kind;
use crate::fabric::kind::refusing_rules;
use crate::fabric::resource::{Cures, Refusing};
use crate::fabric::violation::{Code, Cure, Violation};

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Of {
    Put(Kind),
    Deletion(Kind),
}

/// Panics unless the rule reference has a row for each of these: of the kind and the rule, with the code, and who cures it.
pub fn assert_in_the_reference(of: Of, violations: &[Violation]) {
    static ROWS: LazyLock<Vec<Refusing>> = LazyLock::new(refusing_rules);
    let (kind, deletion) = match of {
        Of::Put(kind) => (kind, false),
        Of::Deletion(kind) => (kind, true),
    };
    let of_kind = |other: &Kind| *other == kind || !deletion && kind.consists_of().contains(other);
    for told in violations {
        let own = ROWS.iter().filter(|rule| rule.deletion == deletion && of_kind(&rule.kind));
        let own = own.map(|rule| (rule.id, rule.codes, rule.cure));
        let general = GENERAL.iter().filter(|rule| rule.kinds.is_empty() || rule.kinds.iter().any(of_kind));
        let general = general.filter(|rule| rule.deletion == deletion).map(|rule| (rule.id, rule.codes, rule.cure));
        let has_row = own.chain(general).any(|(id, codes, cure)| fits(told, id, codes, cure));
        assert!(has_row, "the rule reference has no row for {of:?}: {told:#?}");
        assert_shows_no_internal_name(told);
    }
}

/// Panics if a message or a remedy names a part of an instance as only the fabric does: `<namespace>/<set>_<id>`, or
/// `<namespace>/<set>_<id>/...`. A form that is no form at all is quoted as it is (ARM-04).
fn assert_shows_no_internal_name(violation: &Violation) {
    for text in [&violation.message, &violation.remedy].into_iter().filter(|_| violation.rule != "ARM-04") {
        let words = text.split(|c: char| !(c.is_alphanumeric() || ['_', '-', '/'].contains(&c)));
        let mut ids = words.flat_map(|word| word.split('/').skip(1)).filter_map(|part| part.rsplit_once('_'));
        let is_internal = ids.any(|(_, id)| !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()));
        assert!(!is_internal, "an internal name is shown: {violation:#?}");
    }
}

fn fits(violation: &Violation, id: &str, codes: &[Code], cure: Cures) -> bool {
    let cured = match cure {
        Cures::Stalls => violation.cure == Cure::Edit,
        Cures::Waits => violation.cure != Cure::Edit,
        Cures::Either => true,
    };
    violation.rule == id && codes.contains(&violation.code) && cured
}
