//! Builders and a wrapper of the engine that make the tests of the fabric read as sentences.
//!
//! A fabric starts with the virtual network `hub`, unless it is empty; names are in the namespace `prod`.

mod fabric;
mod machines;
mod networks;
mod nics;
mod scale_sets;

use std::net::IpAddr;

pub use super::catalogue::told::{Of, assert_in_the_reference};
use super::common::{Common, Tags};
use super::id::Name;
pub use fabric::*;
pub use machines::*;
pub use networks::*;
pub use nics::*;
pub use scale_sets::*;

pub const NAMESPACE: &str = "prod";

/// The object of this name in the namespace of the tests.
pub fn named(name: &str) -> Name {
    Name::new(NAMESPACE, name)
}

/// An object as its manifest asks for it.
#[derive(Clone, Debug)]
pub struct A<K> {
    pub name: Name,
    location: Option<String>,
    subscription: String,
    tags: Tags,
    size: usize,
    pub common: Common,
    pub ask: K,
}

impl<K> A<K> {
    fn new(name: &str, ask: K) -> Self {
        let (tags, size, common) = (Tags::new(), 0, Common::default());
        Self { name: named(name), location: None, subscription: "default".to_owned(), tags, size, common, ask }
    }

    pub fn in_location(mut self, location: &str) -> Self {
        self.location = Some(location.to_owned());
        self
    }

    pub fn tags<const N: usize>(mut self, names: [&str; N]) -> Self {
        let tags = names.map(|name| (name.to_owned(), "a value <of> any form".to_owned()));
        self.tags = tags.into();
        self.common = Common::new(self.tags.clone(), self.size);
        self
    }

    /// With a spec of so many bytes.
    pub fn bytes(mut self, size: usize) -> Self {
        self.size = size;
        self.common = Common::new(self.tags.clone(), size);
        self
    }

    /// With a name of its own in Azure.
    pub fn called(mut self, azure_name: &str) -> Self {
        self.common = self.common.called(Some(azure_name.into()));
        self
    }

    pub fn of_subscription(mut self, subscription: &str) -> Self {
        self.subscription = subscription.to_owned();
        self
    }
}

fn dns_servers(count: u8) -> Vec<IpAddr> {
    (1..=count).map(|n| [192, 0, 2, n].into()).collect()
}
