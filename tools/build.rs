//! Tells the binary which commit it is built from, for `vnet --version`.
//!
//! A development build does not say: it would be built anew with each commit.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=tools/build.rs");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = if is_release { commit() } else { Some("development build".to_owned()) };
    let commit = commit.unwrap_or_else(|| "commit unknown".to_owned());
    println!("cargo::rustc-env=VNET_VERSION={version} ({commit})");
}

/// What the binary is made of.
const SOURCES: [&str; 4] = ["src", "tools/build.rs", "Cargo.toml", "Cargo.lock"];

/// The short name of the commit that is checked out, if this is a checkout and git is there. The sources may have changed
/// since; of other files the binary knows nothing.
fn commit() -> Option<String> {
    println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", "logs/HEAD"])?);
    SOURCES.iter().for_each(|source| println!("cargo::rerun-if-changed={source}"));
    let changes = git(&[&["status", "--porcelain", "--"], &SOURCES[..]].concat())?;
    let mark = if changes.is_empty() { "" } else { ", with changes" };
    Some(format!("commit {}{mark}", git(&["rev-parse", "--short=12", "HEAD"])?))
}

fn git(arguments: &[&str]) -> Option<String> {
    // In a container the sources may belong to another user, and git refuses such a checkout otherwise.
    let trusting = ["-c", "safe.directory=*"];
    let output =
        Command::new("git").args(trusting).args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}
