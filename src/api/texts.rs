//! The forms of texts in specs: how long, of which characters, and how the API server says so.
//!
//! Each stands for the schema of a field (`#[schemars(with = "Location")]`); the field itself is a `String`. The operator
//! reads the same schema, in `form`. A message begins with "must be", which makes the rest of it a remedy.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;

use crate::fabric::limits;

macro_rules! texts {
    ($($(#[$about:meta])* $name:ident, at most $most:expr, $pattern:literal, $says:literal;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, JsonSchema)]
        #[schemars(inline, extend(
            "maxLength" = $most,
            "x-kubernetes-validations" = [{"rule": concat!("self.matches('", $pattern, "')"), "message": $says}],
        ))]
        pub struct $name(pub String);

        impl $name {
            /// What such a text must be.
            pub const SAYS: &'static str = $says;

            /// True of such a text.
            pub fn is(text: &str) -> bool {
                static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($pattern).ok());
                text.chars().count() <= $most && PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(text))
            }
        }
    )*};
}

texts! {
    /// Name of a region.
    Location, at most limits::LOCATION_LENGTH, "^[a-z0-9]+$", "must be lower-case letters and digits, such as westeurope";

    /// Name of an object.
    ObjectName, at most 253, "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        "must be the name of an object: lower-case letters, digits, hyphens and dots, a letter or digit first and last";

    /// Name of a namespace.
    NamespaceName, at most limits::LABEL_LENGTH, "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        "must be the name of a namespace: lower-case letters, digits and hyphens, a letter or digit first and last";

    /// Name of a part of an object.
    PartName, at most limits::NAME_LENGTH, "^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$",
        "must be 1 to 80 letters, digits, underscores, dots and hyphens, a letter or digit first, no dot or hyphen last";

    /// Name of a guest in its network.
    DnsLabel, at most 63, "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        "must be 1 to 63 lower-case letters, digits and hyphens, a letter or digit first and last";

    /// Name of a network interface of instances, or of an IP configuration of one; objects are named after it.
    ModelPartName, at most 63, "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
        "must be 1 to 63 letters, digits and hyphens, a letter or digit first and last";

    /// Host name of a guest operating system.
    ComputerName, at most limits::COMPUTER_NAME_LENGTH, "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
        "must be 1 to 64 letters, digits and hyphens, a letter or digit first and last";

    /// What the names of guests of a scale set begin with.
    ComputerNamePrefix, at most 15, "^[A-Za-z0-9][A-Za-z0-9-]*$",
        "must be 1 to 15 letters, digits and hyphens, a letter or digit first";

    /// Id of an instance of a scale set.
    InstanceId, at most 19, "^[0-9]+$", "must be 1 to 19 digits, such as 0";

    /// First label of a public domain name.
    DomainNameLabel, at most 63, "^[a-z][a-z0-9-]{1,61}[a-z0-9]$",
        "must be 3 to 63 lower-case letters, digits and hyphens, begin with a letter, and end with a letter or digit";
}
