//! Just enough of Rust's grammar to tell code from comments and text: words, signs, literals, and where they stand.
//!
//! It knows nothing of what the words mean.

/// A piece of code, and the line where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A name, a keyword or a number.
    Word(String),
    /// A text literal as the program sees it, escapes resolved.
    Text(String),
    /// A character, a lifetime: nothing that we ask for.
    Other,
    /// `::`, or one character.
    Sign(char),
    /// `::`
    Path,
}

impl Token {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(it) if it == word)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(it) => Some(it),
            _ => None,
        }
    }

    pub(crate) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub(crate) fn is_path(&self) -> bool {
        self.kind == Kind::Path
    }
}

/// Returns the code without comments and white space.
pub(crate) fn tokens(code: &str) -> Vec<Token> {
    let mut reader = Reader { rest: code, line: 1 };
    let mut tokens = Vec::new();
    while let Some(kind) = reader.next() {
        let (line, kind) = kind;
        tokens.extend(kind.map(|kind| Token { line, kind }));
    }
    tokens
}

/// Returns the code in front of the unit tests, which stand at the end of a file.
pub(crate) fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod ").next().unwrap()
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    /// Takes one piece; `None` inside stands for a comment or white space.
    fn next(&mut self) -> Option<(usize, Option<Kind>)> {
        let line = self.line;
        let first = self.rest.chars().next()?;
        let kind = if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            None
        } else if self.rest.starts_with("/*") {
            self.block_comment();
            None
        } else if let Some(text) = self.text() {
            Some(Kind::Text(text))
        } else if first == '\'' {
            self.quote();
            Some(Kind::Other)
        } else if is_word(first) {
            let end = self.rest.find(|it| !is_word(it)).unwrap_or(self.rest.len());
            Some(Kind::Word(self.take(end)))
        } else if self.rest.starts_with("::") {
            self.take(2);
            Some(Kind::Path)
        } else {
            self.take(first.len_utf8());
            (!first.is_whitespace()).then_some(Kind::Sign(first))
        };
        Some((line, kind))
    }

    fn take(&mut self, length: usize) -> String {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken.to_owned()
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    return;
                }
            } else {
                self.take(self.rest.chars().next().unwrap().len_utf8());
            }
        }
    }

    /// Takes `"text"`, `r#"text"#` and the same for bytes and C strings.
    fn text(&mut self) -> Option<String> {
        let prefix = self.rest.find(|it| !matches!(it, 'b' | 'c' | 'r'))?;
        let (letters, rest) = self.rest.split_at(prefix);
        if letters.contains('r') {
            let hashes = rest.find(|it| it != '#')?;
            let rest = rest[hashes..].strip_prefix('"')?;
            let end = format!("\"{}", "#".repeat(hashes));
            let length = rest.find(&end)?;
            let text = rest[..length].to_owned();
            self.take(prefix + hashes + 1 + length + end.len());
            return Some(text);
        }
        let rest = rest.strip_prefix('"')?;
        let mut text = String::new();
        let mut chars = rest.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.take(prefix + 1 + at + 1);
                    return Some(text);
                }
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'u' => {
                        let hex: String = chars.by_ref().map(|it| it.1).take_while(|it| *it != '}').collect();
                        let number = u32::from_str_radix(hex.trim_start_matches('{'), 16).unwrap();
                        text.push(char::from_u32(number).unwrap());
                    }
                    '\n' => while chars.next_if(|it| it.1.is_whitespace()).is_some() {},
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
        None
    }

    /// Takes `'c'`, `'\''` or `'lifetime`.
    fn quote(&mut self) {
        let rest = &self.rest[1..];
        let second = rest.chars().next().map_or(0, char::len_utf8);
        if rest.starts_with('\\') {
            let end = rest[2..].find('\'').map_or(rest.len(), |it| it + 3);
            self.take(1 + end);
        } else if rest[second..].starts_with('\'') {
            self.take(1 + second + 1);
        } else {
            let end = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
            self.take(1 + end);
        }
    }
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}
