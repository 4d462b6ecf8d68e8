//! The rule of addresses that public addresses request from their prefixes (PIP-26).

use std::net::IpAddr;

use super::PublicIPAddress;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::{Pool, PoolId};
use crate::fabric::resource::Case;
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::{Code, Findings, WaitKey};

const PATH: &str = "spec.ipAddress";

/// An address is held by one of the public addresses of its prefix, or reserved for one.
pub(super) fn is_free_and_of_the_prefix(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(address) = case.ask.requested_address else { return };
    let held = case.programmed.and_then(|programmed| programmed.held.address);
    let Some(prefix) = &case.ask.public_ip_prefix else {
        let fact = "An address can be requested from a public prefix only.";
        findings.refuse(Code::InvalidParameter, PATH, fact, "Set publicIPPrefix, or leave ipAddress out.");
        return;
    };
    if case.ask.version == IpVersion::IPv6 {
        let fact = "The addresses of a public prefix are IPv4, and the public address is IPv6.";
        let remedy = "Set publicIPAddressVersion to IPv4, or leave ipAddress out.";
        findings.refuse(Code::InvalidParameter, PATH, fact, remedy);
    } else if let Some(held) = held.filter(|held| *held != address) {
        let fact = format!("The public address is {held}, and keeps it.");
        let remedy = format!("Set ipAddress to {held}, or leave it out; or create another public address.");
        findings.refuse(Code::PropertyChangeNotAllowed, PATH, fact, remedy);
    } else if held.is_none() {
        match case.engine.pool(&PoolId::Prefix(prefix.clone())) {
            Some(pool) => is_free(case, (prefix, pool), address, findings),
            None => super::public_pool_has_room(case.engine, &PoolId::Prefix(prefix.clone()), 1, 0, PATH, findings),
        }
    }
}

fn is_free(case: &Case<'_, PublicIPAddress>, (prefix, pool): (&Name, &Pool), address: IpAddr, findings: &mut Findings) {
    let (this, range) = (ObjectId::new(Kind::PublicIPAddress, case.name.clone()), pool.prefix());
    let of_prefix = ObjectId::new(Kind::PublicIPPrefix, prefix.clone());
    let evidence = WaitKey::Object(of_prefix.clone());
    let choose = format!("Request a free address of {range}, or leave ipAddress out");
    if !range.contains(&address) {
        let fact = format!("{address} is outside {range} of PublicIPPrefix {prefix}.");
        findings.refuse(Code::InvalidParameter, PATH, fact, format!("{choose}.")).cites(evidence);
        return;
    }
    let is_its = |name: &&Name| {
        let public = case.engine.get::<PublicIPAddress>(name);
        public.is_some_and(|public| public.held.address == Some(address))
    };
    if let Some(holder) = case.engine.referrers(&of_prefix, Kind::PublicIPAddress).iter().find(is_its) {
        let holder = ObjectId::new(Kind::PublicIPAddress, holder.clone());
        let (fact, remedy) =
            (format!("{address} is the address of {holder}."), format!("{choose}; or delete {holder}."));
        findings.refuse(Code::PublicIPAddressInUse, PATH, fact, remedy).until_changed(holder).cites(evidence);
    } else if let Some((object, owner)) = case.engine.ledger.holder(&PoolId::Prefix(prefix.clone()), address)
        && *object != this
    {
        let set = owner.scale_set();
        let fact = format!("{address} is reserved for {owner}.");
        let remedy = format!("{choose}; or reduce the instances of {set}.");
        let mut violation = findings.refuse(Code::PublicIPAddressInUse, PATH, fact, remedy);
        violation
            .cites(evidence)
            .until(WaitKey::Capacity(PoolId::Prefix(prefix.clone())))
            .until(WaitKey::Object(object.clone()));
        violation.blocked_by(set);
    }
}
