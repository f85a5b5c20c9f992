//! From an address to a stream that is logged in.
//!
//! Promise: nothing is said in clear where the address asks for TLS, no password goes out in clear at all but to this very
//! machine, and a password never to a broker that takes none.
//!
//! It deliberately does not know what is read.

use super::super::broker::{Address, Login, Secret};
use super::super::trouble::LinkError;
use super::super::wire::tethered;
use super::Broker;
use super::encode::{SASL, Value, frame};
use super::frame::{Frame, Kind, Odd, Performative};
use super::trouble::OneError;
use super::wire::Wire;
use crate::clock::{self, Pulse};
use crate::net::credentials::{self, Identity};
use crate::net::dial::{Io, is_here, reach, resolve, secure};
use crate::net::trouble::{NetError, shortened};

/// How AMQP 1.0 greets, with the layer for the login and without.
const WITH_LOGIN: [u8; 8] = *b"AMQP\x03\x01\x00\x00";
const WITHOUT: [u8; 8] = *b"AMQP\x00\x01\x00\x00";

/// The longest list of logins that is repeated, in bytes.
const MAX_OFFERED: usize = 120;

/// Connects and logs in. What comes by the line is noted as long as it lasts. Takes no longer than the caller lets it.
pub(super) async fn dial(broker: &Broker, door: &Address, heard: &Pulse) -> Result<Wire, OneError> {
    let sasl = Sasl::of(broker.login.as_ref())?;
    let mut wire = connect(broker, door, heard).await?;
    match log_in(&mut wire, &sasl).await {
        Ok(()) => Ok(wire),
        Err(error) => Err(refusal(broker, door, &wire, error)),
    }
}

/// Finds what is meant by hanging up in the middle of a login.
fn refusal(broker: &Broker, door: &Address, wire: &Wire, error: OneError) -> OneError {
    let OneError::Lost(io) = error else {
        return error;
    };
    if crate::net::trouble::tls_error(&io).is_some() {
        return OneError::Lost(io);
    }
    let is_external = matches!(broker.login, Some(Login::External { .. }));
    let error = match (is_external, door.tls) {
        // With TLS 1.3 a broker sees our certificate after the handshake is over for us.
        (true, _) if wire.has_heard() => LinkError::HungUp(io),
        (false, false) => LinkError::NoGreeting(io),
        _ => NetError::Unreachable(io).into(),
    };
    error.into()
}

async fn connect(broker: &Broker, door: &Address, heard: &Pulse) -> Result<Wire, OneError> {
    let identity = match &broker.login {
        Some(Login::External { certificate, key }) => Some(Identity { certificate, key }),
        Some(Login::Plain { .. }) | None => None,
    };
    if !door.tls && identity.is_some() {
        return Err(LinkError::Unprotected.into());
    }
    let config = match door.tls {
        true => Some(credentials::tls(&broker.trust, identity, clock::now())?),
        false => None,
    };
    let addresses = resolve(&door.host, door.port).await?;
    if config.is_none() && !is_here(&addresses) {
        return Err(LinkError::Unprotected.into());
    }
    let tcp = reach(&addresses, broker.connection_timeout).await?;
    let (wire, tether) = tethered(tcp, heard.clone());
    let Some(config) = config else {
        return Ok(Wire::new(Box::new(wire) as Box<dyn Io>, tether));
    };
    match secure(config, &door.host, wire).await {
        Ok(stream) => Ok(Wire::new(Box::new(stream) as Box<dyn Io>, tether)),
        Err(NetError::Unreachable(error)) if identity.is_some() && tether.has_heard() => {
            Err(LinkError::HungUp(error).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// How we say who we are.
struct Sasl {
    mechanism: &'static str,
    /// Sent with the choice of mechanism. Empty is not the same as nothing: RabbitMQ insists on something.
    words: Secret,
}

impl Sasl {
    /// Takes the password as it is now.
    fn of(login: Option<&Login>) -> Result<Self, OneError> {
        Ok(match login {
            Some(Login::External { .. }) => Self {
                mechanism: "EXTERNAL",
                words: Secret::new(String::new()),
            },
            Some(Login::Plain { user, password }) => Self {
                mechanism: "PLAIN",
                words: Secret::new(format!("\0{user}\0{}", password.now()?.reveal())),
            },
            None => Self {
                mechanism: "ANONYMOUS",
                words: Secret::new(String::new()),
            },
        })
    }
}

async fn log_in(wire: &mut Wire, sasl: &Sasl) -> Result<(), OneError> {
    greet(wire, WITH_LOGIN).await?;
    let frame_of_theirs = next(wire).await?;
    let offer = expect(&frame_of_theirs)?;
    if offer.kind != Kind::Mechanisms {
        return Err(OneError::NotOurs(Odd::Misplaced("what comes before the login")));
    }
    let offered = offered(&offer);
    if !offered.iter().any(|it| it.eq_ignore_ascii_case(sasl.mechanism)) {
        let all = offered.join(", ");
        return Err(OneError::NoSuchLogin {
            wanted: sasl.mechanism,
            offered: shortened(&all, MAX_OFFERED).to_owned(),
        });
    }
    let words = sasl.words.reveal().as_bytes();
    let init = vec![Value::Symbol(sasl.mechanism), Value::Binary(words)];
    wire.say(&frame(SASL, 0, Kind::Init.number(), init));
    // Some ask for an empty word after an empty one. None asks for more than one.
    let mut may_ask = true;
    loop {
        let frame_of_theirs = next(wire).await?;
        let said = expect(&frame_of_theirs)?;
        match said.kind {
            Kind::Outcome => {
                return match said.number(0) {
                    Some(0) => greet(wire, WITHOUT).await,
                    Some(1) => Err(OneError::Login("the broker does not accept who we say we are")),
                    Some(_) | None => Err(OneError::Login("the broker cannot tell who we are now")),
                };
            }
            Kind::Challenge if std::mem::take(&mut may_ask) && sasl.words.reveal().is_empty() => {
                wire.say(&frame(SASL, 0, Kind::Response.number(), vec![Value::Binary(&[])]));
            }
            Kind::Open
            | Kind::Begin
            | Kind::Attach
            | Kind::Flow
            | Kind::Transfer
            | Kind::Disposition
            | Kind::Detach
            | Kind::End
            | Kind::Close
            | Kind::Mechanisms
            | Kind::Init
            | Kind::Challenge
            | Kind::Response => return Err(OneError::NotOurs(Odd::Misplaced("what comes instead of a login"))),
        }
    }
}

/// Greets, and takes care that the other side greets likewise.
async fn greet(wire: &mut Wire, greeting: [u8; 8]) -> Result<(), OneError> {
    wire.say(&greeting);
    let theirs = wire.greeting().await.map_err(OneError::Lost)?;
    if theirs == greeting {
        return Ok(());
    }
    Err(OneError::NotOurs(Odd::Greeting))
}

async fn next(wire: &mut Wire) -> Result<Frame, OneError> {
    loop {
        if let Some(frame) = wire.frame().map_err(OneError::NotOurs)? {
            return Ok(frame);
        }
        wire.hear().await.map_err(OneError::Lost)?;
    }
}

fn expect(frame: &Frame) -> Result<Performative<'_>, OneError> {
    let said = frame.performative().map_err(OneError::NotOurs)?;
    said.filter(|_| frame.kind == SASL)
        .ok_or(OneError::NotOurs(Odd::Misplaced("what comes instead of a login")))
}

/// Returns what logins there are. A single one need not be in an array.
fn offered<'a>(offer: &Performative<'a>) -> Vec<&'a str> {
    use super::super::amqp::Item;
    match offer.at(0) {
        Some(Item::List(all)) => all.filter_map(|it| it.ok()?.text()).collect(),
        Some(it) => it.text().into_iter().collect(),
        None => Vec::new(),
    }
}
