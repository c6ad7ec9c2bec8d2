//! The public beacon: rounds of a drand chain from any of its relays, each verified before it is believed.

use std::time::Duration;

use goticket_domain::queue::{BeaconChain, BeaconSignature, BeaconTerms};
use goticket_draw::{BeaconKey, verify};
use serde::Deserialize;
use url::Url;

use crate::config::BeaconConfig;

/// One relay's time to answer. Another one is asked then.
const RELAY_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer: a round has a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 4_096;

/// A chain and where to hear of it.
pub struct Beacon {
    http: reqwest::Client,
    relays: Vec<Url>,
    chain: BeaconChain,
    key: BeaconKey,
    margin_s: u32,
}

#[derive(Deserialize)]
struct Answer {
    signature: BeaconSignature,
}

impl Beacon {
    /// Connects to nothing yet.
    pub fn new(config: &BeaconConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(RELAY_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self {
            http,
            relays: config.relays.clone(),
            chain: BeaconChain {
                chain: config.chain.clone(),
                genesis_s: config.genesis_s.get().cast_signed(),
                period_s: config.period_s.get(),
            },
            key: config.public_key,
            margin_s: config.margin_s.get(),
        })
    }

    /// When its rounds come.
    pub fn chain(&self) -> &BeaconChain {
        &self.chain
    }

    /// From the lobby's closing to its round, seconds.
    pub fn margin_s(&self) -> u32 {
        self.margin_s
    }

    /// The round that these terms name; none where no relay has it yet, or none that verifies.
    pub async fn round(&self, terms: &BeaconTerms) -> Option<BeaconSignature> {
        if terms.chain != self.chain {
            tracing::error!(
                announced = terms.chain.chain,
                configured = self.chain.chain,
                "the draw waits for another beacon's round"
            );
            return None;
        }
        for relay in &self.relays {
            match self.ask(relay, terms.round).await {
                Ok(signature) => match verify(&self.key, terms.round, &signature.bytes().unwrap_or_default()) {
                    Ok(()) => return Some(signature),
                    Err(error) => tracing::error!(%relay, round = terms.round, %error, "a relay's round is not the beacon's"),
                },
                Err(error) => tracing::warn!(%relay, round = terms.round, %error, "a relay does not have the beacon's round"),
            }
        }
        None
    }

    async fn ask(&self, relay: &Url, round: u64) -> anyhow::Result<BeaconSignature> {
        let url = format!("{}/{}/public/{round}", relay.as_str().trim_end_matches('/'), self.chain.chain);
        let mut answer = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            anyhow::ensure!(body.len() + chunk.len() <= ANSWER_BYTES_MAX, "its answer is longer than {ANSWER_BYTES_MAX} bytes");
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice::<Answer>(&body)?.signature)
    }
}
