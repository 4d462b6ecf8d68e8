//! The words that names of public endpoints may not have (PIP-25): trademarks and names of services.
//!
//! The table is that of azure-docs, articles/azure-resource-manager/troubleshooting/error-reserved-resource-name.md.

/// Where a reserved word may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReservedAs {
    /// As a word: the whole label, or what is between hyphens of it.
    Word,
    /// Anywhere in a label.
    Part,
    /// At the start of a label.
    Start,
}

/// The reserved word that a label has, in any letter case.
pub fn reserved_word(label: &str) -> Option<&'static str> {
    let label = label.to_ascii_lowercase();
    let is_in = |(word, reserved_as): &(&str, ReservedAs)| match reserved_as {
        ReservedAs::Word => label == *word || label.split('-').any(|part| part == *word),
        ReservedAs::Part => label.contains(word),
        ReservedAs::Start => label.starts_with(word),
    };
    words().find(is_in).map(|(word, _)| word)
}

fn words() -> impl Iterator<Item = (&'static str, ReservedAs)> {
    include_str!("reserved-words.csv").lines().skip(1).filter_map(|row| {
        let (word, reserved_as) = row.split_once(',')?;
        let reserved_as = match reserved_as {
            "word" => ReservedAs::Word,
            "part" => ReservedAs::Part,
            "start" => ReservedAs::Start,
            _ => return None,
        };
        Some((word, reserved_as))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_of_reserved_words_is_read() {
        assert_eq!(words().count(), include_str!("reserved-words.csv").lines().count() - 1);
    }

    #[test]
    fn trademarks_are_reserved_in_any_part_of_a_label() {
        assert_eq!(reserved_word("mywindowsservers225"), Some("windows"));
        assert_eq!(reserved_word("my-Microsofts"), Some("microsoft"));
    }

    #[test]
    fn names_of_services_are_reserved_as_words() {
        for label in ["xbox", "my-azure-vm", "office365", "Bing-1"] {
            assert!(reserved_word(label).is_some(), "{label}");
        }
        for label in ["azurite", "boxing", "accessory", "my-officer"] {
            assert_eq!(reserved_word(label), None);
        }
    }

    #[test]
    fn a_label_does_not_begin_with_login() {
        assert_eq!(reserved_word("loginpage"), Some("login"));
        assert_eq!(reserved_word("my-login"), None);
    }
}
