//! The names most like one that is not known, for remedies.

/// The known names most like `name`, whatever their case, the likest first; at most three.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let distance = |known: &'a str| (strsim::damerau_levenshtein(&wanted, &known.to_ascii_lowercase()), known);
    let mut by_distance: Vec<_> = known.into_iter().map(distance).collect();
    by_distance.sort_unstable();
    by_distance.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_name_comes_first_whatever_its_case() {
        let known = ["subnet", "ipConfigurations", "location", "tags"];
        assert_eq!(nearest("ipconfiguration", known).first(), Some(&"ipConfigurations"));
        assert_eq!(nearest("sub", known), ["subnet", "tags", "location"]);
        assert_eq!(nearest("x", []), Vec::<&str>::new());
    }
}
