//! `vnet rules`: describes rules by their ids.

use std::ffi::OsStr;
use std::io::Write;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};
use vnet_operator::fabric::catalogue;

pub const EXAMPLES: &str = "\
Examples:
  vnet rules ADDR-08                              one, as a refusal names it
  vnet rules NIC-03 ADDR-08                       several
  vnet rules >rules.md                            the whole reference";

/// Takes any text, for a good error message; shells complete the ids.
#[derive(Clone)]
pub struct RuleId;

impl TypedValueParser for RuleId {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(catalogue::ids().into_iter().map(PossibleValue::new)))
    }
}

/// Prints the rules that are asked for, or all.
pub fn print(ids: &[String]) -> anyhow::Result<()> {
    if ids.is_empty() {
        return Ok(std::io::stdout().write_all(catalogue::markdown().as_bytes())?);
    }
    for id in ids {
        let told = catalogue::lookup(id);
        anyhow::ensure!(!told.is_empty(), "there is no rule {id:?}; `vnet rules` lists all");
        for rule in told {
            writeln!(std::io::stdout(), "{rule}")?;
        }
    }
    Ok(())
}
