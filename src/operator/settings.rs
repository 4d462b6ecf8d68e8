//! The settings of the operator, where others can read them: a ConfigMap in the operator's namespace.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, Error};
use tokio::time::timeout;

use super::core::pool::OutsidePool;
use super::failures::in_words;
use crate::fabric::Settings;
use crate::fabric::engine::DynamicAddresses;
use crate::fabric::quota::Quotas;

/// The name of the ConfigMap.
pub const CONFIG_MAP: &str = "vnet-settings";
/// The default namespace of the operator.
pub const NAMESPACE: &str = "vnet-system";
/// The settings, by the names of the flags.
pub const DEFAULT_LOCATION: &str = "default-location";
/// See [`DEFAULT_LOCATION`].
pub const PUBLIC_IP_POOL: &str = "public-ip-pool";
/// See [`DEFAULT_LOCATION`].
pub const REASSIGN_DYNAMIC_ADDRESSES: &str = "reassign-dynamic-addresses";
/// See [`DEFAULT_LOCATION`].
pub const ENFORCE_QUOTAS: &str = "enforce-quotas";
/// See [`DEFAULT_LOCATION`].
pub const VM_START: &str = "vm-start";

/// The client retries by itself for minutes; a start must not wait for that.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the ConfigMap holds.
pub type Published = BTreeMap<String, String>;

/// Settings as the ConfigMap holds them.
pub fn written(settings: &Settings) -> Published {
    let Settings { default_location, public_ip_pool, vm_start, dynamic_addresses, quotas } = settings;
    let reassigns = matches!(dynamic_addresses, DynamicAddresses::Reassigned);
    let enforces = matches!(quotas, Quotas::Enforced);
    let all = [
        (DEFAULT_LOCATION, default_location.to_string()),
        (PUBLIC_IP_POOL, public_ip_pool.to_string()),
        (REASSIGN_DYNAMIC_ADDRESSES, reassigns.to_string()),
        (ENFORCE_QUOTAS, enforces.to_string()),
        (VM_START, humantime::format_duration(*vm_start).to_string()),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The settings that an operator has published; none if there is no such ConfigMap.
///
/// # Errors
/// Why the API server does not say.
pub async fn read(client: &Client, namespace: &str) -> Result<Option<Published>, String> {
    Ok(stored(client, namespace).await?.map(|map| map.data.unwrap_or_default()))
}

/// Publishes the settings, unless that is what stands there. It is tried once; what fails is logged.
pub async fn publish(client: Client, namespace: String, settings: Published) {
    let published = match stored(&client, &namespace).await {
        Ok(Some(map)) if map.data.as_ref() == Some(&settings) => return,
        Ok(stored) => write(&client, &namespace, stored, settings).await,
        Err(error) => Err(error),
    };
    match published {
        Ok(()) => tracing::info!(namespace, "settings published in ConfigMap {CONFIG_MAP}"),
        Err(error) => tracing::warn!(
            namespace,
            error,
            "settings not published in ConfigMap {CONFIG_MAP}; `vnet plan` needs the flags of this operator"
        ),
    }
}

async fn stored(client: &Client, namespace: &str) -> Result<Option<ConfigMap>, String> {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    in_time(maps.get_opt(CONFIG_MAP)).await
}

async fn write(client: &Client, namespace: &str, stored: Option<ConfigMap>, data: Published) -> Result<(), String> {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    let is_new = stored.is_none();
    let mut map = stored.unwrap_or_else(|| ConfigMap {
        metadata: ObjectMeta { name: Some(CONFIG_MAP.to_owned()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    });
    map.data = Some(data);
    let parameters = PostParams::default();
    match is_new {
        true => in_time(maps.create(&parameters, &map)).await.map(drop),
        false => in_time(maps.replace(CONFIG_MAP, &parameters, &map)).await.map(drop),
    }
}

async fn in_time<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match timeout(TIMEOUT, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(in_words(&error)),
        Err(_) => Err(format!("no answer within {TIMEOUT:?}")),
    }
}

/// The operator does not start, since it would give static public addresses others.
#[derive(Debug, thiserror::Error)]
#[error(
    "{outside}. They would get other addresses, so the operator does not start. Start it with the former --public-ip-pool{former}, or \
     delete these objects while an operator with that pool runs, and change the pool then"
)]
pub struct StartRefused {
    outside: OutsidePool,
    former: String,
}

/// Fails if the pool is another than that of the operator that ran before. Where it is the same, what is outside of it was
/// never this fabric's: a user has edited a status.
pub async fn is_no_other_pool(
    client: &Client,
    namespace: &str,
    settings: &Published,
    outside: OutsidePool,
) -> Result<(), StartRefused> {
    let former = read(client, namespace).await.ok().flatten().and_then(|former| former.get(PUBLIC_IP_POOL).cloned());
    if former.is_some() && former.as_ref() == settings.get(PUBLIC_IP_POOL) {
        return Ok(());
    }
    let former = former.map(|pool| format!(" ({pool}, as ConfigMap {namespace}/{CONFIG_MAP} has it)"));
    Err(StartRefused { outside, former: former.unwrap_or_default() })
}
