//! Documents and what they say.

use std::io::BufReader;

use expect_test::expect;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;

use super::*;
use crate::hub::xmlrpc::value::MAX_VALUES;
use crate::hub::xmlrpc::{Value, write};
use crate::koji::lenient;

#[test]
fn every_type_is_read() {
    check("<nil/>", "null");
    check("<nil></nil>", "null");
    check("<ex:nil/>", "null");
    check("<boolean>1</boolean>", "true");
    check("<boolean> 0 </boolean>", "false");
    check("<boolean>yes</boolean>", "the answer has no boolean where it says so");
    check("<int>-7</int>", "-7");
    check("<i1>7</i1>", "7");
    check("<i2>7</i2>", "7");
    check("<i4>2147483647</i4>", "2147483647");
    check("<i8>-9223372036854775808</i8>", "-9223372036854775808");
    check("<ex:i8>5242880000</ex:i8>", "5242880000");
    check("<biginteger>12</biginteger>", "12");
    check("<biginteger>9223372036854775808</biginteger>", "9.223372036854776e+18");
    check("<int>1.5</int>", "the answer has no integer where it says so");
    check("<int>inf</int>", "the answer has no integer where it says so");
    check("<int></int>", "the answer has no integer where it says so");
    check("<int/>", "the answer has no integer where it says so");
    check("<double>1.5</double>", "1.5");
    check("<double>1</double>", "1.0");
    check("<double>-1e300</double>", "-1e+300");
    check("<double>x</double>", "the answer has no double where it says so");
    check("<string>a</string>", "\"a\"");
    check("<string/>", "\"\"");
    check("<string> a\n </string>", "\" a\\n \"");
    check("bare", "\"bare\"");
    check(" ", "\" \"");
    check("", "\"\"");
    check(
        "<dateTime.iso8601>20171120T17:07:24</dateTime.iso8601>",
        "\"20171120T17:07:24\"",
    );
    check("<base64>\nZ2Nj\n</base64>", "\"\\nZ2Nj\\n\"");
    check("<array><data></data></array>", "[]");
    check("<array><data/></array>", "[]");
    check("<array></array>", "[]");
    check("<array/>", "[]");
    check(
        " <array> <data>\n<value/><value>a</value></data> </array> ",
        "[\"\",\"a\"]",
    );
    check("<struct/>", "{}");
    check("<struct></struct>", "{}");
    check(
        "<struct><member><name/><value/></member><member><name></name><value><int>1</int></value></member></struct>",
        "{\"\":\"\",\"\":1}",
    );
    check("<float>1.5</float>", "1.5");
    check("<vector/>", "the answer has something else than a type");
}

#[test]
fn numbers_that_are_none_are_read() {
    for (text, expected) in [
        ("inf", f64::INFINITY),
        ("-inf", f64::NEG_INFINITY),
        ("Infinity", f64::INFINITY),
    ] {
        let number = parse::<f64>(&format!("<double>{text}</double>")).unwrap();
        assert_eq!(number, expected, "{text}");
    }
    assert!(parse::<f64>("<double>nan</double>").unwrap().is_nan());
    assert!(parse::<f64>("<double>NaN</double>").unwrap().is_nan());
}

#[test]
fn text_is_what_was_meant() {
    check("a<!-- b -->c", "\"ac\"");
    check("<string>a<!-- <b> -->c<?pi d?></string>", "\"ac\"");
    check("<string><![CDATA[<b> & ]]]]><![CDATA[>]]></string>", "\"<b> & ]]>\"");
    check("&lt;&gt;&amp;&quot;&apos;", "\"<>&\\\"'\"");
    check("<string>&#233;&#xE9;&#x1F600;</string>", "\"éé😀\"");
    // Half a character, and none at all.
    check("<string>&#56502;&#0;</string>", "\"\u{fffd}\u{fffd}\"");
    check("<string>a\r\nb\rc</string>", "\"a\\nb\\nc\"");
    check("<string>a&#13;b</string>", "\"a\\rb\"");
    check(
        "<string>&eacute;</string>",
        "the answer uses an entity that is not XML's own",
    );
    check("<string>AT&T</string>", "the answer is broken XML");
    check("<string>a<b/></string>", "the answer has something else than a text");
    check(
        "<int>1</int><int>2</int>",
        "the answer has something else than the end of the value",
    );
    check("a<int>1</int>", "the answer has something else than one type");
    check("<int>1</int>a", "the answer has something else than an element");
}

#[test]
fn a_byte_order_mark_and_comments_are_passed_over() {
    let document = format!(
        "\u{feff}<?xml version='1.0'?>\n<!-- a -->{}<!-- b -->\n",
        document("<int>1</int>")
    );
    assert_eq!(read::<i64>(document.as_bytes()).unwrap().unwrap(), 1);
    let in_pieces = BufReader::with_capacity(1, document.as_bytes());
    assert_eq!(read::<i64>(in_pieces).unwrap().unwrap(), 1);
}

#[test]
fn a_fault_is_a_fault() {
    let fault = "<methodResponse><fault><value><struct>
        <member><name>faultCode</name><value><int>1014</int></value></member>
        <member><name>faultString</name><value><string>database outage &lt;b></string></value></member>
        </struct></value></fault></methodResponse>";
    let read_one = read::<i64>(fault.as_bytes()).unwrap().unwrap_err();
    assert_eq!(read_one.code, FaultCode::ServerOffline);
    assert_eq!(read_one.text, "database outage <b>");
    let long = fault.replace("database", &"é".repeat(MAX_FAULT_TEXT));
    let long = read::<i64>(long.as_bytes()).unwrap().unwrap_err();
    assert_eq!(long.text.len(), MAX_FAULT_TEXT);
    let odd = fault.replace("<int>1014</int>", "<nil/>");
    let odd = read::<i64>(odd.as_bytes()).unwrap_err();
    assert_eq!(
        odd.to_string(),
        "the answer is not shaped as expected: a fault without a code"
    );
}

#[test]
fn what_is_no_answer_is_told_in_a_few_words() {
    let check = |body: &str, expected: &str| {
        let error = read::<Value>(body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{body}");
    };
    check("", "the answer is empty");
    check(" \n", "the answer is empty");
    check("<!DOCTYPE html><html>", "the answer is a web page and not XML-RPC");
    check(
        "<!doctype HTML PUBLIC \"-//W3C\"><html>",
        "the answer is a web page and not XML-RPC",
    );
    check("<html><head>", "the answer is a web page and not XML-RPC");
    check("\n<HTML/>", "the answer is a web page and not XML-RPC");
    check("Not Found", "the answer is not XML");
    check("{\"error\": 1}", "the answer is not XML");
    check("<rss/>", "the answer has something else than methodResponse at byte 6");
    check(
        "<methodCall></methodCall>",
        "the answer has something else than methodResponse at byte 12",
    );
    check(
        "<methodResponse/>",
        "the answer has something else than methodResponse at byte 17",
    );
    check(
        "<methodResponse></methodResponse>",
        "the answer has something else than params or fault at byte 33",
    );
    check(
        "<methodResponse><params></params></methodResponse>",
        "the answer has something else than param at byte 33",
    );
    check(
        "<methodResponse><params><param><value/></param><param>",
        "the answer has something else than the end of params or fault at byte 54",
    );
    check(
        "<methodResponse><params><param><value/></param></params></methodResponse>!",
        "the answer has something else than an element at byte 74",
    );
    check("<methodResponse></params>", "the answer is broken XML at byte 16");
    check(
        "<?xml version='1.0'?><!DOCTYPE methodResponse [<!ENTITY a 'b'>]><methodResponse/>",
        "the answer declares a document type",
    );
    let error = read::<Value>(&b"<methodResponse>\xff"[..]).unwrap_err();
    assert_eq!(error.to_string(), "the answer is not UTF-8");
}

#[test]
fn wherever_an_answer_breaks_off_it_is_noticed() {
    let whole = document(
        "<struct><member><name>a</name><value><array><data><value>b &amp; c</value></data></array></value></member></struct>",
    );
    assert!(read::<Value>(whole.as_bytes()).is_ok());
    for end in 1..whole.len() {
        let error = read::<Value>(&whole.as_bytes()[..end]).unwrap_err();
        let is_clear = matches!(
            error,
            XmlError::Truncated | XmlError::Broken { .. } | XmlError::Unexpected { .. }
        );
        assert!(is_clear, "{end}: {error}");
        let error = read::<IgnoredAny>(&whole.as_bytes()[..end]).unwrap_err();
        assert!(!matches!(error, XmlError::Shape { .. }), "{end}: {error}");
    }
}

#[test]
fn errors_hold_nothing_of_the_answer() {
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Closed {
        Known,
    }
    let check = |error: XmlError| {
        let said = format!("{error} {error:?}");
        assert!(!said.contains("s3cret") && said.len() < 200, "{said}");
    };
    check(parse::<i64>("s3cret").unwrap_err());
    check(parse::<i64>("<int>s3cret</int>").unwrap_err());
    check(parse::<bool>("s3cret").unwrap_err());
    check(parse::<Closed>("s3cret").unwrap_err());
    check(parse::<Vec<i64>>("s3cret").unwrap_err());
    check(parse::<char>("s3cret").unwrap_err());
    check(parse::<std::net::IpAddr>("s3cret").unwrap_err());
    check(parse::<i64>("<s3cret/>").unwrap_err());
    check(parse::<Value>("&s3cret;").unwrap_err());
    check(parse::<Value>("<string>s3cret</s3cret>").unwrap_err());
    check(read::<Value>(&b"s3cret"[..]).unwrap_err());
    assert!(matches!(parse::<Closed>("known"), Ok(Closed::Known)));
}

#[test]
fn serde_gets_what_it_asks_for() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Id(u64);
    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        id: Id,
        weight: f64,
        count: i32,
        name: Option<String>,
        parent: Option<i64>,
        list: (i64, i64),
    }
    let row = parse::<Row>(
        "<struct>
        <member><name>unknown</name><value><array><data><value><vector>1</vector></value></data></array></value></member>
        <member><name>id</name><value><double>17.0</double></value></member>
        <member><name>weight</name><value><int>2</int></value></member>
        <member><name>count</name><value>  <i4>3</i4></value></member>
        <member><name>name</name><value>a</value></member>
        <member><name>parent</name><value><nil/></value></member>
        <member><name>list</name><value><array><data><value><int>1</int></value><value><int>2</int></value>
            <value><int>3</int></value></data></array></value></member>
        </struct>",
    );
    let expected = Row {
        id: Id(17),
        weight: 2.0,
        count: 3,
        name: Some("a".to_owned()),
        parent: None,
        list: (1, 2),
    };
    assert_eq!(row.unwrap(), expected);
    let error = parse::<i64>("<double>1.5</double>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer is not shaped as expected: a double instead of i64"
    );
    assert!(parse::<u8>("<int>256</int>").is_err());
    assert!(parse::<u8>("<double>-1</double>").is_err());
    assert!(parse::<i64>("<string>5</string>").is_err());
}

#[test]
fn a_size_may_be_written_as_text() {
    #[derive(Deserialize)]
    struct Stat {
        #[serde(deserialize_with = "lenient::size")]
        st_size: Option<u64>,
    }
    let size = |value: &str| {
        let member = format!("<struct><member><name>st_size</name><value>{value}</value></member></struct>");
        parse::<Stat>(&member).unwrap().st_size
    };
    assert_eq!(size("<string>52428800000</string>"), Some(52_428_800_000));
    assert_eq!(size("52428800000"), Some(52_428_800_000));
    assert_eq!(size("<i8>52428800000</i8>"), Some(52_428_800_000));
    assert_eq!(size("<double>67.0</double>"), Some(67));
    assert_eq!(size("<string>many</string>"), None);
    assert_eq!(size("<int>-1</int>"), None);
    assert_eq!(size("<nil/>"), None);
}

#[test]
fn parts_fail_alone() {
    let fault = "<value><struct><member><name>faultCode</name><value><int>1000</int></value></member>
        <member><name>faultString</name><value><string>no</string></value></member>
        <member><name>traceback</name><value><array><data><value>a</value></data></array></value></member>
        </struct></value>";
    let good = "<value><array><data><value><int>1</int></value></data></array></value>";
    let parts = |content: &str, count: usize| {
        let body = document(&format!("<array><data>{content}</data></array>"));
        let seeds = vec![PhantomData::<i64>; count];
        read_parts(body.as_bytes(), seeds).map(Result::unwrap)
    };
    let read = parts(&format!("{good}{fault}{good}"), 3).unwrap();
    let read: Vec<String> = read
        .into_iter()
        .map(|it| it.map_or_else(|it| it.to_string(), |it| it.to_string()))
        .collect();
    assert_eq!(read, ["1", "no (fault 1000)", "1"]);
    assert_eq!(parts("", 0).unwrap(), []);

    let check = |content: &str, count: usize, expected: &str| {
        let error = parts(content, count).unwrap_err();
        let expected = format!("the answer is not shaped as expected: {expected}");
        assert_eq!(error.to_string(), expected);
    };
    check(good, 2, "1 elements instead of one part for each call");
    check(good, 0, "1 elements instead of one part for each call");
    check("<value><array/></value>", 1, "0 elements instead of one value");
    check("<value><struct/></value>", 1, "there is no faultCode");
    check(
        "<value>a</value>",
        1,
        "a string instead of an array of one value, or a fault",
    );
    let two = "<value><array><data><value><int>1</int></value><value><int>1</int></value></data></array></value>";
    check(two, 1, "2 elements instead of one value");
}

#[test]
fn depth_has_a_limit() {
    let lists = |depth: usize| {
        let open = "<array><data><value>".repeat(depth);
        let close = "</value></data></array>".repeat(depth);
        format!("{open}<int>1</int>{close}")
    };
    let structs = |depth: usize| {
        let open = "<struct><member><name>a</name><value>".repeat(depth);
        let close = "</value></member></struct>".repeat(depth);
        format!("{open}<int>1</int>{close}")
    };
    assert!(parse::<Value>(&lists(MAX_DEPTH)).is_ok());
    assert!(parse::<Value>(&structs(MAX_DEPTH)).is_ok());
    for bomb in [
        lists(MAX_DEPTH + 1),
        structs(MAX_DEPTH + 1),
        lists(100_000),
        structs(100_000),
        "<a>".repeat(100_000),
    ] {
        assert!(matches!(
            parse::<Value>(&bomb),
            Err(XmlError::TooDeep | XmlError::Unexpected { .. })
        ));
        assert!(matches!(parse::<IgnoredAny>(&bomb), Err(XmlError::TooDeep)));
    }
}

#[test]
fn one_text_has_a_limit() {
    let text = "x".repeat(MAX_TEXT);
    assert_eq!(parse::<String>(&text).unwrap().len(), MAX_TEXT);
    let check = |content: &str| {
        assert!(matches!(parse::<Value>(content), Err(XmlError::TextTooLong)));
    };
    check(&format!("{text}x"));
    check(&format!("{text}&amp;"));
    check(&format!("{text}<!-- a -->x"));
    check(&format!("<![CDATA[{text}x]]>"));
    check(&format!("<!--{text}xxxxxxxxxxxxxxxx-->"));
    check(&format!("<a b='{text}xxxxxxxxxxxxxxxx'/>"));
    check(&format!("&{text}xxxxxxxxxxxxxxxx;"));
    // What nobody asks for is not collected, yet it is not waited for either.
    let unasked = parse::<IgnoredAny>(&format!("{text}{text}{text}"));
    assert!(matches!(unasked, Err(XmlError::TextTooLong)));
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in values()) {
        let body = write::method_call("m", std::slice::from_ref(&value));
        let body = String::from_utf8(body).unwrap();
        let body = body.replace("methodCall", "methodResponse").replace("<methodName>m</methodName>\n", "");
        let whole = read::<Value>(body.as_bytes()).unwrap().unwrap();
        prop_assert_eq!(&whole, &value);
        let in_pieces = BufReader::with_capacity(3, body.as_bytes());
        prop_assert_eq!(read::<Value>(in_pieces).unwrap().unwrap(), value);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = read::<Value>(&bytes[..]);
    }

    #[test]
    fn no_pieces_make_it_panic(pieces in vec(select(PIECES), 0..60), capacity in 1..40_usize) {
        let body = format!("<methodResponse><params><param><value>{}", pieces.concat());
        let from = || BufReader::with_capacity(capacity, body.as_bytes());
        let _ = read::<Value>(from());
        let _ = read::<IgnoredAny>(from());
        let _ = read::<Option<Vec<u64>>>(from());
        let _ = read_parts(from(), vec![PhantomData::<Value>; 2]);
    }
}

/// What documents are made of, and what spoils them.
pub(super) const PIECES: &[&str] = &[
    "<value>",
    "</value>",
    "<value/>",
    "<struct>",
    "</struct>",
    "<member>",
    "</member>",
    "<name>",
    "</name>",
    "<array>",
    "<data>",
    "</data>",
    "</array>",
    "<array/>",
    "<struct/>",
    "<nil/>",
    "<int>",
    "</int>",
    "<double>",
    "</double>",
    "<string>",
    "</string>",
    "<boolean>",
    "</boolean>",
    "</param>",
    "</params>",
    "</methodResponse>",
    "faultCode",
    "1",
    "-",
    "é",
    " ",
    "&",
    "&amp;",
    "&#",
    ";",
    "<",
    ">",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE",
    "<?",
    "?>",
    "</",
    "\u{feff}",
    "\0",
];

pub(super) fn values() -> impl Strategy<Value = Value> {
    let text = "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{fffe}\u{ffff}]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i32>().prop_map(|it| Value::Int(it.into())),
        any::<f64>()
            .prop_filter("equal to itself", |it| !it.is_nan())
            .prop_map(Value::Double),
        text.prop_map(Value::Text),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            btree_map(text, inner, 0..6).prop_map(|it| Value::Map(it.into_iter().collect())),
        ]
    })
}

/// Holds a value against its JSON, or against why it cannot be read.
fn check(content: &str, expected: &str) {
    let said = match parse::<Value>(content) {
        Ok(value) => serde_json::to_string(&value).unwrap(),
        Err(error) => error.to_string(),
    };
    let said = said.split(" at byte").next().unwrap().trim_end_matches(',');
    assert_eq!(said, expected, "{content}");
    // What is passed over is held to the rules of XML only.
    let _ = parse::<IgnoredAny>(content);
}

fn parse<T: for<'de> Deserialize<'de>>(content: &str) -> Result<T, XmlError> {
    read(document(content).as_bytes()).map(Result::unwrap)
}

fn document(content: &str) -> String {
    format!("<methodResponse><params><param><value>{content}</value></param></params></methodResponse>")
}

#[test]
fn memory_does_not_grow_with_the_answer() {
    let row = "<value><struct><member><name>id</name><value><int>17</int></value></member>\
               <member><name>source</name><value><string>a &amp; b</string></value></member></struct></value>\n";
    let before = b"<methodResponse><params><param><value><array><data>\n".to_vec();
    let after = b"</data></array></value></param></params></methodResponse>\n".to_vec();
    let count = 3 * 1024 * 1024 / row.len();
    let body = Repeated::new(before, row.into(), count, after);
    let mut tokens = Tokens::new(BufReader::new(body));
    let mut seen = 0;
    loop {
        match tokens.content().unwrap() {
            Token::Open(Tag::Struct) => seen += 1,
            Token::Open(_) | Token::Empty(_) | Token::Close => {}
            Token::End => break,
        }
        assert!(tokens.text.capacity() < 256 && tokens.buffer_capacity() < 256);
    }
    assert_eq!(seen, count);
}

#[test]
fn the_answer_as_a_whole_has_a_limit() {
    let text = format!("<value>{}</value>", "x".repeat(MAX_TEXT - 64));
    let before = b"<methodResponse><params><param><value><array><data>".to_vec();
    let after = b"</data></array></value></param></params></methodResponse>".to_vec();
    let body = |count| {
        BufReader::with_capacity(
            1024 * 1024,
            Repeated::new(before.clone(), text.clone().into(), count, after.clone()),
        )
    };
    assert!(read::<IgnoredAny>(body(8)).is_ok());
    assert!(matches!(read::<IgnoredAny>(body(9)), Err(XmlError::TooLarge)));
}

#[test]
fn a_line_that_breaks_is_told_as_such() {
    struct Broken;

    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }

    let body = BufReader::new(io::Read::chain(&b"<methodResponse><params>"[..], Broken));
    let error = read::<Value>(body).unwrap_err();
    let XmlError::Io(cause) = error else {
        panic!("{error}");
    };
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn more_values_than_anybody_needs_are_refused() {
    let answer = |count: usize| {
        Repeated::new(
            b"<methodResponse><params><param><value><array><data>".to_vec(),
            b"<value/>".to_vec(),
            count,
            b"</data></array></value></param></params></methodResponse>".to_vec(),
        )
    };
    // The list is a value, too.
    let most = read::<Value>(BufReader::new(answer(MAX_VALUES - 1))).unwrap().unwrap();
    assert!(matches!(most, Value::List(list) if list.len() == MAX_VALUES - 1));
    let error = read::<Value>(BufReader::new(answer(MAX_VALUES))).unwrap_err();
    expect!["the answer is not shaped as expected: 1000001 elements instead of fewer"].assert_eq(&error.to_string());
    // Who does not ask for them does not keep them.
    let passed = read::<IgnoredAny>(BufReader::new(answer(4 * MAX_VALUES)));
    assert!(passed.unwrap().is_ok());
}

/// A document that is made while it is read.
pub(super) struct Repeated {
    pieces: Box<dyn Iterator<Item = Vec<u8>>>,
    now: io::Cursor<Vec<u8>>,
}

impl Repeated {
    pub(super) fn new(before: Vec<u8>, piece: Vec<u8>, count: usize, after: Vec<u8>) -> Self {
        let pieces = std::iter::once(before)
            .chain(std::iter::repeat_n(piece, count))
            .chain([after]);
        Self {
            pieces: Box::new(pieces),
            now: io::Cursor::default(),
        }
    }
}

impl io::Read for Repeated {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.now.read(into)?;
            if read > 0 {
                return Ok(read);
            }
            match self.pieces.next() {
                Some(piece) => self.now = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}
