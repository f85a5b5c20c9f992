//! What a broker says, frame by frame, and what is answered.

use proptest::prelude::*;

use super::super::frame::split;
use super::super::opening::{SOURCE, TARGET};
use super::*;

#[test]
fn what_never_ends_is_not_kept() {
    let (mut talk, _) = subscribed(4);
    let chunk = vec![b'x'; 60_000];
    let mut sent = 0_usize;
    let measured = allocation_counter::measure(|| {
        while sent < 300 << 20 {
            let told = talk.take(&transfer(Some(0), true, &chunk)).unwrap();
            assert!(told.is_none());
            sent += chunk.len();
            // Nothing but now and then a new window.
            assert!(talk.take_out().len() < 200);
        }
    });
    // Growing, a message may be there twice.
    assert!(measured.bytes_max < 3 * MAX_ASSEMBLED as u64, "{measured:?}");
    let told = talk.take(&transfer(None, false, b"end")).unwrap();
    let Some(Told::Delivered(arrived)) = told else {
        panic!("{told:?}");
    };
    assert_eq!(arrived.content, Err(sent + 3));
    talk.done(arrived.tag);
    let said = said(&mut talk);
    assert_eq!(said, [Kind::Disposition, Kind::Flow]);
}

#[test]
fn several_that_never_end_are_bounded_together() {
    let addresses: Vec<String> = (0..16).map(|it| format!("queue://{it}")).collect();
    let (mut talk, _) = subscribed_to(&addresses, 16);
    let chunk = vec![b'x'; 60_000];
    let measured = allocation_counter::measure(|| {
        for turn in 0..100 {
            for handle in 0..16 {
                let id = (turn == 0).then_some(handle);
                talk.take(&transfer_by(handle, id, true, &chunk)).unwrap();
            }
        }
    });
    assert!(measured.bytes_max < 4 * MAX_ASSEMBLED as u64, "{measured:?}");
}

#[test]
fn more_than_was_asked_for_ends_the_line() {
    let (mut talk, _) = subscribed(4);
    for id in 0..16 + MARGIN {
        assert!(talk.take(&transfer(Some(id), false, b"x")).unwrap().is_some());
    }
    let error = talk.take(&transfer(Some(2000), false, b"x")).unwrap_err();
    assert!(matches!(error, OneError::Odd(Odd::Unasked)), "{error:?}");
}

#[test]
fn only_a_topic_or_a_copy_takes_nothing_from_anybody() {
    let taken = |address: &str, product: &str, mode: Option<&'static str>| {
        let addresses = [address.to_owned()];
        let mut talk = Talk::open(&Wish {
            as_copies: true,
            ..wish(&addresses, 4)
        });
        assert_eq!(said(&mut talk), [Kind::Open]);
        let properties = Value::Map(vec![(Value::Symbol("product"), Value::Text(product))]);
        let mut open = vec![Value::Text("broker")];
        open.extend((0..8).map(|_| Value::Null));
        open.push(properties);
        talk.take(&parsed(frame(AMQP, 0, 0x10, open), b""))?;
        let mut out = talk.take_out();
        let attach = std::iter::from_fn(|| split(&mut out).unwrap()).last().unwrap();
        let attach = attach.performative().unwrap().unwrap();
        let Some(Item::List(source)) = attach.at(5) else {
            panic!("{attach:?}");
        };
        let asked = field(source, 6).and_then(Item::text).map(str::to_owned);
        let begin = vec![Value::Ushort(0), Value::Uint(0), Value::Uint(9), Value::Uint(9)];
        talk.take(&parsed(frame(AMQP, 7, 0x11, begin), b"")).unwrap();
        let mut source: Vec<Value<'_>> = (0..6).map(|_| Value::Null).collect();
        source.push(mode.map_or(Value::Null, Value::Symbol));
        let fields = vec![
            Value::Text("me/0"),
            Value::Uint(0),
            Value::Switch(false),
            Value::Null,
            Value::Null,
            Value::Composite(SOURCE, source),
        ];
        talk.take(&parsed(frame(AMQP, 7, 0x12, fields), b"")).unwrap();
        Ok((asked, talk.taken_from().map(str::to_owned)))
    };
    let rabbit = taken("topic://a.>", "RabbitMQ", None);
    assert!(matches!(rabbit, Err(OneError::Rabbit)), "{rabbit:?}");
    let taken = |address, product, mode| taken(address, product, mode).unwrap();
    let copy = || Some("copy".to_owned());
    let queue = || Some("queue://a".to_owned());
    assert_eq!(taken("topic://a.>", "ActiveMQ", None), (None, None));
    assert_eq!(taken("queue://a", "ActiveMQ", Some("copy")), (copy(), None));
    assert_eq!(taken("queue://a", "ActiveMQ", Some("move")), (copy(), queue()));
    assert_eq!(taken("queue://a", "ActiveMQ", None), (copy(), queue()));
    // A name alone may be a queue.
    assert_eq!(taken("a", "qpid-cpp", None), (copy(), Some("a".to_owned())));
    assert_eq!(taken("a", "qpid-cpp", Some("copy")), (copy(), None));
}

#[test]
fn credit_is_renewed_with_what_is_accepted() {
    let (mut talk, _) = subscribed(8);
    let tags: Vec<u64> = (0..8)
        .map(|id| delivered(&mut talk, &transfer(Some(id), false, b"x")))
        .collect();
    talk.done(tags[3]);
    assert_eq!(said(&mut talk), []);
    talk.done(tags[4]);
    assert_eq!(said(&mut talk), [Kind::Disposition, Kind::Flow]);
    // A third is not worth a frame, until the broker has used up what it was given.
    talk.done(tags[0]);
    talk.settle();
    assert_eq!(said(&mut talk), [Kind::Disposition]);
    delivered(&mut talk, &transfer(Some(8), false, b"x"));
    assert_eq!(said(&mut talk), []);
    delivered(&mut talk, &transfer(Some(9), false, b"x"));
    assert_eq!(said(&mut talk), [Kind::Flow]);
    delivered(&mut talk, &transfer(Some(10), false, b"x"));
    assert_eq!(said(&mut talk), []);
}

#[test]
fn what_is_given_up_makes_room() {
    let (mut talk, _) = subscribed(1);
    for id in 0..5 {
        assert!(talk.take(&transfer(Some(id), true, b"x")).unwrap().is_none());
        let mut fields = transfer_fields(0, None, false);
        fields.extend([Value::Null, Value::Null, Value::Null, Value::Switch(true)]);
        assert!(talk.take(&parsed(frame(AMQP, 7, 0x14, fields), b"")).unwrap().is_none());
        assert_eq!(said(&mut talk), [Kind::Flow]);
    }
}

#[test]
fn a_question_is_answered_by_a_session_that_is_ended_again() {
    let (mut talk, _) = subscribed(1);
    assert!(talk.can_ask());
    talk.ask();
    talk.ask();
    assert_eq!(said(&mut talk), [Kind::Begin]);
    let begin = || parsed(frame(AMQP, 9, 0x11, vec![Value::Ushort(1)]), b"");
    let end = || parsed(frame(AMQP, 9, 0x17, Vec::new()), b"");
    assert!(matches!(talk.take(&begin()).unwrap(), Some(Told::Answered)));
    assert_eq!(said(&mut talk), [Kind::End]);
    talk.ask();
    assert_eq!(said(&mut talk), []);
    assert!(talk.take(&end()).unwrap().is_none());
    assert_eq!(said(&mut talk), [Kind::Begin]);
    assert!(matches!(talk.take(&begin()).unwrap(), Some(Told::Answered)));
}

proptest! {
    #[test]
    fn no_frame_does_harm(
        kind in prop_oneof![Just(AMQP), 0..3_u8],
        channel in 6..9_u8,
        codes in prop::collection::vec((0x0f..0x1a_u8, prop::collection::vec(octet(), 0..80)), 1..12),
    ) {
        let (mut talk, _) = subscribed(4);
        for (code, fields) in codes {
            let mut bytes = vec![0, 0, 0, 0, 2, kind, 0, channel, 0, 0x53, code];
            bytes.extend(&fields);
            bytes[3] = u8::try_from(bytes.len()).unwrap();
            let frame = split(&mut bytes).unwrap().unwrap();
            if talk.take(&frame).is_err() {
                break;
            }
            prop_assert!(talk.take_out().len() < 500);
        }
    }

    #[test]
    fn no_change_of_what_a_broker_says_does_harm(place in 0..400_usize, octet in octet()) {
        let mut said = Vec::new();
        said.extend(frame(AMQP, 0, 0x10, vec![Value::Text("broker")]));
        said.extend(frame(AMQP, 7, 0x11, vec![Value::Ushort(0), Value::Uint(0), Value::Uint(9), Value::Uint(9)]));
        said.extend(attached(0, "me/0"));
        said.extend(with_payload(frame(AMQP, 7, 0x14, transfer_fields(0, Some(0), false)), b"payload"));
        said.extend(frame(AMQP, 7, 0x16, vec![Value::Uint(0), Value::Switch(true)]));
        let length = said.len();
        said[place % length] = octet;
        let mut talk = Talk::open(&wish(&["queue://a".to_owned()], 4));
        while let Ok(Some(frame)) = split(&mut said) {
            match talk.take(&frame) {
                Ok(Some(Told::Subscribed)) => talk.start(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

fn octet() -> impl Strategy<Value = u8> {
    prop_oneof![
        any::<u8>(),
        0x40..0x46_u8,
        0x52..0x54_u8,
        0xa0..0xb4_u8,
        0xc0..0xd2_u8,
        0..8_u8
    ]
}

fn wish(addresses: &[String], prefetch: u16) -> Wish<'_> {
    Wish {
        container: "me",
        host: "localhost",
        addresses,
        selector: None,
        as_copies: false,
        prefetch,
        heartbeat: Duration::ZERO,
    }
}

fn subscribed(prefetch: u16) -> (Talk, Option<Told>) {
    subscribed_to(&["queue://a".to_owned()], prefetch)
}

fn subscribed_to(addresses: &[String], prefetch: u16) -> (Talk, Option<Told>) {
    let mut talk = Talk::open(&wish(addresses, prefetch));
    talk.take(&parsed(frame(AMQP, 0, 0x10, vec![Value::Text("broker")]), b""))
        .unwrap();
    let begin = vec![Value::Ushort(0), Value::Uint(0), Value::Uint(9), Value::Uint(9)];
    talk.take(&parsed(frame(AMQP, 7, 0x11, begin), b"")).unwrap();
    let mut told = None;
    for place in 0..u32::try_from(addresses.len()).unwrap() {
        told = talk
            .take(&parsed(attached(place, &format!("me/{place}")), b""))
            .unwrap();
    }
    assert!(matches!(told, Some(Told::Subscribed)));
    talk.start();
    talk.take_out();
    (talk, told)
}

fn attached(handle: u32, name: &str) -> Vec<u8> {
    let fields = vec![
        Value::Text(name),
        Value::Uint(handle),
        Value::Switch(false),
        Value::Null,
        Value::Null,
        Value::Composite(SOURCE, Vec::new()),
        Value::Composite(TARGET, Vec::new()),
        Value::Null,
        Value::Null,
        Value::Uint(0),
    ];
    frame(AMQP, 7, 0x12, fields)
}

fn transfer_fields<'a>(handle: u32, id: Option<u32>, more: bool) -> Vec<Value<'a>> {
    vec![
        Value::Uint(handle),
        id.map_or(Value::Null, Value::Uint),
        Value::Binary(b"tag"),
        Value::Uint(0),
        Value::Switch(false),
        Value::Switch(more),
    ]
}

fn transfer(id: Option<u32>, more: bool, payload: &[u8]) -> Frame {
    transfer_by(0, id, more, payload)
}

fn transfer_by(handle: u32, id: Option<u32>, more: bool, payload: &[u8]) -> Frame {
    parsed(frame(AMQP, 7, 0x14, transfer_fields(handle, id, more)), payload)
}

fn with_payload(mut bytes: Vec<u8>, payload: &[u8]) -> Vec<u8> {
    bytes.extend(payload);
    let size = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    bytes[..4].copy_from_slice(&size);
    bytes
}

fn parsed(bytes: Vec<u8>, payload: &[u8]) -> Frame {
    split(&mut with_payload(bytes, payload)).unwrap().unwrap()
}

fn delivered(talk: &mut Talk, frame: &Frame) -> u64 {
    match talk.take(frame).unwrap() {
        Some(Told::Delivered(it)) => it.tag,
        other => panic!("{other:?}"),
    }
}

fn said(talk: &mut Talk) -> Vec<Kind> {
    let mut out = talk.take_out();
    let frames = std::iter::from_fn(|| split(&mut out).unwrap());
    frames.map(|it| it.performative().unwrap().unwrap().kind).collect()
}
