//! Values of AMQP 1.0 and 0-10: what was written comes back, and no bytes do harm.

pub(crate) mod encoder;

use encoder::{Tree, message, one_zero, section, zero_ten};
use koji_notify::bus;
use koji_notify::bus::amqp::message::{Body, MAX_MESSAGE, MAX_SECTIONS, Message};
use koji_notify::bus::amqp::{AmqpError, Item, Items, MAX_DEPTH};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn every_type_of_one_zero_is_read() {
    let check = |hex: &str, expected: &str| assert_eq!(told(&bytes(hex)), expected, "{hex}");
    check("40", "null");
    check("41", "true");
    check("42", "false");
    check("56 01", "true");
    check("56 00", "false");
    check("50 ff", "255u");
    check("60 0100", "256u");
    check("70 00010000", "65536u");
    check("52 07", "7u");
    check("43", "0u");
    check("80 ffffffffffffffff", "18446744073709551615u");
    check("53 77", "119u");
    check("44", "0u");
    check("51 80", "-128");
    check("61 8000", "-32768");
    check("71 80000000", "-2147483648");
    check("54 ff", "-1");
    check("81 8000000000000000", "-9223372036854775808");
    check("55 fe", "-2");
    check("72 3fc00000", "1.5");
    check("82 bff8000000000000", "-1.5");
    check("73 000000e9", "'é'");
    check("83 ffffffffffffffff", "-1ms");
    check("a0 02 00ff", "[0, 255]");
    check("b0 00000001 61", "[97]");
    check("a1 02 c3a9", "\"é\"");
    check("b1 00000002 c3a9", "\"é\"");
    check("a3 03 616d71", "\"amq\"");
    check("b3 00000003 616d71", "\"amq\"");
    check("74 00000001", "other 4");
    check("84 0000000000000001", "other 8");
    check("94 00000000000000000000000000000001", "other 16");
    check("98 00000000000000000000000000000001", "other 16");
    check("45", "()");
    check("c0 01 00", "()");
    check("c0 03 02 40 41", "(null, true)");
    check("d0 00000006 00000002 40 43", "(null, 0u)");
    check("c1 05 02 a1 01 61 41", "{\"a\": true}");
    check("d1 00000008 00000002 a1 01 61 41", "{\"a\": true}");
    check("e0 04 02 50 01 02", "(1u, 2u)");
    check("f0 00000009 00000002 a1 01 61 01 62", "(\"a\", \"b\")");
    check("e0 02 02 41", "(true, true)");
    check("e0 07 02 c0 02 01 40 01 00", "((null), ())");
    check("00 53 77 a1 01 61", "\"a\"");
    check("00 a3 01 78 00 80 0000000000000001 00 00 40 40 41", "true");
    check("e0 07 02 00 53 01 50 01 02", "(1u, 2u)");
}

#[test]
fn what_is_no_value_of_one_zero_is_refused() {
    let check = |hex: &str, expected: AmqpError| assert_eq!(read(&bytes(hex)).unwrap_err(), expected, "{hex}");
    check("", AmqpError::Cut);
    check("81 00", AmqpError::Cut);
    check("a1 05 61", AmqpError::Cut);
    check("b1 ffffffff 61", AmqpError::Cut);
    check("00", AmqpError::Cut);
    check("00 53", AmqpError::Cut);
    check("3f", AmqpError::NoType(0x3f));
    check("00 10 40", AmqpError::NoType(0x10));
    check("a1 01 ff", AmqpError::NotText);
    check("73 0000d800", AmqpError::NotText);
    check("c0 01 01", AmqpError::TooMany);
    check("c0 02 02 40", AmqpError::TooMany);
    check("d0 00000005 7fffffff 40", AmqpError::TooMany);
    check("c0 03 02 50 01", AmqpError::Cut);
    // Four thousand million times nothing.
    check("f0 00000005 ffffffff 41", AmqpError::TooMany);
    check("f0 00000005 ffffffff 45", AmqpError::TooMany);
    check("c1 04 03 40 40 40", AmqpError::Unexpected("a map: a key has no value"));
    check("c0 03 01 40 40", AmqpError::Unexpected("as long as it says"));
}

#[test]
fn every_type_of_zero_ten_is_read() {
    let check = |hex: &str, expected: &str| {
        let value = bytes(hex);
        let mut map = u32::try_from(value.len() + 6).unwrap().to_be_bytes().to_vec();
        map.extend([0, 0, 0, 1, 1, b'a']);
        map.extend(value);
        let told = bus::amqp::zero_ten_map(&map).map(show).unwrap();
        assert_eq!(told, format!("{{\"a\": {expected}}}"), "{hex}");
    };
    check("f0", "null");
    check("f1", "true");
    check("08 01", "true");
    check("01 ff", "-1");
    check("02 ff", "255u");
    check("04 61", "'a'");
    check("11 8000", "-32768");
    check("12 8000", "32768u");
    check("21 80000000", "-2147483648");
    check("22 80000000", "2147483648u");
    check("23 3fc00000", "1.5");
    check("27 000000e9", "'é'");
    check("31 ffffffffffffffff", "-1");
    check("32 ffffffffffffffff", "18446744073709551615u");
    check("33 bff8000000000000", "-1.5");
    check("38 0000000058d01c28", "1490033704");
    check("80 01 ff", "[255]");
    check("84 01 e9", "[233]");
    check("85 02 c3a9", "\"é\"");
    check("90 0001 ff", "[255]");
    check("94 0001 e9", "[233]");
    check("95 0002 c3a9", "\"é\"");
    check("a0 00000001 ff", "[255]");
    check("48 00000000000000000000000000000001", "other 16");
    check("c8 0000000001", "other 5");
    check("d8 000000000000000001", "other 9");
    check("86 02 0061", "other 2");
    check("96 0002 0061", "other 2");
    check("a8 00000008 00000001 01 62 08 00", "{\"b\": false}");
    check("a8 00000000", "{}");
    check("a8 00000004 00000000", "{}");
    check("a9 00000000", "()");
    check("a9 00000007 00000002 f0 08 01", "(null, true)");
    check("aa 00000000", "()");
    check("aa 00000007 02 00000002 01 02", "(1u, 2u)");
    check("ab 00000002 0000", "other 2");
}

#[test]
fn what_is_no_map_of_zero_ten_is_refused() {
    let check = |hex: &str, expected: AmqpError| {
        let answer = bus::amqp::zero_ten_map(&bytes(hex)).map(show);
        assert_eq!(answer.unwrap_err(), expected, "{hex}");
    };
    check("", AmqpError::Cut);
    check("00000005 00000001", AmqpError::Cut);
    check("00000004 00000001", AmqpError::TooMany);
    check("00000008 ffffffff 01 61 f0 f0", AmqpError::TooMany);
    check("00000007 00000001 01 61 b0", AmqpError::NoType(0xb0));
    check("00000007 00000001 01 61 f0 00", AmqpError::Unexpected("a map alone"));
    check(
        "00000008 00000001 01 61 f0 f0",
        AmqpError::Unexpected("as long as it says"),
    );
    check("00000009 00000001 01 61 85 01 ff", AmqpError::NotText);
    check("00000010 00000001 01 61 aa 00000005 f0 ffffffff", AmqpError::TooMany);
}

#[test]
fn depth_is_limited_and_never_followed() {
    let nested = |depth: usize| (0..depth).fold(Tree::Null, |it, _| Tree::List(vec![it]));
    assert!(read(&one_zero(&nested(MAX_DEPTH), true)).is_ok());
    assert_eq!(
        read(&one_zero(&nested(MAX_DEPTH + 1), true)).unwrap_err(),
        AmqpError::TooDeep
    );
    let map = |depth| Tree::Map(vec![(Tree::Text("a".to_owned()), nested(depth))]);
    assert!(bus::amqp::zero_ten_map(&zero_ten(&map(MAX_DEPTH - 1))).is_ok());
    let deeper = zero_ten(&map(MAX_DEPTH));
    assert_eq!(bus::amqp::zero_ten_map(&deeper).unwrap_err(), AmqpError::TooDeep);
    // A million descriptors, one of the other and one after the other.
    let descriptors = vec![0; 1_000_000];
    assert_eq!(read(&descriptors).unwrap_err(), AmqpError::Cut);
    let mut described = [0x00, 0x53, 0x77].repeat(300_000);
    described.push(0x41);
    assert_eq!(told(&described), "true");
}

#[test]
fn the_sections_of_a_message_are_told_apart() {
    let text = |it: &str| Tree::Text(it.to_owned());
    let map = |key: &str, value: Tree| Tree::Map(vec![(text(key), value)]);
    let header = Tree::List(vec![
        Tree::Switch(true),
        Tree::Unsigned(7),
        Tree::Unsigned(60_000),
        Tree::Switch(true),
        Tree::Unsigned(2),
    ]);
    let properties = Tree::List(vec![
        text("id-1"),
        Tree::Null,
        text("topic://koji.build.complete"),
        text("subject"),
        Tree::Null,
        Tree::Null,
        text("application/json"),
        Tree::Null,
        Tree::Null,
        Tree::Time(1_795_195_330_500),
    ]);
    let sections = [
        (0x70, header),
        (0x71, map("x-hop", text("a"))),
        (0x72, map("x-note", text("b"))),
        (0x73, properties),
        (0x74, map("type", text("Tag"))),
        (0x75, Tree::Bytes(b"{\"a\":".to_vec())),
        (0x75, Tree::Bytes(b"1}".to_vec())),
        (0x78, map("x-sum", Tree::Whole(3))),
    ];
    let encoded = message(&sections);
    let read = Message::read([encoded.as_slice()]).unwrap();
    let header = read.header;
    assert!(header.is_durable() && header.is_first_acquirer());
    assert_eq!(
        (header.priority(), header.ttl_ms(), header.delivery_count()),
        (7, Some(60_000), 2)
    );
    assert_eq!(read.properties.message_id(), Some(Item::Text("id-1")));
    assert_eq!(read.properties.to(), Some("topic://koji.build.complete"));
    assert_eq!(read.properties.subject(), Some("subject"));
    assert_eq!(read.properties.content_type(), Some("application/json"));
    assert_eq!(read.properties.created().unwrap().to_string(), "2026-11-20T17:22:10.5Z");
    let value = |items: Items<'_>, key: &str| items.value_of(key).map(show);
    assert_eq!(value(read.delivery_annotations, "x-hop").unwrap(), "\"a\"");
    assert_eq!(value(read.message_annotations, "x-note").unwrap(), "\"b\"");
    assert_eq!(value(read.application_properties, "type").unwrap(), "\"Tag\"");
    assert_eq!(value(read.application_properties, "new"), None);
    assert_eq!(value(read.footer, "x-sum").unwrap(), "3");
    assert_eq!(read.body, Body::Data(b"{\"a\":1}".as_slice().into()));
    // In pieces, and with the sections named by symbols.
    let pieces: Vec<Vec<u8>> = sections.iter().map(|it| message(std::slice::from_ref(it))).collect();
    assert_eq!(Message::read(pieces.iter().map(Vec::as_slice)).unwrap(), read);
    let named = section(b"amqp:amqp-value:*", &text("{}"));
    assert_eq!(
        Message::read([named.as_slice()]).unwrap().body,
        Body::Value(Item::Text("{}"))
    );
    let lists = message(&[(0x76, Tree::List(vec![Tree::Null])), (0x76, Tree::List(vec![]))]);
    let Body::Sequence(lists) = Message::read([lists.as_slice()]).unwrap().body else {
        panic!("no sequence");
    };
    assert_eq!(lists.into_iter().map(|it| it.count()).collect::<Vec<_>>(), [1, 0]);
    // What is not said is what AMQP says.
    let empty = Message::read([]).unwrap();
    assert_eq!(
        (
            empty.header.priority(),
            empty.header.ttl_ms(),
            empty.header.delivery_count()
        ),
        (4, None, 0)
    );
    assert!(!empty.header.is_durable() && !empty.header.is_first_acquirer());
    assert_eq!(
        (empty.properties.message_id(), empty.properties.created()),
        (None, None)
    );
    assert_eq!(empty.body, Body::Nothing);
}

#[test]
fn what_is_no_message_is_refused() {
    let refused = |sections: &[(u8, Tree)]| Message::read([message(sections).as_slice()]).unwrap_err();
    let disorder = AmqpError::Unexpected("a message: its sections are in disorder");
    let text = |it: &str| Tree::Text(it.to_owned());
    let data = || Tree::Bytes(vec![1]);
    assert_eq!(refused(&[(0x77, text("a")), (0x77, text("b"))]), disorder);
    assert_eq!(
        refused(&[(0x74, Tree::Map(vec![])), (0x73, Tree::List(vec![]))]),
        disorder
    );
    let mixed = AmqpError::Unexpected("a message: it has bodies of several kinds");
    assert_eq!(refused(&[(0x75, data()), (0x77, text("a"))]), mixed);
    assert_eq!(refused(&[(0x75, data()), (0x76, Tree::List(vec![]))]), mixed);
    assert_eq!(refused(&[(0x75, text("a"))]), AmqpError::Unexpected("binary data"));
    assert_eq!(refused(&[(0x73, Tree::Map(vec![]))]), AmqpError::Unexpected("a list"));
    assert_eq!(refused(&[(0x74, Tree::List(vec![]))]), AmqpError::Unexpected("a map"));
    assert_eq!(
        refused(&[(0x79, Tree::Null)]),
        AmqpError::Unexpected("a section that we know")
    );
    assert_eq!(
        Message::read([b"{}".as_slice()]).unwrap_err(),
        AmqpError::Unexpected("a section")
    );
    let many: Vec<(u8, Tree)> = (0..=MAX_SECTIONS).map(|_| (0x75, data())).collect();
    assert!(Message::read([message(&many[1..]).as_slice()]).is_ok());
    assert_eq!(refused(&many), disorder);
    let halves = [vec![0; MAX_MESSAGE / 2], vec![0; MAX_MESSAGE / 2 + 1]];
    assert!(Message::read([halves[1].as_slice()]).is_err_and(|it| it == AmqpError::Cut));
    let whole = section(&[0x77], &Tree::Bytes(halves[0].clone()));
    let answer = Message::read([whole.as_slice(), halves[1].as_slice()]);
    assert_eq!(
        answer.unwrap_err(),
        AmqpError::TooLarge {
            size: whole.len() + halves[1].len()
        }
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_in_one_zero_comes_back(tree in tree(), short: bool) {
        let encoded = one_zero(&tree, short);
        let (item, rest) = bus::amqp::one_zero(&encoded).unwrap();
        prop_assert_eq!(rest, b"");
        prop_assert_eq!(Tree::of(item), tree.plain());
    }

    #[test]
    fn what_was_written_in_zero_ten_comes_back(entries in vec(("[a-z_]{0,20}", tree_of_zero_ten()), 0..6)) {
        let entries = entries.into_iter().map(|(key, value)| (Tree::Text(key), value));
        let tree = Tree::Map(entries.collect());
        let encoded = zero_ten(&tree);
        prop_assert_eq!(Tree::of(bus::amqp::zero_ten_map(&encoded).unwrap()), tree);
    }

    #[test]
    fn no_bytes_do_harm(bytes in vec(prop_oneof![any::<u8>(), 0x40..0x46_u8, 0xa0..0xb4_u8, 0xc0..0xf2_u8, 0..8_u8], 0..300)) {
        harmless(&bytes);
    }

    #[test]
    fn no_change_of_a_message_does_harm(
        tree in tree(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = message(&[(0x74, Tree::Map(vec![])), (0x77, tree)]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len()) + 1);
        harmless(&bytes);
    }
}

/// Reads bytes in every way there is. Reading takes next to no memory and yields no more values than there are bytes.
fn harmless(bytes: &[u8]) {
    let info = allocation_counter::measure(|| {
        let answers = [
            bus::amqp::one_zero(bytes).map(|(it, _)| it),
            bus::amqp::zero_ten_map(bytes),
        ];
        for item in answers.into_iter().flatten() {
            assert!(values(item) <= 2 * bytes.len() + 1);
        }
        let _answer = Message::read([bytes]);
    });
    // Data and sequences in several sections are collected.
    let most = (64 * bytes.len() + 1024) as u64;
    assert!(info.bytes_max <= most, "{info:?} for {} bytes", bytes.len());
}

fn values(item: Item<'_>) -> usize {
    match item {
        Item::List(items) | Item::Map(items) => 1 + items.map(|it| values(it.unwrap())).sum::<usize>(),
        _ => 1,
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Switch),
        any::<i64>().prop_map(Tree::Whole),
        any::<i8>().prop_map(|it| Tree::Whole(it.into())),
        any::<u64>().prop_map(Tree::Unsigned),
        any::<u8>().prop_map(|it| Tree::Unsigned(it.into())),
        (-1e300..1e300).prop_map(Tree::Float),
        any::<char>().prop_map(Tree::Letter),
        any::<i64>().prop_map(Tree::Time),
        ".{0,20}".prop_map(Tree::Text),
        "[a-z]{250,260}".prop_map(Tree::Text),
        vec(any::<u8>(), 0..20).prop_map(Tree::Bytes),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Tree::List),
            vec((inner.clone(), inner.clone()), 0..6).prop_map(Tree::Map),
            inner.prop_map(|it| Tree::Described(Box::new(it))),
        ]
    })
}

fn tree_of_zero_ten() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Switch),
        any::<i64>().prop_map(Tree::Whole),
        (-1e300..1e300).prop_map(Tree::Float),
        ".{0,20}".prop_map(Tree::Text),
        vec(any::<u8>(), 0..20).prop_map(Tree::Bytes),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Tree::List),
            vec(("[a-z]{0,8}".prop_map(Tree::Text), inner), 0..6).prop_map(Tree::Map),
        ]
    })
}

fn read(bytes: &[u8]) -> Result<Item<'_>, AmqpError> {
    let (item, rest) = bus::amqp::one_zero(bytes)?;
    assert_eq!(rest, b"");
    Ok(item)
}

fn told(bytes: &[u8]) -> String {
    show(read(bytes).unwrap())
}

fn show(item: Item<'_>) -> String {
    let list = |items: Items<'_>| items.map(|it| show(it.unwrap())).collect::<Vec<_>>();
    match item {
        Item::Null => "null".to_owned(),
        Item::Switch(it) => it.to_string(),
        Item::Whole(it) => it.to_string(),
        Item::Unsigned(it) => format!("{it}u"),
        Item::Float(it) => format!("{it:?}"),
        Item::Letter(it) => format!("{it:?}"),
        Item::Time(it) => format!("{it}ms"),
        Item::Text(it) => format!("{it:?}"),
        Item::Bytes(it) => format!("{it:?}"),
        Item::List(it) => format!("({})", list(it).join(", ")),
        Item::Map(it) => {
            let pairs: Vec<String> = list(it).chunks(2).map(|it| it.join(": ")).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Item::Other(it) => format!("other {}", it.len()),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter_map(|it| it.to_digit(16))
        .map(|it| it as u8)
        .collect();
    digits.chunks(2).map(|it| it[0] << 4 | it[1]).collect()
}
