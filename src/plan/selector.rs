//! A label selector as `kubectl -l` takes it. Its sets (`in`, `notin`) are not read.

use kube::core::{Expression, Selector};

use super::metadata::{is_label_value, is_qualified};

/// Reads `app=shop,tier!=web,team,!old`; no text selects everything.
///
/// # Errors
/// The requirement that is none, and what it can be.
pub fn read(text: &str) -> Result<Selector, String> {
    let requirements = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    requirements.map(requirement).collect()
}

fn requirement(text: &str) -> Result<Expression, String> {
    let equal = |value: &str| value.strip_prefix('=').unwrap_or(value).trim().to_owned();
    let (label, value, expression) = if let Some((label, value)) = text.split_once("!=") {
        let (label, value) = (label.trim(), value.trim().to_owned());
        (label, value.clone(), Expression::NotEqual(label.to_owned(), value))
    } else if let Some((label, value)) = text.split_once('=') {
        let (label, value) = (label.trim(), equal(value));
        (label, value.clone(), Expression::Equal(label.to_owned(), value))
    } else if let Some(label) = text.strip_prefix('!') {
        (label.trim(), String::new(), Expression::DoesNotExist(label.trim().to_owned()))
    } else {
        (text, String::new(), Expression::Exists(text.to_owned()))
    };
    let fits = is_qualified(label) && is_label_value(&value);
    fits.then_some(expression).ok_or_else(|| {
        format!("{text:?} selects no labels; write label=value, label!=value, label or !label, with commas between")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::core::SelectorExt;

    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels: BTreeMap<_, _> = labels.iter().map(|(label, value)| ((*label).into(), (*value).into())).collect();
        read(selector).unwrap().matches(&labels)
    }

    #[test]
    fn every_requirement_is_to_be_met() {
        let labels = [("app", "shop"), ("example.com/tier", "web")];
        for selector in
            ["", "app=shop", "app==shop", "app = shop, example.com/tier", "app!=blog", "!old", "team!=a,app=shop"]
        {
            assert!(selects(selector, &labels), "{selector:?}");
        }
        for selector in ["app=blog", "app!=shop", "!app", "old", "app=shop,example.com/tier=db", "app="] {
            assert!(!selects(selector, &labels), "{selector:?}");
        }
    }

    #[test]
    fn what_is_no_requirement_is_refused() {
        for selector in ["=x", "!=x", "app=a b", "a b", ",", "app=x,", "tier in (a,b)", "app===x", "!", "/a=b"] {
            let told = read(selector).unwrap_err();
            assert!(told.contains("write label=value"), "{selector:?}: {told}");
        }
    }
}
