//! What tests are made of: clusters and operators, a namespace for each test, manifests, and the contracts that every state keeps.

pub mod apply;
pub mod canary;
pub mod cluster;
pub mod contract;
pub mod definitions;
pub mod door;
pub mod examples;
pub mod exposition;
pub mod foresight;
pub mod helm;
pub mod history;
pub mod lease;
pub mod leftovers;
pub mod lies;
pub mod manifests;
pub mod operator;
pub mod own_network;
pub mod placement;
pub mod process;
pub mod refusal;
pub mod scale_sets;
pub mod space;
pub mod specs;
pub mod states;
