//! The limit: acknowledged publishes with nothing around them.

use std::time::Duration;

use anyhow::ensure;
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::{Client, HeaderMap, jetstream};
use bytes::Bytes;
use theazo_commands::IdSource;

use super::stores::Stores;
use crate::http::{Job, Load, drive};

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As few bytes of protocol as can be, always to the same subject.
    Plain,
    /// To a subject of its own, with an id and an expected revision: what the log asks of the
    /// server for every commit.
    Guarded,
}

/// A JetStream stream beside the log's, on the same servers.
pub struct Raw {
    client: Client,
    size: usize,
}

struct Publish {
    client: Client,
    shape: Shape,
    body: Bytes,
}

impl Raw {
    /// `size`: bytes of a message.
    pub async fn new(stores: &Stores, size: usize) -> anyhow::Result<Self> {
        let client = async_nats::connect(stores.log().split(',').collect::<Vec<_>>()).await?;
        let config = Config {
            name: "RAW".to_owned(),
            subjects: vec!["raw.>".to_owned()],
            storage: StorageType::File,
            num_replicas: stores.replicas(),
            ..Config::default()
        };
        jetstream::new(client.clone()).create_stream(config).await?;
        Ok(Self { client, size })
    }

    pub async fn load(
        &self,
        shape: Shape,
        in_flight: usize,
        time: Duration,
    ) -> anyhow::Result<Load> {
        let body = Bytes::from(vec![b'x'; self.size]);
        let publish = || Publish { client: self.client.clone(), shape, body: body.clone() };
        Ok(drive((0..in_flight).map(|_| publish()).collect(), time).await?.0)
    }
}

impl Job for Publish {
    async fn once(&mut self) -> anyhow::Result<()> {
        let answer = match self.shape {
            Shape::Plain => self.client.request("raw.all", self.body.clone()).await?,
            Shape::Guarded => {
                let id = IdSource::new().uuid("raw");
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", id.to_string());
                headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
                let subject = format!("raw.org.live.session.{id}");
                self.client.request_with_headers(subject, headers, self.body.clone()).await?
            }
        };
        ensure!(answer.payload.starts_with(b"{\"stream\""), "refused: {:?}", answer.payload);
        Ok(())
    }
}

/// Bytes of the log's last message, with its headers.
pub async fn message_size(stores: &Stores) -> anyhow::Result<usize> {
    let client = async_nats::connect(stores.log().split(',').collect::<Vec<_>>()).await?;
    let mut stream = jetstream::new(client).get_stream("THEAZO_LOG").await?;
    let last = stream.info().await?.state.last_sequence;
    let message = stream.get_raw_message(last).await?;
    let headers = message.headers.iter().map(|(name, values)| {
        values.iter().map(|value| name.to_string().len() + value.as_str().len() + 4).sum::<usize>()
    });
    Ok(message.payload.len() + headers.sum::<usize>() + "NATS/1.0\r\n\r\n".len())
}
