//! The rules of domain name labels (PIP-15, PIP-25); the models of scale sets have such labels, too.

use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::public_ip_address::{DOMAIN, PublicIPAddress};
use crate::fabric::reserved_words;
use crate::fabric::resource::Case;
use crate::fabric::violation::{Code, Finding, Findings, Place, Violation, WaitKey};

const PATH: &str = "spec.dnsSettings.domainNameLabel";

pub(super) fn label_is_free(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(label) = &case.ask.domain_name_label else { return };
    let location = case.placement.location.clone();
    let holder = case.engine.labels.get(&(location.clone(), label.clone()));
    let own = ObjectId::new(Kind::PublicIPAddress, case.name.clone());
    if let Some(holder) = holder.filter(|holder| **holder != own) {
        label_is_in_use(&location, label, holder, PATH, findings);
    }
}

/// A label that the address has already stays (S-93), and that of an instance was judged with its scale set.
pub(super) fn label_is_not_reserved(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let before = case.before().and_then(|before| before.domain_name_label.as_ref());
    let label = case.ask.domain_name_label.as_ref().filter(|label| before != Some(*label));
    if let Some(label) = label.filter(|label| !is_of_an_instance(case, label)) {
        label_is_reserved(label, PATH, findings);
    }
}

/// Whether a label is `vm<id>-<label of a Flexible set>`, and the address is named after that instance (S-33).
fn is_of_an_instance(case: &Case<'_, PublicIPAddress>, label: &str) -> bool {
    let Some((id, label)) = label.strip_prefix("vm").and_then(|label| label.split_once('-')) else { return false };
    let holder = case.engine.labels.get(&(case.placement.location.clone(), label.to_owned()));
    holder.is_some_and(|holder| {
        let instance = format!("{}-{id}-", holder.name.name);
        holder.kind == Kind::VirtualMachineScaleSet
            && holder.name.namespace == case.name.namespace
            && case.name.name.starts_with(&instance)
    })
}

/// Finds that a domain name label has a reserved word.
pub(in crate::fabric) fn label_is_reserved(label: &str, path: &str, findings: &mut Findings) {
    if let Some(word) = reserved_words::reserved_word(label) {
        findings.add(path, LabelFinding::Reserved { label: label.to_owned(), word });
    }
}

/// Finds that `holder` has a domain name label in this location.
pub(in crate::fabric) fn label_is_in_use(
    location: &str,
    label: &str,
    holder: &ObjectId,
    path: &str,
    findings: &mut Findings,
) {
    let (location, label, holder) = (location.to_owned(), label.to_owned(), holder.clone());
    findings.add(path, LabelFinding::InUse { label, location, holder });
}

/// What keeps a domain name label from who asks for it.
enum LabelFinding {
    /// It has a word that Azure reserves.
    Reserved { label: String, word: &'static str },
    /// Another object has it in this location.
    InUse { label: String, location: String, holder: ObjectId },
}

impl Finding for LabelFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Reserved { label, word } => at.refuse(
                Code::DomainNameLabelReserved,
                format!("The label {label} has the word {word}, which Azure reserves."),
                format!("Choose a label without {word}."),
            ),
            Self::InUse { label, location, holder } => at
                .refuse(
                    Code::DnsRecordInUse,
                    format!("{label}.{location}.{DOMAIN} is the name of {holder}."),
                    format!("Choose another label, or release it on {holder}."),
                )
                .until_free(WaitKey::Label(location, label))
                .blocked_by(holder),
        }
    }
}
