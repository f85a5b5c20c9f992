//! The arguments of a task that is new: then its request is still the text of the XML-RPC call that made it.
//!
//! The values are read as those of JSON, which is how the same request comes a moment later. What is no such call, or
//! beyond the limits, tells nothing. It deliberately does not know what the arguments mean.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// The longest call that is read, in bytes. Real ones end at a few kilobytes.
const MAX_CALL: usize = 256 * 1024;

/// The deepest nesting of arrays and structs.
const MAX_DEPTH: usize = 16;

/// Returns the arguments of a call, as an array.
pub(super) fn arguments(text: &str) -> Option<Value> {
    if text.len() > MAX_CALL {
        return None;
    }
    let mut call = Call {
        reader: Reader::from_str(text),
        text: String::new(),
    };
    let mut arguments = Vec::new();
    let mut is_whole = false;
    loop {
        match call.next()? {
            Token::Open(it) if it == "value" => arguments.push(call.value(MAX_DEPTH)?),
            Token::Empty(it) if it == "value" => arguments.push(Value::String(String::new())),
            Token::Close(it) => is_whole = it == "methodCall",
            Token::Open(_) | Token::Empty(_) => {}
            Token::End => return is_whole.then_some(Value::Array(arguments)),
        }
    }
}

/// What comes next, but for text.
enum Token {
    Open(String),
    Empty(String),
    Close(String),
    End,
}

struct Call<'a> {
    reader: Reader<&'a [u8]>,
    /// The text since the last token.
    text: String,
}

impl Call<'_> {
    /// Reads a value up to its end; it is open already.
    fn value(&mut self, depth: usize) -> Option<Value> {
        let mut value = None;
        loop {
            match self.next()? {
                Token::Open(it) => {
                    value = Some(match it.as_str() {
                        "struct" => self.members(depth.checked_sub(1)?)?,
                        "array" => self.elements(depth.checked_sub(1)?)?,
                        _ => {
                            self.close()?;
                            simple(&it, &self.text)
                        }
                    });
                }
                Token::Empty(it) => value = Some(simple(&it, "")),
                // A value without a type is a text.
                Token::Close(_) => return Some(value.unwrap_or_else(|| simple("string", &self.text))),
                Token::End => return None,
            }
        }
    }

    fn members(&mut self, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        let mut name = String::new();
        loop {
            match self.next()? {
                Token::Open(it) if it == "name" => {
                    self.close()?;
                    name = std::mem::take(&mut self.text);
                }
                Token::Open(it) if it == "value" => {
                    let value = self.value(depth)?;
                    members.insert(std::mem::take(&mut name), value);
                }
                Token::Close(it) if it == "struct" => return Some(Value::Object(members)),
                Token::Open(_) | Token::Empty(_) | Token::Close(_) => {}
                Token::End => return None,
            }
        }
    }

    fn elements(&mut self, depth: usize) -> Option<Value> {
        let mut elements = Vec::new();
        loop {
            match self.next()? {
                Token::Open(it) if it == "value" => elements.push(self.value(depth)?),
                Token::Empty(it) if it == "value" => elements.push(Value::String(String::new())),
                Token::Close(it) if it == "array" => return Some(Value::Array(elements)),
                Token::Open(_) | Token::Empty(_) | Token::Close(_) => {}
                Token::End => return None,
            }
        }
    }

    /// Reads the text up to the end of an element that holds nothing else.
    fn close(&mut self) -> Option<()> {
        match self.next()? {
            Token::Close(_) => Some(()),
            Token::Open(_) | Token::Empty(_) | Token::End => None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        self.text.clear();
        loop {
            match self.reader.read_event().ok()? {
                Event::Start(it) => return Some(Token::Open(it.local_name().as_ref().to_owned())),
                Event::Empty(it) => return Some(Token::Empty(it.local_name().as_ref().to_owned())),
                Event::End(it) => return Some(Token::Close(it.local_name().as_ref().to_owned())),
                Event::Eof => return Some(Token::End),
                Event::Text(it) => self.text.push_str(&it.xml10_content()),
                Event::CData(it) => self.text.push_str(&it.xml10_content()),
                Event::GeneralRef(it) => self.text.push(match &*it {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ if it.is_char_ref() => it.resolve_char_ref().ok().flatten().unwrap_or('\u{fffd}'),
                    _ => return None,
                }),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::DocType(_) => return None,
            }
        }
    }
}

fn simple(kind: &str, text: &str) -> Value {
    match kind {
        "nil" => Value::Null,
        "boolean" => Value::Bool(text.trim() == "1"),
        "int" | "i1" | "i2" | "i4" | "i8" | "biginteger" => text.trim().parse::<i64>().map_or(Value::Null, Value::from),
        "double" | "float" => text.trim().parse::<f64>().map_or(Value::Null, Value::from),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(params: &str, expected: Option<Value>) {
        let call = format!(
            "<?xml version='1.0'?>\n<methodCall>\n<methodName>build</methodName>\n<params>\n{params}</params>\n</methodCall>\n"
        );
        assert_eq!(arguments(&call), expected, "{params}");
    }

    #[test]
    fn a_call_is_read() {
        check("", Some(json!([])));
        check(
            "<param>\n<value><string>a&amp;b</string></value>\n</param>\n",
            Some(json!(["a&b"])),
        );
        check("<param><value>bare &#233;</value></param>", Some(json!(["bare é"])));
        check(
            "<param><value><nil/></value></param><param><value/></param>",
            Some(json!([null, ""])),
        );
        check(
            "<param><value><int>7</int></value></param><param><value><ex:i8>-9</ex:i8></value></param>",
            Some(json!([7, -9])),
        );
        check(
            "<param><value><struct>\n<member>\n<name>scratch</name>\n<value><boolean>1</boolean></value>\n</member>\n\
             <member>\n<name>wait_builds</name>\n<value><array><data>\n<value><string>x</string></value>\n</data></array>\
             </value>\n</member>\n</struct></value></param>",
            Some(json!([{ "scratch": true, "wait_builds": ["x"] }])),
        );
    }

    #[test]
    fn what_is_no_call_tells_nothing() {
        check("<param><value><string>a</value></param>", None);
        check("<param><value><string>a<b/></string></value></param>", None);
        check("<param><value>&eacute;</value></param>", None);
        assert_eq!(arguments(""), None);
        assert_eq!(arguments("bash"), None);
        assert_eq!(arguments("<methodCall><params><param><value>"), None);
        assert_eq!(arguments("<!DOCTYPE a><methodCall></methodCall>"), None);
        assert_eq!(arguments(&"x".repeat(MAX_CALL + 1)), None);
        let levels = |count: usize| {
            format!(
                "{}{}",
                "<value><array><data>".repeat(count),
                "</data></array></value>".repeat(count)
            )
        };
        assert!(arguments(&format!("<methodCall>{}</methodCall>", levels(MAX_DEPTH))).is_some());
        assert_eq!(
            arguments(&format!("<methodCall>{}</methodCall>", levels(MAX_DEPTH + 1))),
            None
        );
    }
}
