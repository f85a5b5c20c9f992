//! A line to a broker that publishes, for `koji-notify publish`.
//!
//! Promise: what [`Outbox::send`] has returned for, the broker has taken, and by AMQP 0-9-1 it said whether any queue
//! wanted it. What AMQP has no room for is refused here, in words, before anything is sent.
//!
//! It deliberately does not know what a message says. Nothing else of ours publishes.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, ErrorKind};
use tokio::time::timeout;

use super::broker::Broker;
use super::decode::MAX_BODY;
use super::dial::{self, dial};
use super::one::outbox::Unsent;
use super::one::{self, NoRoom};
use super::recorded::{Properties, Recorded};
use super::table::{self, MAX_SHORT, TableError};
use super::trouble::LinkError;
use crate::clock::Pulse;
use crate::watch::Trouble;

/// What the rest of a frame with headers may take, at most: its own frame, and ten other properties.
const BESIDE_HEADERS: usize = 11 * (MAX_SHORT + 1) + 32;

/// A line that publishes to one broker.
pub struct Outbox(Line);

enum Line {
    /// To its exchange.
    ZeroNine(Box<ZeroNine>),
    /// To any address.
    One(Box<one::outbox::Outbox>),
}

/// A line that publishes to the exchange of one broker, by AMQP 0-9-1.
struct ZeroNine {
    line: dial::Line,
    channel: Channel,
    exchange: ShortString,
    host: String,
    limit: Duration,
    /// The most bytes that headers can have: all are in one frame.
    most_headers: usize,
}

/// What the broker has done with a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Taken {
    /// It is in a queue, or in several.
    Queued,
    /// No queue wanted it.
    Unwanted,
}

/// Why a message was not published.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no line.
    #[error("{}: {}", .0.host, .0.detail)]
    Line(Trouble),
    #[error("the line to {host} broke before it was said whether the message was taken")]
    Broken {
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{host} gives the message back: nobody takes it there ({outcome})")]
    GivenBack { host: String, outcome: &'static str },
    #[error("{host} has not asked for a message to {address} within {} s", .limit.as_secs_f32())]
    NoCredit {
        host: String,
        address: String,
        limit: Duration,
    },
    #[error("the message has {size} bytes, more than the {most} that the broker takes there")]
    TooLargeThere { size: usize, most: u64 },
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// In the broker's own words.
    #[error("{host} refuses the message ({said})")]
    Refused { host: String, said: String },
    #[error("{0} could not keep the message")]
    NotTaken(String),
    #[error("{host} has not said within {} s whether it takes the message", .limit.as_secs_f32())]
    Silent { host: String, limit: Duration },
    #[error("the line to {host} broke before it was said whether the message was taken")]
    Lost {
        host: String,
        #[source]
        source: lapin::Error,
    },
    #[error("the body has {0} bytes, more than {MAX_BODY}")]
    TooLarge(usize),
    #[error("the headers have {size} bytes, more than the {most} that the broker takes")]
    LongHeaders { size: usize, most: usize },
    #[error("the {0} has more than {MAX_SHORT} bytes")]
    TooLong(&'static str),
    #[error(transparent)]
    Headers(#[from] TableError),
}

impl Outbox {
    /// Dials, logs in, and asks the broker to confirm each message.
    ///
    /// # Errors
    /// If there is no line.
    pub async fn open(broker: &Broker) -> Result<Self, PostError> {
        Ok(Self(Line::ZeroNine(Box::new(ZeroNine::open(broker).await?))))
    }

    /// Dials and logs in to a broker of AMQP 1.0.
    ///
    /// # Errors
    /// If there is no line.
    pub async fn open_one(broker: &one::Broker) -> Result<Self, PostError> {
        let outbox = one::outbox::Outbox::open(broker).await.map_err(PostError::Line)?;
        Ok(Self(Line::One(Box::new(outbox))))
    }

    /// Publishes a message and waits until the broker has taken it.
    ///
    /// # Errors
    /// If it has not, or did not say. After an error of the broker's, the line is of no use.
    pub async fn send(&mut self, message: &Recorded) -> Result<Taken, PostError> {
        let size = message.body.len();
        if size > MAX_BODY {
            return Err(PostError::TooLarge(size));
        }
        match &mut self.0 {
            Line::ZeroNine(it) => it.send(message).await,
            Line::One(it) => match it.send(message).await {
                Ok(()) => Ok(Taken::Queued),
                Err(unsent) => Err(told(unsent, it, message)),
            },
        }
    }

    /// Waits for something else, and shows meanwhile that we live.
    pub async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        match &mut self.0 {
            // The library does that by itself.
            Line::ZeroNine(_) => work.await,
            Line::One(it) => it.beside(work).await,
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        match self.0 {
            Line::ZeroNine(it) => {
                it.line.close().await;
            }
            Line::One(it) => it.close().await,
        }
    }
}

fn told(unsent: Unsent, outbox: &one::outbox::Outbox, message: &Recorded) -> PostError {
    let host = outbox.host().to_owned();
    let limit = outbox.limit();
    match unsent {
        Unsent::NoRoom(error) => error.into(),
        Unsent::TooLarge { size, most } => PostError::TooLargeThere { size, most },
        Unsent::Refused(said) => PostError::Refused { host, said },
        Unsent::GivenBack(outcome) => PostError::GivenBack { host, outcome },
        Unsent::NoCredit => PostError::NoCredit {
            host,
            address: message.topic.clone(),
            limit,
        },
        Unsent::Silent => PostError::Silent { host, limit },
        Unsent::Lost(source) => PostError::Broken { host, source },
    }
}

impl ZeroNine {
    async fn open(broker: &Broker) -> Result<Self, PostError> {
        let no_line = |error: LinkError| {
            let (problem, detail) = error.trouble();
            PostError::Line(Trouble {
                problem,
                host: broker.address.to_string(),
                detail,
                retry: None,
            })
        };
        let exchange = ShortString::try_new(broker.exchange.as_str());
        let exchange = exchange.map_err(|_| no_line(LinkError::TooLong(broker.exchange.clone())))?;
        let line = dial(broker, &Pulse::default()).await.map_err(no_line)?;
        let limit = broker.connection_timeout;
        let ready = timeout(limit, async {
            let channel = line.connection.create_channel().await.map_err(LinkError::Lost)?;
            let confirmed = channel.confirm_select(ConfirmSelectOptions::default());
            confirmed.await.map_err(LinkError::Lost)?;
            Ok(channel)
        });
        let ready = ready.await.unwrap_or(Err(LinkError::Silent(limit)));
        let channel = match ready {
            Ok(channel) => channel,
            Err(error) => {
                line.close().await;
                return Err(no_line(error));
            }
        };
        let frame = usize::try_from(line.connection.configuration().frame_max()).unwrap_or(usize::MAX);
        Ok(Self {
            line,
            channel,
            exchange,
            host: broker.address.to_string(),
            limit,
            most_headers: frame.saturating_sub(BESIDE_HEADERS),
        })
    }

    async fn send(&self, message: &Recorded) -> Result<Taken, PostError> {
        let topic = short("topic", &message.topic)?;
        let options = BasicPublishOptions {
            mandatory: true,
            immediate: false,
        };
        let properties = self.properties(message)?;
        let confirmed = timeout(self.limit, async {
            let exchange = self.exchange.clone();
            let sent = self
                .channel
                .basic_publish(exchange, topic, options, &message.body, properties);
            sent.await?.await
        });
        let host = self.host.clone();
        match confirmed.await {
            Ok(Ok(Confirmation::Ack(None) | Confirmation::NotRequested)) => Ok(Taken::Queued),
            Ok(Ok(Confirmation::Ack(Some(_)))) => Ok(Taken::Unwanted),
            Ok(Ok(Confirmation::Nack(_))) => Err(PostError::NotTaken(host)),
            Ok(Err(source)) => Err(self.refusal(source)),
            Err(_) => Err(PostError::Silent {
                host,
                limit: self.limit,
            }),
        }
    }

    fn properties(&self, message: &Recorded) -> Result<BasicProperties, PostError> {
        let headers = table::from_json(&message.headers)?;
        let size = table::size(&headers);
        if size > self.most_headers {
            let most = self.most_headers;
            return Err(PostError::LongHeaders { size, most });
        }
        let Properties {
            content_type,
            content_encoding,
            delivery_mode,
            priority,
            correlation_id,
            reply_to,
            expiration,
            timestamp,
            kind,
            app_id,
        } = &message.properties;
        let mut properties = BasicProperties::default().with_headers(headers);
        if let Some(it) = delivery_mode {
            properties = properties.with_delivery_mode(*it);
        }
        if let Some(it) = priority {
            properties = properties.with_priority(*it);
        }
        if let Some(it) = timestamp {
            properties = properties.with_timestamp(*it);
        }
        type With = fn(BasicProperties, ShortString) -> BasicProperties;
        let texts: [(&'static str, &Option<String>, With); 8] = [
            ("content type", content_type, BasicProperties::with_content_type),
            (
                "content encoding",
                content_encoding,
                BasicProperties::with_content_encoding,
            ),
            ("correlation id", correlation_id, BasicProperties::with_correlation_id),
            ("address to reply to", reply_to, BasicProperties::with_reply_to),
            ("expiration", expiration, BasicProperties::with_expiration),
            ("message id", &message.id, BasicProperties::with_message_id),
            ("type", kind, BasicProperties::with_type),
            ("app id", app_id, BasicProperties::with_app_id),
        ];
        for (what, text, with) in texts {
            if let Some(text) = text {
                properties = with(properties, short(what, text)?);
            }
        }
        Ok(properties)
    }

    fn refusal(&self, source: lapin::Error) -> PostError {
        let host = self.host.clone();
        let ErrorKind::ProtocolError(said) = source.kind() else {
            return PostError::Lost { host, source };
        };
        let said = format!("{} {}", said.get_id(), said.get_message());
        PostError::Refused { host, said }
    }
}

fn short(what: &'static str, text: &str) -> Result<ShortString, PostError> {
    ShortString::try_new(text).map_err(|_| PostError::TooLong(what))
}
