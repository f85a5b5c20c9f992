//! Tables of AMQP 0-9-1, such as the headers of a message, as JSON and back.
//!
//! Promise: what JSON has no word for is not lost: octets that are no text become `{"base64": "…"}`, and come back as
//! octets. A number comes back as the narrowest of the two kinds that everybody reads, 32 and 64 bits.
//!
//! It deliberately does not know what a header means.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde_json::{Map, Value, json};

/// The deepest nesting of tables and arrays that is put into words. Real ones end at about three.
const MAX_DEPTH: usize = 32;

/// The longest name of a header, in bytes, and so of any text that AMQP calls short.
pub const MAX_SHORT: usize = 255;

/// Returns a table as a JSON object.
pub fn to_json(table: &FieldTable) -> Map<String, Value> {
    object(table, MAX_DEPTH)
}

/// Returns a JSON object as a table.
///
/// # Errors
/// If a name or a number does not fit into AMQP.
pub fn from_json(object: &Map<String, Value>) -> Result<FieldTable, TableError> {
    table(object, MAX_DEPTH)
}

/// Why JSON does not become a table.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TableError {
    #[error("a header without a name")]
    Nameless,
    #[error("the name of the header {0}… has more than {MAX_SHORT} bytes")]
    LongName(String),
    #[error("the header {0} has a number that AMQP has no room for")]
    Number(String),
    #[error("a header is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the header {0} has base64 that cannot be read")]
    NotBase64(String),
}

/// Returns how many bytes a table takes on the wire, its own length included (AMQP 0-9-1, 4.2.5.5).
pub fn size(table: &FieldTable) -> usize {
    let fields = table.inner().iter();
    4 + fields
        .map(|(name, value)| 1 + name.as_str().len() + size_of(value))
        .sum::<usize>()
}

fn size_of(value: &AMQPValue) -> usize {
    1 + match value {
        AMQPValue::Boolean(_) | AMQPValue::ShortShortInt(_) | AMQPValue::ShortShortUInt(_) => 1,
        AMQPValue::ShortInt(_) | AMQPValue::ShortUInt(_) => 2,
        AMQPValue::LongInt(_) | AMQPValue::LongUInt(_) | AMQPValue::Float(_) => 4,
        AMQPValue::LongLongInt(_) | AMQPValue::Double(_) | AMQPValue::Timestamp(_) => 8,
        AMQPValue::DecimalValue(_) => 5,
        AMQPValue::ShortString(it) => 1 + it.as_str().len(),
        AMQPValue::LongString(it) => 4 + it.len(),
        AMQPValue::ByteArray(it) => 4 + it.len(),
        AMQPValue::FieldArray(it) => 4 + it.as_slice().iter().map(size_of).sum::<usize>(),
        AMQPValue::FieldTable(it) => size(it),
        AMQPValue::Void => 0,
    }
}

fn object(table: &FieldTable, depth: usize) -> Map<String, Value> {
    let fields = table.inner().iter();
    fields
        .map(|(name, it)| (name.as_str().to_owned(), value(it, depth)))
        .collect()
}

fn value(it: &AMQPValue, depth: usize) -> Value {
    match it {
        AMQPValue::Boolean(it) => (*it).into(),
        AMQPValue::ShortShortInt(it) => (*it).into(),
        AMQPValue::ShortShortUInt(it) => (*it).into(),
        AMQPValue::ShortInt(it) => (*it).into(),
        AMQPValue::ShortUInt(it) => (*it).into(),
        AMQPValue::LongInt(it) => (*it).into(),
        AMQPValue::LongUInt(it) => (*it).into(),
        AMQPValue::LongLongInt(it) => (*it).into(),
        AMQPValue::Float(it) => (*it).into(),
        AMQPValue::Double(it) => (*it).into(),
        AMQPValue::DecimalValue(it) => json!({"scale": it.scale, "value": it.value}),
        AMQPValue::ShortString(it) => it.as_str().into(),
        AMQPValue::LongString(it) => octets(it.as_bytes()),
        AMQPValue::ByteArray(it) => octets(it.as_slice()),
        AMQPValue::Timestamp(it) => (*it).into(),
        // Nobody nests so deep but to do harm.
        AMQPValue::FieldArray(_) | AMQPValue::FieldTable(_) if depth == 0 => "…".into(),
        AMQPValue::FieldArray(it) => it.as_slice().iter().map(|it| value(it, depth - 1)).collect(),
        AMQPValue::FieldTable(it) => object(it, depth - 1).into(),
        AMQPValue::Void => Value::Null,
    }
}

/// Returns a text, or what holds octets that are none.
pub(super) fn octets(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({"base64": BASE64_STANDARD.encode(bytes)}),
    }
}

fn table(object: &Map<String, Value>, depth: usize) -> Result<FieldTable, TableError> {
    let mut table = FieldTable::default();
    for (name, it) in object {
        table.insert(short(name)?, field(name, it, depth)?);
    }
    Ok(table)
}

fn short(name: &str) -> Result<ShortString, TableError> {
    if name.is_empty() {
        return Err(TableError::Nameless);
    }
    ShortString::try_new(name).map_err(|_| TableError::LongName(name.chars().take(20).collect()))
}

fn field(name: &str, value: &Value, depth: usize) -> Result<AMQPValue, TableError> {
    Ok(match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(it) => AMQPValue::Boolean(*it),
        Value::String(it) => AMQPValue::LongString(it.as_str().into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => match i32::try_from(whole) {
                Ok(narrow) => AMQPValue::LongInt(narrow),
                Err(_) => AMQPValue::LongLongInt(whole),
            },
            // A whole number beyond 64 bits with a sign would lose digits as a float.
            (None, Some(float)) if number.is_f64() => AMQPValue::Double(float),
            (None, _) => return Err(TableError::Number(name.to_owned())),
        },
        Value::Array(_) | Value::Object(_) if depth == 0 => return Err(TableError::TooDeep),
        Value::Array(values) => {
            let mut array = FieldArray::default();
            for it in values {
                array.push(field(name, it, depth - 1)?);
            }
            AMQPValue::FieldArray(array)
        }
        Value::Object(fields) => match (fields.len(), fields.get("base64")) {
            (1, Some(Value::String(text))) => {
                let bytes = BASE64_STANDARD.decode(text);
                let bytes = bytes.map_err(|_| TableError::NotBase64(name.to_owned()))?;
                AMQPValue::ByteArray(bytes.into())
            }
            _ => AMQPValue::FieldTable(table(fields, depth - 1)?),
        },
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_of_value_has_its_json() {
        let mut inner = FieldTable::default();
        inner.insert("uri".into(), AMQPValue::LongString("amqp://x".into()));
        let mut list = FieldArray::default();
        list.push(AMQPValue::FieldTable(inner));
        let mut table = FieldTable::default();
        for (name, value) in [
            ("bytes", AMQPValue::LongString(b"\xff\0".as_slice().into())),
            ("date", AMQPValue::Timestamp(1_795_197_262)),
            ("float", AMQPValue::Double(0.5)),
            ("nan", AMQPValue::Double(f64::NAN)),
            ("none", AMQPValue::Void),
            ("severity", AMQPValue::LongInt(20)),
            ("user", AMQPValue::Boolean(true)),
            ("x-received-from", AMQPValue::FieldArray(list)),
        ] {
            table.insert(name.into(), value);
        }
        expect![[r#"{"bytes":{"base64":"/wA="},"date":1795197262,"float":0.5,"nan":null,"none":null,"severity":20,"user":true,"x-received-from":[{"uri":"amqp://x"}]}"#]]
            .assert_eq(&Value::from(to_json(&table)).to_string());
    }

    #[test]
    fn what_amqp_has_no_room_for_is_told() {
        let told = |json: Value| from_json(json.as_object().unwrap()).unwrap_err().to_string();
        assert_eq!(told(json!({"": 1})), "a header without a name");
        assert!(told(json!({"n".repeat(256): 1})).ends_with("has more than 255 bytes"));
        assert_eq!(
            told(json!({"n": u64::MAX})),
            "the header n has a number that AMQP has no room for"
        );
        assert_eq!(
            told(json!({"n": {"base64": "?"}})),
            "the header n has base64 that cannot be read"
        );
        let deep = (0..40).fold(json!(1), |it, _| json!([it]));
        assert_eq!(told(json!({"n": deep})), "a header is nested deeper than 32 levels");
    }

    #[test]
    fn a_table_that_is_nested_without_end_is_cut() {
        let deep = (0..5000).fold(FieldTable::default(), |inner, _| {
            let mut outer = FieldTable::default();
            outer.insert("n".into(), AMQPValue::FieldTable(inner));
            outer
        });
        assert!(Value::from(to_json(&deep)).to_string().contains('…'));
        // Dropping it as it is would end in itself, thousands of calls deep.
        std::mem::forget(deep);
    }

    proptest! {
        #[test]
        fn json_comes_back_as_it_was(names in prop::collection::btree_map("[a-z-]{1,9}", leaf(), 0..6)) {
            let object: Map<String, Value> = names.into_iter().collect();
            let table = from_json(&object).unwrap();
            prop_assert_eq!(to_json(&table), object);
            // The size is what a table of known fields takes.
            prop_assert!(size(&table) >= 4);
        }
    }

    #[test]
    fn the_size_is_that_on_the_wire() {
        let table = from_json(json!({"ab": true, "c": "text", "d": 7}).as_object().unwrap()).unwrap();
        assert_eq!(
            size(&table),
            4 + (1 + 2 + 1 + 1) + (1 + 1 + 1 + 4 + 4) + (1 + 1 + 1 + 4)
        );
    }

    fn leaf() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(|it: f64| Value::from(it + 0.5)),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|it| Value::from(it.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }
}
