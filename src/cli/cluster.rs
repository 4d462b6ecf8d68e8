//! The cluster of the current context, or the one that this runs in: where it is, and what to do if it is not there.

use anyhow::{Context, anyhow};
use kube::config::Config;
use kube::{Client, Error};
use vnet_operator::operator::failures::in_words;
use vnet_operator::operator::timeouts::{self, Timeouts};

const NO_CLUSTER: &str = "no cluster: set KUBECONFIG to a kubeconfig that has a current context (`kubectl config get-contexts` \
                          lists them; in the folder of vnet-operator `make up` starts a local control plane and prints the \
                          line), or run inside a cluster";

/// An API server.
#[derive(Clone)]
pub struct ApiServer {
    /// What speaks with it.
    pub client: Client,
    address: String,
}

impl ApiServer {
    /// Where the configuration says that it is; nothing is asked of it yet.
    pub async fn configured() -> anyhow::Result<Self> {
        Self::of(Self::config().await?)
    }

    /// The same, for who retries by itself: of what is refused for now, and tried again by the client, it would learn nothing.
    /// Twice: neither waits for a connection of the other.
    pub async fn two_without_retries() -> anyhow::Result<(Self, Self)> {
        let mut config = Self::config().await?;
        config.default_retry = false;
        Ok((Self::of(config.clone())?, Self::of(config)?))
    }

    async fn config() -> anyhow::Result<Config> {
        // Its sources are in its text.
        Config::infer().await.map_err(|error| anyhow!("{error}")).context(NO_CLUSTER)
    }

    fn of(config: Config) -> anyhow::Result<Self> {
        let address = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = Client::try_from(config).with_context(|| format!("no client for the cluster at {address}"))?;
        Ok(Self { client, address })
    }

    /// The same, with time limits.
    pub fn limited(self, timeouts: Timeouts) -> Self {
        Self { client: timeouts::limited(&self.client, timeouts, || {}), ..self }
    }

    /// Sees that it answers, whatever it says.
    pub async fn answers(&self) -> anyhow::Result<()> {
        match self.client.apiserver_version().await {
            Ok(_) | Err(Error::Api(_)) => Ok(()),
            Err(error) => Err(self.is_silent(error)),
        }
    }

    fn is_silent(&self, error: Error) -> anyhow::Error {
        let what = format!(
            "the API server does not answer at {}; see that it is up, that the kubeconfig has its certificate \
             authority, and that `kubectl config current-context` is the context that is meant (in the folder of vnet-operator `make up` starts a local control plane)",
            self.address
        );
        anyhow!(in_words(&error)).context(what)
    }
}

/// Why a request failed, in the words of the API server.
pub fn failed(what: impl Into<String>, error: Error) -> anyhow::Error {
    match error {
        Error::Api(status) => anyhow!(status.message).context(what.into()),
        other => anyhow::Error::new(other).context(what.into()),
    }
}

/// The client of an API server that answers.
pub async fn connect() -> anyhow::Result<Client> {
    let server = ApiServer::configured().await?;
    server.answers().await?;
    Ok(server.client)
}
