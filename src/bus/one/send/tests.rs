//! What a broker says, frame by frame, and what is sent.

use proptest::prelude::*;

use super::super::frame::split;
use super::super::opening::{SOURCE, TARGET};
use super::*;

#[test]
fn nothing_is_sent_without_leave() {
    let mut sending = attached(512, 100);
    sending.send(vec![b'x'; 100]);
    assert_eq!(said(&mut sending), []);
    assert!(sending.is_kept_waiting());
    // One message, and no room in the session yet.
    told(&mut sending, 0x13, flow(0, 0, 0, 1));
    assert_eq!(said(&mut sending), []);
    told(&mut sending, 0x13, flow(0, 9, 0, 1));
    assert_eq!(said(&mut sending), [(Kind::Transfer, 100, false)]);
    assert!(!sending.is_kept_waiting());
    assert_eq!(disposed(&mut sending, 0, ACCEPTED), Some(Told::Done(Outcome::Accepted)));
    // The leave is used up.
    sending.send(b"y".to_vec());
    assert_eq!(said(&mut sending), []);
    told(&mut sending, 0x13, flow(1, 9, 1, 1));
    assert_eq!(said(&mut sending), [(Kind::Transfer, 1, false)]);
    assert_eq!(disposed(&mut sending, 0, ACCEPTED), None);
    assert_eq!(disposed(&mut sending, 1, RELEASED), Some(Told::Done(Outcome::Released)));
}

#[test]
fn a_large_message_goes_in_frames_as_the_broker_takes_them() {
    let mut sending = attached(512, 3);
    told(&mut sending, 0x13, flow(0, 3, 0, 5));
    sending.send(vec![b'x'; 2000]);
    let first = said(&mut sending);
    let sent: usize = first.iter().map(|(_, size, _)| size).sum();
    assert_eq!((first.len(), first.iter().all(|(_, _, more)| *more)), (3, true));
    told(&mut sending, 0x13, flow(3, 2, 0, 5));
    let second = said(&mut sending);
    assert_eq!(second.last().map(|(_, _, more)| *more), Some(false));
    let rest: usize = second.iter().map(|(_, size, _)| size).sum();
    assert_eq!(sent + rest, 2000);
}

#[test]
fn what_is_rejected_says_why_and_an_address_that_is_refused_too() {
    let mut sending = attached(512, 9);
    told(&mut sending, 0x13, flow(0, 9, 0, 1));
    sending.send(b"x".to_vec());
    let error = Value::Composite(0x1d, vec![Value::Symbol("amqp:not-allowed"), Value::Text("no")]);
    let state = Value::Composite(0x25, vec![error]);
    let outcome = take(&mut sending, 0x15, disposition(0, false, state)).unwrap();
    let expected = Said {
        condition: "amqp:not-allowed".to_owned(),
        description: "no".to_owned(),
    };
    assert_eq!(outcome, Some(Told::Done(Outcome::Rejected(expected))));
    // It was not settled there, so it is here.
    let out = said(&mut sending);
    assert_eq!(out.last().map(|it| it.0), Some(Kind::Disposition));

    let mut sending = opened(512, 9);
    sending.attach("queue://a");
    told(
        &mut sending,
        0x12,
        vec![Value::Text("me/1"), Value::Uint(3), Value::Switch(true)],
    );
    let error = Value::Composite(0x1d, vec![Value::Symbol("amqp:not-found")]);
    let detach = vec![Value::Uint(3), Value::Switch(true), error];
    let error = take(&mut sending, 0x16, detach).unwrap_err();
    assert!(
        matches!(&error, OneError::Refused { address, said } if address == "queue://a" && said.condition == "amqp:not-found"),
        "{error:?}"
    );
}

proptest! {
    #[test]
    fn no_change_of_what_a_broker_says_does_harm(place in 0..400_usize, octet in any::<u8>()) {
        let mut from = Vec::new();
        from.extend(frame(AMQP, 0, 0x10, vec![Value::Text("broker")]));
        from.extend(frame(AMQP, 7, 0x11, vec![Value::Ushort(0), Value::Uint(0), Value::Uint(9), Value::Uint(9)]));
        from.extend(frame(AMQP, 7, 0x12, attach()));
        from.extend(frame(AMQP, 7, 0x13, flow(0, 9, 0, 5)));
        from.extend(frame(AMQP, 7, 0x15, disposition(0, true, Value::Composite(0x24, Vec::new()))));
        let length = from.len();
        from[place % length] = octet;
        let mut sending = Sending::open("me", "localhost", Duration::ZERO);
        while let Ok(Some(frame)) = split(&mut from) {
            match sending.take(&frame) {
                Ok(Some(Told::Open)) => sending.attach("queue://a"),
                Ok(Some(Told::Attached)) => sending.send(vec![b'x'; 2000]),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

fn opened(frame_size: u32, window: u32) -> Sending {
    let mut sending = Sending::open("me", "localhost", Duration::ZERO);
    let open = vec![Value::Text("broker"), Value::Null, Value::Uint(frame_size)];
    sending.take(&parsed(frame(AMQP, 0, 0x10, open))).unwrap();
    let begin = vec![Value::Ushort(0), Value::Uint(0), Value::Uint(window), Value::Uint(9)];
    assert_eq!(take(&mut sending, 0x11, begin).unwrap(), Some(Told::Open));
    sending
}

fn attached(frame_size: u32, window: u32) -> Sending {
    let mut sending = opened(frame_size, window);
    sending.attach("queue://a");
    assert_eq!(take(&mut sending, 0x12, attach()).unwrap(), Some(Told::Attached));
    sending.take_out();
    sending
}

fn attach<'a>() -> Vec<Value<'a>> {
    vec![
        Value::Text("me/1"),
        Value::Uint(3),
        Value::Switch(true),
        Value::Null,
        Value::Null,
        Value::Composite(SOURCE, Vec::new()),
        Value::Composite(TARGET, Vec::new()),
    ]
}

/// What the broker has had of the session and what room it has, and the same of the link.
fn flow<'a>(next: u32, window: u32, count: u32, credit: u32) -> Vec<Value<'a>> {
    [next, window, 0, 9, 3, count, credit].map(Value::Uint).into()
}

fn disposition(id: u32, settled: bool, state: Value<'_>) -> Vec<Value<'_>> {
    vec![
        Value::Switch(true),
        Value::Uint(id),
        Value::Null,
        Value::Switch(settled),
        state,
    ]
}

fn disposed(sending: &mut Sending, id: u32, state: u64) -> Option<Told> {
    let state = Value::Composite(u8::try_from(state).unwrap(), Vec::new());
    take(sending, 0x15, disposition(id, true, state)).unwrap()
}

fn told(sending: &mut Sending, performative: u8, fields: Vec<Value<'_>>) {
    assert_eq!(take(sending, performative, fields).unwrap(), None);
}

fn take(sending: &mut Sending, performative: u8, fields: Vec<Value<'_>>) -> Result<Option<Told>, OneError> {
    sending.take(&parsed(frame(AMQP, 7, performative, fields)))
}

fn parsed(mut bytes: Vec<u8>) -> Frame {
    split(&mut bytes).unwrap().unwrap()
}

/// What is said, how much is behind it, and whether more is to come.
fn said(sending: &mut Sending) -> Vec<(Kind, usize, bool)> {
    let mut out = sending.take_out();
    let frames: Vec<Frame> = std::iter::from_fn(|| split(&mut out).unwrap()).collect();
    frames
        .iter()
        .map(|it| {
            let it = it.performative().unwrap().unwrap();
            (it.kind, it.payload.len(), it.is_on(5))
        })
        .collect()
}
