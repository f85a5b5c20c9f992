//! Calls as XML, as Python's `xmlrpc.client.dumps` lays them out: what the hub hears from us is what it hears from
//! everybody else.

use super::Value;

/// Returns a call. Arguments by name come last ([`Value::named`]).
pub fn method_call(method: &str, params: &[Value]) -> Vec<u8> {
    let mut out = String::from("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    escape(method, &mut out);
    out.push_str("</methodName>\n<params>\n");
    for param in params {
        out.push_str("<param>\n");
        write(param, &mut out);
        out.push_str("</param>\n");
    }
    out.push_str("</params>\n</methodCall>\n");
    out.into_bytes()
}

/// Returns several calls as one. The hub carries them out in order, in one transaction; one that fails does not stop
/// the others.
pub fn multi_call<M: Into<String>>(calls: impl IntoIterator<Item = (M, Vec<Value>)>) -> Vec<u8> {
    let call = |(method, params): (M, Vec<Value>)| {
        Value::map([
            ("methodName", Value::Text(method.into())),
            ("params", Value::List(params)),
        ])
    };
    method_call("multiCall", &[Value::List(calls.into_iter().map(call).collect())])
}

fn write(value: &Value, out: &mut String) {
    match value {
        // Python ends every value's line but this one's.
        Value::Nil => {
            out.push_str("<value><nil/></value>");
            return;
        }
        Value::Bool(it) => element("boolean", if *it { "1" } else { "0" }, out),
        Value::Int(it) if i32::try_from(*it).is_ok() => element("int", &it.to_string(), out),
        Value::Int(it) => element("i8", &it.to_string(), out),
        Value::Double(it) if it.is_nan() => element("double", "nan", out),
        // `Debug` keeps the point of 1.0.
        Value::Double(it) => element("double", &format!("{it:?}"), out),
        Value::Text(it) => element("string", it, out),
        Value::List(list) => {
            out.push_str("<value><array><data>\n");
            for it in list {
                write(it, out);
            }
            out.push_str("</data></array></value>");
        }
        Value::Map(members) => {
            out.push_str("<value><struct>\n");
            for (name, it) in members {
                out.push_str("<member>\n<name>");
                escape(name, out);
                out.push_str("</name>\n");
                write(it, out);
                out.push_str("</member>\n");
            }
            out.push_str("</struct></value>");
        }
    }
    out.push('\n');
}

fn element(name: &str, content: &str, out: &mut String) {
    out.push_str("<value><");
    out.push_str(name);
    out.push('>');
    escape(content, out);
    out.push_str("</");
    out.push_str(name);
    out.push_str("></value>");
}

/// What XML cannot hold at all would make the whole call unreadable, so it is replaced. A carriage return would
/// arrive as a line feed.
fn escape(text: &str, out: &mut String) {
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(it),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(it),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: impl Into<Value>, expected: &str) {
        let mut out = String::new();
        write(&value.into(), &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn every_type_is_laid_out_as_python_does() {
        check(None::<bool>, "<value><nil/></value>");
        check(true, "<value><boolean>1</boolean></value>\n");
        check(i64::from(i32::MAX), "<value><int>2147483647</int></value>\n");
        check(i64::from(i32::MIN), "<value><int>-2147483648</int></value>\n");
        check(2_147_483_648_u64, "<value><i8>2147483648</i8></value>\n");
        check(1.0, "<value><double>1.0</double></value>\n");
        check(
            1_795_195_154.864_742,
            "<value><double>1795195154.864742</double></value>\n",
        );
        check(f64::NEG_INFINITY, "<value><double>-inf</double></value>\n");
        check(f64::NAN, "<value><double>nan</double></value>\n");
        check("a<&>\"'é", "<value><string>a&lt;&amp;&gt;\"'é</string></value>\n");
        check("\r\n\t\u{0}", "<value><string>&#13;\n\t\u{fffd}</string></value>\n");
        check(vec![], "<value><array><data>\n</data></array></value>\n");
        check(Value::Map(vec![]), "<value><struct>\n</struct></value>\n");
    }
}
