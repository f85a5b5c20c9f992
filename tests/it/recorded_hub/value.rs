//! XML-RPC documents as values, for tests only: strict where a test wants to know, and nowhere clever.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    Call { method: String, arguments: Vec<Value> },
    Answer(Value),
    Fault { code: i64, text: String },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Time(String),
    Bytes(String),
    Array(Vec<Value>),
    Struct(BTreeMap<String, Value>),
}

impl Document {
    /// Returns the document, or what is wrong with it.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let root = tree(text)?;
        match root.name.as_str() {
            "methodCall" => {
                let method = root.child("methodName").ok_or("no method")?.text.clone();
                let params = root.child("params").map_or(&[][..], |it| &it.children);
                let arguments = params
                    .iter()
                    .map(|it| Value::of(it.only()?))
                    .collect::<Result<_, _>>()?;
                Ok(Self::Call { method, arguments })
            }
            "methodResponse" => match root.only()? {
                it if it.name == "fault" => match Value::of(it.only()?)? {
                    Value::Struct(it) => match (&it["faultCode"], &it["faultString"]) {
                        (Value::Int(code), Value::Text(text)) => Ok(Self::Fault {
                            code: *code,
                            text: text.clone(),
                        }),
                        _ => Err(format!("not a fault: {it:?}")),
                    },
                    it => Err(format!("not a fault: {it:?}")),
                },
                it => Ok(Self::Answer(Value::of(it.only()?.only()?)?)),
            },
            other => Err(format!("a document of {other}")),
        }
    }

    /// Returns the answer. A fault is not one.
    pub(crate) fn answer(self) -> Value {
        match self {
            Self::Answer(it) => it,
            it => panic!("not an answer: {it:?}"),
        }
    }
}

impl Value {
    fn of(value: &Element) -> Result<Self, String> {
        if value.name != "value" {
            return Err(format!("{} instead of a value", value.name));
        }
        let [typed] = &value.children[..] else {
            return Ok(Self::Text(value.text.clone()));
        };
        let text = typed.text.trim();
        let number = |it: &str| it.parse().map_err(|_| format!("not a number: {it}"));
        Ok(match typed.name.as_str() {
            "nil" => Self::Nil,
            "boolean" => Self::Bool(text == "1"),
            "int" | "i4" => Self::Int(i64::from(
                text.parse::<i32>().map_err(|_| format!("not 32 bits: {text}"))?,
            )),
            "i8" => Self::Int(number(text)?),
            "double" => Self::Double(text.parse().map_err(|_| format!("not a number: {text}"))?),
            "string" => Self::Text(typed.text.clone()),
            "dateTime.iso8601" => Self::Time(text.to_owned()),
            "base64" => Self::Bytes(text.to_owned()),
            "array" => {
                let items = &typed.only()?.children;
                Self::Array(items.iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            "struct" => {
                let member = |it: &Element| {
                    let name = it.child("name").ok_or("a member without a name")?.text.clone();
                    Ok((name, Self::of(it.child("value").ok_or("a member without a value")?)?))
                };
                Self::Struct(typed.children.iter().map(member).collect::<Result<_, String>>()?)
            }
            other => return Err(format!("a value of {other}")),
        })
    }

    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Self::Array(it) => it,
            it => panic!("not an array: {it:?}"),
        }
    }

    pub(crate) fn member(&self, name: &str) -> &Value {
        match self {
            Self::Struct(it) => it.get(name).unwrap_or_else(|| panic!("no {name} in {it:?}")),
            it => panic!("not a struct: {it:?}"),
        }
    }

    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(it) => *it,
            it => panic!("not a number: {it:?}"),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(it) => it,
            it => panic!("not a text: {it:?}"),
        }
    }

    /// Returns the value as it is sent.
    pub(crate) fn xml(&self) -> String {
        let inside = match self {
            Self::Nil => "<nil/>".to_owned(),
            Self::Bool(it) => format!("<boolean>{}</boolean>", u8::from(*it)),
            Self::Int(it) if i32::try_from(*it).is_ok() => format!("<int>{it}</int>"),
            Self::Int(it) => format!("<i8>{it}</i8>"),
            Self::Double(it) => format!("<double>{it:?}</double>"),
            Self::Text(it) => format!("<string>{}</string>", escaped(it)),
            Self::Time(it) => format!("<dateTime.iso8601>{it}</dateTime.iso8601>"),
            Self::Bytes(it) => format!("<base64>{it}</base64>"),
            Self::Array(it) => {
                let items: String = it.iter().map(Self::xml).collect();
                format!("<array><data>{items}</data></array>")
            }
            Self::Struct(it) => {
                let member = |(name, value): (&String, &Self)| {
                    format!("<member><name>{}</name>{}</member>", escaped(name), value.xml())
                };
                format!("<struct>{}</struct>", it.iter().map(member).collect::<String>())
            }
        };
        format!("<value>{inside}</value>")
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Self::Nil,
            Json::Bool(it) => Self::Bool(it),
            Json::Number(it) => it
                .as_i64()
                .map_or_else(|| Self::Double(it.as_f64().unwrap()), Self::Int),
            Json::String(it) => Self::Text(it),
            Json::Array(it) => Self::Array(it.into_iter().map(Self::from).collect()),
            Json::Object(it) => Self::Struct(it.into_iter().map(|(name, it)| (name, Self::from(it))).collect()),
        }
    }
}

/// Returns a call as it is sent.
pub(crate) fn call(method: &str, arguments: &[Value]) -> String {
    let params: String = arguments
        .iter()
        .map(|it| format!("<param>{}</param>", it.xml()))
        .collect();
    format!("<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|it| it.name == name)
    }

    fn only(&self) -> Result<&Self, String> {
        match &self.children[..] {
            [only] => Ok(only),
            _ => Err(format!("{} children of {}", self.children.len(), self.name)),
        }
    }
}

fn tree(text: &[u8]) -> Result<Element, String> {
    let mut reader = Reader::from_reader(text);
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|it| it.to_string())?;
        let top = open.last_mut().ok_or("an end too many")?;
        match event {
            Event::Start(it) => open.push(Element {
                name: it.name().as_ref().to_owned(),
                ..Element::default()
            }),
            Event::Empty(it) => top.children.push(Element {
                name: it.name().as_ref().to_owned(),
                ..Element::default()
            }),
            Event::End(_) => {
                let done = open.pop().ok_or("an end too many")?;
                open.last_mut().ok_or("an end too many")?.children.push(done);
            }
            Event::Text(it) => top.text.push_str(&it.xml10_content()),
            Event::GeneralRef(it) => {
                let name = it.xml10_content();
                let number = it.resolve_char_ref().map_err(|it| it.to_string())?;
                let plain = quick_xml::escape::resolve_xml_entity(&name).map(str::to_owned);
                let meant = number.map(String::from).or(plain);
                top.text.push_str(&meant.ok_or(format!("an unknown entity: {name}"))?);
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => return Err(format!("not for XML-RPC: {other:?}")),
        }
    }
    let [root] = open
        .pop()
        .map(|it| it.children)
        .and_then(|it| it.try_into().ok())
        .ok_or("no single root")?;
    Ok(root)
}

#[test]
fn what_is_written_is_read() {
    let text = r#"{"a": [1, 5000000000, -7, 1.5, true, null, "<&> \u00e9\n", [], {}], "__starstar": true}"#;
    let value = Value::from(serde_json::from_str::<serde_json::Value>(text).unwrap());
    let read = Document::parse(call("x.y", &[value.clone(), Value::Nil]).as_bytes());
    let method = "x.y".to_owned();
    let arguments = vec![value, Value::Nil];
    assert_eq!(read, Ok(Document::Call { method, arguments }));
}

#[test]
fn bare_text_is_a_string() {
    let read = Document::parse(b"<methodResponse><params><param><value>a b</value></param></params></methodResponse>");
    assert_eq!(read, Ok(Document::Answer(Value::Text("a b".to_owned()))));
    assert!(Document::parse(b"<html></html>").is_err());
    assert!(Document::parse(b"").is_err());
}
