//! What may stand at an address instead of a broker, or become of one: bytes that are made to harm. Each ends the line with
//! a reason, or is counted, and the source lives on.

use std::sync::Arc;
use std::time::Duration;

use koji_notify::bus::amqp::{Item, one_zero as read};
use koji_notify::bus::one::Broker;
use koji_notify::watch::link::Problem;
use koji_notify::watch::{Event, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::line::{Line, at, build_is_done, build_of};
use crate::amqp::encoder::{Tree, message, one_zero};

const ADDRESS: &str = "queue://a";
const WITH_LOGIN: &[u8] = b"AMQP\x03\x01\x00\x00";
const WITHOUT: &[u8] = b"AMQP\x00\x01\x00\x00";

#[tokio::test]
async fn what_is_no_broker_is_told_so() {
    let greeted = |rest: &[u8]| [WITH_LOGIN, rest].concat();
    let mechanisms = |it: Tree| frame(1, 0, &performative(0x40, &[it]), b"");
    let anonymous = || mechanisms(Tree::Text("ANONYMOUS".to_owned()));
    let strange = "what listens there does not speak AMQP 1.0";
    check_login(
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        strange,
        "what it greets with is not AMQP 1.0",
    )
    .await;
    check_login(
        b"AMQP\x00\x00\x09\x01".to_vec(),
        strange,
        "what it greets with is not AMQP 1.0",
    )
    .await;
    check_login(WITHOUT.to_vec(), strange, "what it greets with is not AMQP 1.0").await;
    check_login(
        greeted(&[0xff; 64]),
        strange,
        "a frame has 4294967295 bytes, more than 65536",
    )
    .await;
    check_login(
        greeted(&[0, 0, 0, 4, 2, 1, 0, 0]),
        strange,
        "a frame has no sound header",
    )
    .await;
    check_login(
        greeted(&[0, 0, 0, 16, 200, 1, 0, 0]),
        strange,
        "a frame has no sound header",
    )
    .await;
    check_login(
        greeted(&frame(1, 0, b"hello, world", b"")),
        strange,
        "a frame says nothing that we know",
    )
    .await;
    check_login(
        greeted(&frame(0, 0, b"", b"")),
        strange,
        "what comes instead of a login is out of place",
    )
    .await;
    check_login(
        greeted(&frame(1, 0, &raw(0x40, 1, &nested(6_000)), b"")),
        strange,
        "a frame cannot be read: it is nested deeper than 64 levels",
    )
    .await;
    check_login(
        greeted(&frame(1, 0, &[&[0; 30_000][..], &[0x40; 30_001]].concat(), b"")),
        strange,
        "a frame says nothing that we know",
    )
    .await;
    let said_twice = [greeted(&anonymous()), anonymous()].concat();
    check_login(said_twice, strange, "what comes instead of a login is out of place").await;
    let challenge = || frame(1, 0, &performative(0x42, &[Tree::Bytes(b"who?".to_vec())]), b"");
    let asked_twice = [greeted(&anonymous()), challenge(), challenge()].concat();
    check_login(asked_twice, strange, "what comes instead of a login is out of place").await;
}

#[tokio::test]
async fn a_login_that_is_refused_is_told_so() {
    let mechanisms = frame(1, 0, &performative(0x40, &[Tree::Text("ANONYMOUS".to_owned())]), b"");
    let outcome = frame(1, 0, &performative(0x44, &[Tree::Unsigned(1)]), b"");
    let trouble = trouble_of([WITH_LOGIN, &mechanisms, &outcome].concat()).await;
    assert_eq!(trouble.problem, Problem::LoginRefused);
    let mechanisms = frame(
        1,
        0,
        &performative(0x40, &[Tree::List(vec![Tree::Text("x".repeat(30_000))])]),
        b"",
    );
    let trouble = trouble_of([WITH_LOGIN, &mechanisms].concat()).await;
    assert_eq!(trouble.problem, Problem::LoginRefused);
    assert!(trouble.detail.len() < 400, "{}", trouble.detail);
}

#[tokio::test]
async fn what_a_live_line_may_not_bring_ends_it() {
    let transfer = |handle, id| frame(0, 7, &transfer_fields(handle, Some(id), false), b"x");
    let nested = frame(0, 7, &raw(0x13, 1, &nested(6_000)), b"");
    let said = Tree::Described(Box::new(Tree::List(vec![
        Tree::Text("amqp:connection:forced".to_owned()),
        Tree::Text("ü".repeat(20_000)),
    ])));
    for (bytes, detail) in [
        (
            vec![0xff; 64],
            "the broker broke the rules: a frame has 4294967295 bytes, more than 65536",
        ),
        (
            nested,
            "the broker broke the rules: a frame cannot be read: it is nested deeper than 64 levels",
        ),
        (transfer(5, 0), "the broker broke the rules: a transfer is out of place"),
        (
            frame(0, 3, &transfer_fields(0, Some(0), false), b"x"),
            "the broker broke the rules: something of another session is out of place",
        ),
        (
            frame(0, 7, &performative(0x11, &[Tree::Unsigned(0)]), b""),
            "the broker broke the rules: a begin is out of place",
        ),
        (
            frame(1, 0, &performative(0x44, &[Tree::Unsigned(0)]), b""),
            "the broker broke the rules: a frame has no sound header",
        ),
        (
            frame(0, 7, &[0, 0x53, 0x14, 0xd0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff], b""),
            "the broker broke the rules: a frame cannot be read: it claims more values than it has bytes",
        ),
        (
            frame(0, 7, &performative(0x18, &[said]), b""),
            "the broker has ended the line: amqp:connection:forced: ",
        ),
    ] {
        let peer = Peer::start(Script::Live(bytes)).await;
        let mut line = Line::start(peer.broker());
        line.up().await;
        let trouble = line.down().await;
        assert_eq!(trouble.problem, Problem::Interrupted, "{trouble:?}");
        assert!(trouble.detail.starts_with(detail), "{trouble:?} instead of {detail}");
        assert!(trouble.detail.len() < 310, "{trouble:?}");
        assert!(trouble.retry.is_some());
        line.stop().await;
    }
}

#[tokio::test]
async fn a_message_that_is_made_to_harm_is_counted_and_what_follows_is_heard() {
    let (properties, body) = build_is_done(3, "alice");
    let good = message(&[(0x74, Tree::of_json(&properties)), (0x77, Tree::Text(body.to_string()))]);
    let annotations = counted(0xd1, 2, &[&[0xa1, 1, b'x'][..], &nested(100_000)].concat());
    let annotated = [&[0, 0x53, 0x72][..], &annotations].concat();
    let valued = [&[0, 0x53, 0x77][..], &nested(100_000)].concat();
    let described = [&[0, 0x53, 0x77][..], &[0; 300_000], &[0x40; 300_001]].concat();
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let json = message(&[(0x74, Tree::of_json(&properties)), (0x77, Tree::Text(deep))]);
    let huge = vec![b'x'; 9 << 20];
    let odd: Vec<Vec<u8>> = vec![annotated, valued, described, json, huge, Vec::new(), b"hello".to_vec()];
    let count = odd.len();
    let bytes = (0..)
        .zip(odd.iter().chain([&good]))
        .flat_map(|(id, it)| transfers(id, it));
    let peer = Peer::start(Script::Live(bytes.collect())).await;
    let mut line = Line::start(peer.broker());
    line.up().await;
    let mut spoiled = 0;
    let news = loop {
        match line.next().await {
            Event::Spoiled(_) => spoiled += 1,
            Event::Heard(news) => break news,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(build_of(&news), 3);
    assert_eq!(spoiled, count);
    line.accept(&news);
    line.stop().await;
}

#[tokio::test]
async fn a_peer_that_hangs_up_anywhere_is_tried_again() {
    let whole = Peer::start(Script::Live(Vec::new())).await;
    let mut line = Line::start(whole.broker());
    line.up().await;
    line.stop().await;
    for (cut, problem) in [(0, Problem::NotABroker), (4, Problem::NotABroker)] {
        let trouble = trouble_of(WITH_LOGIN[..cut].to_vec()).await;
        assert_eq!(trouble.problem, problem, "{trouble:?}");
    }
}

#[tokio::test]
async fn one_that_never_answers_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut broker = at(silent.local_addr().unwrap().port(), &[ADDRESS]);
    broker.connection_timeout = Duration::from_millis(300);
    let mut line = Line::start(broker);
    let trouble = line.down().await;
    assert_eq!(trouble.problem, Problem::Unreachable);
    assert_eq!(trouble.detail, "no answer within 0.3 s");
    line.stop().await;
}

#[tokio::test]
async fn one_that_asks_for_word_after_word_and_reads_none_does_not_make_us_grow() {
    let echo = {
        let mut fields = vec![
            Tree::Unsigned(0),
            Tree::Unsigned(9),
            Tree::Unsigned(0),
            Tree::Unsigned(9),
        ];
        fields.extend([
            Tree::Null,
            Tree::Null,
            Tree::Null,
            Tree::Null,
            Tree::Null,
            Tree::Switch(true),
        ]);
        frame(0, 7, &performative(0x13, &fields), b"")
    };
    let peer = Peer::start(Script::Deaf(echo)).await;
    let mut broker = peer.broker();
    broker.heartbeat = Some(1);
    let mut line = Line::start(broker);
    line.up().await;
    // It is not read while it does not read, and so nothing is heard of it.
    let trouble = line.down().await;
    assert_eq!(trouble.detail, "nothing was heard for 2 s, not even a sign of life");
    line.stop().await;
    let (asked, room) = (peer.asked(), 64 << 20);
    assert!(asked < room, "{asked} bytes were taken");
}

async fn check_login(bytes: Vec<u8>, strange: &str, why: &str) {
    let trouble = trouble_of(bytes).await;
    assert_eq!(trouble.problem, Problem::NotABroker, "{trouble:?}");
    assert_eq!(trouble.detail, format!("{strange}: {why}"));
}

async fn trouble_of(bytes: Vec<u8>) -> koji_notify::watch::Trouble {
    let peer = Peer::start(Script::Raw(bytes)).await;
    let mut line = Line::start(peer.broker());
    assert!(matches!(line.next().await, Event::LinkChanged(_, Link::Connecting)));
    let trouble = line.down().await;
    line.stop().await;
    trouble
}

/// What a peer does with each connection.
enum Script {
    /// Says this at once, reads what comes, and hangs up when it has nothing more to say.
    Raw(Vec<u8>),
    /// Lets us in, attaches, and says this when we ask for messages.
    Live(Vec<u8>),
    /// Lets us in, attaches, then says this again and again and reads nothing.
    Deaf(Vec<u8>),
}

struct Peer {
    port: u16,
    asked: Arc<std::sync::atomic::AtomicUsize>,
    task: JoinHandle<()>,
}

impl Peer {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // Whoever does not like it hangs up, as it should be.
                let _ = play(&script, &mut stream, &count).await;
            }
        });
        Self { port, asked, task }
    }

    fn broker(&self) -> Broker {
        at(self.port, &[ADDRESS])
    }

    /// How many bytes were taken from a deaf one.
    fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn play(script: &Script, stream: &mut TcpStream, count: &std::sync::atomic::AtomicUsize) -> std::io::Result<()> {
    if let Script::Raw(bytes) = script {
        stream.write_all(bytes).await?;
        if bytes.len() >= 8 {
            stream.read_to_end(&mut Vec::new()).await?;
        }
        return Ok(());
    }
    let mut greeting = [0; 8];
    stream.read_exact(&mut greeting).await?;
    stream.write_all(WITH_LOGIN).await?;
    let anonymous = performative(0x40, &[Tree::Text("ANONYMOUS".to_owned())]);
    stream.write_all(&frame(1, 0, &anonymous, b"")).await?;
    next(stream).await?;
    stream
        .write_all(&frame(1, 0, &performative(0x44, &[Tree::Unsigned(0)]), b""))
        .await?;
    stream.read_exact(&mut greeting).await?;
    stream.write_all(WITHOUT).await?;
    loop {
        let asked = next(stream).await?;
        let list = |items: &[Tree]| Tree::Described(Box::new(Tree::List(items.to_vec())));
        match asked.get(2) {
            Some(0x10) => {
                let open = performative(0x10, &[Tree::Text("peer".to_owned())]);
                stream.write_all(&frame(0, 0, &open, b"")).await?;
            }
            Some(0x11) => {
                let begin = [0, 0, 9, 9].map(Tree::Unsigned);
                stream.write_all(&frame(0, 7, &performative(0x11, &begin), b"")).await?;
            }
            Some(0x12) => {
                let (Item::List(mut fields), _) = read(&asked[3..]).unwrap() else {
                    panic!("an attach has fields");
                };
                let name = fields.next().unwrap().unwrap().text().unwrap().to_owned();
                let mut fields = vec![
                    Tree::Text(name),
                    Tree::Unsigned(0),
                    Tree::Switch(false),
                    Tree::Null,
                    Tree::Null,
                ];
                fields.extend([list(&[]), list(&[]), Tree::Null, Tree::Null, Tree::Unsigned(0)]);
                stream
                    .write_all(&frame(0, 7, &performative(0x12, &fields), b""))
                    .await?;
            }
            Some(0x13) => match script {
                Script::Deaf(bytes) => loop {
                    stream.write_all(bytes).await?;
                    count.fetch_add(bytes.len(), std::sync::atomic::Ordering::SeqCst);
                },
                Script::Raw(bytes) | Script::Live(bytes) => stream.write_all(bytes).await?,
            },
            _ => {}
        }
    }
}

/// Reads the body of a frame.
async fn next(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut rest = vec![0; length as usize - 4];
    stream.read_exact(&mut rest).await?;
    Ok(rest.split_off(4))
}

fn frame(kind: u8, channel: u8, body: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + body.len() + payload.len()).unwrap();
    [&length.to_be_bytes()[..], &[2, kind, 0, channel], body, payload].concat()
}

fn performative(code: u8, fields: &[Tree]) -> Vec<u8> {
    [&[0, 0x53, code][..], &one_zero(&Tree::List(fields.to_vec()), false)].concat()
}

fn transfer_fields(handle: u64, id: Option<u64>, more: bool) -> Vec<u8> {
    let fields = [
        Tree::Unsigned(handle),
        id.map_or(Tree::Null, Tree::Unsigned),
        Tree::Bytes(b"tag".to_vec()),
        Tree::Unsigned(0),
        Tree::Switch(false),
        Tree::Switch(more),
    ];
    performative(0x14, &fields)
}

/// A message in as many frames as it takes.
fn transfers(id: u64, content: &[u8]) -> Vec<u8> {
    let chunks: Vec<&[u8]> = if content.is_empty() {
        vec![b""]
    } else {
        content.chunks(60_000).collect()
    };
    let last = chunks.len() - 1;
    let frames = chunks.iter().enumerate().map(|(place, chunk)| {
        let id = (place == 0).then_some(id);
        frame(0, 7, &transfer_fields(0, id, place < last), chunk)
    });
    frames.collect::<Vec<_>>().concat()
}

/// A performative whose fields are written already.
fn raw(code: u8, count: u32, fields: &[u8]) -> Vec<u8> {
    [&[0, 0x53, code][..], &counted(0xd0, count, fields)].concat()
}

fn counted(code: u8, count: u32, items: &[u8]) -> Vec<u8> {
    let size = u32::try_from(items.len() + 4).unwrap().to_be_bytes();
    [&[code][..], &size, &count.to_be_bytes(), items].concat()
}

/// A list in a list in a list, so deep that a value of ours would not be let go of without harm.
fn nested(depth: u32) -> Vec<u8> {
    let heads = (0..depth).rev().flat_map(|within| {
        let [a, b, c, d] = (within * 9 + 5).to_be_bytes();
        [0xd0, a, b, c, d, 0, 0, 0, 1]
    });
    heads.chain([0x45]).collect()
}
