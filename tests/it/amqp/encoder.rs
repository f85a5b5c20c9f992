//! Writes values down, in both encodings, to be read back.

use koji_notify::bus::amqp::Item;

/// A value with all that is in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Switch(bool),
    Whole(i64),
    Unsigned(u64),
    Float(f64),
    Letter(char),
    Time(i64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    /// A value with a descriptor, which is not kept.
    Described(Box<Self>),
}

impl Tree {
    /// Returns what was read. It is compared to what was written with all descriptors taken away.
    pub(crate) fn of(item: Item<'_>) -> Self {
        match item {
            Item::Null => Self::Null,
            Item::Switch(it) => Self::Switch(it),
            Item::Whole(it) => Self::Whole(it),
            Item::Unsigned(it) => Self::Unsigned(it),
            Item::Float(it) => Self::Float(it),
            Item::Letter(it) => Self::Letter(it),
            Item::Time(it) => Self::Time(it),
            Item::Text(it) => Self::Text(it.to_owned()),
            Item::Bytes(it) => Self::Bytes(it.to_owned()),
            Item::List(items) => Self::List(items.map(|it| Self::of(it.unwrap())).collect()),
            Item::Map(items) => {
                let all: Vec<Self> = items.map(|it| Self::of(it.unwrap())).collect();
                let pairs = all.chunks(2).map(|it| (it[0].clone(), it[1].clone()));
                Self::Map(pairs.collect())
            }
            Item::Other(it) => panic!("{it:?} was not written"),
        }
    }

    /// Returns the value of JSON.
    pub(crate) fn of_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(it) => Self::Switch(*it),
            serde_json::Value::Number(it) => it
                .as_i64()
                .map_or_else(|| Self::Float(it.as_f64().unwrap()), Self::Whole),
            serde_json::Value::String(it) => Self::Text(it.clone()),
            serde_json::Value::Array(it) => Self::List(it.iter().map(Self::of_json).collect()),
            serde_json::Value::Object(it) => {
                let pairs = it.iter().map(|(key, it)| (Self::Text(key.clone()), Self::of_json(it)));
                Self::Map(pairs.collect())
            }
        }
    }

    /// Returns it without descriptors.
    pub(crate) fn plain(&self) -> Self {
        match self {
            Self::Described(it) => it.plain(),
            Self::List(it) => Self::List(it.iter().map(Self::plain).collect()),
            Self::Map(it) => Self::Map(it.iter().map(|(key, it)| (key.plain(), it.plain())).collect()),
            it => it.clone(),
        }
    }
}

/// Writes a value in AMQP 1.0, in its shortest or in its longest form.
pub(crate) fn one_zero(tree: &Tree, short: bool) -> Vec<u8> {
    match tree {
        Tree::Null => vec![0x40],
        Tree::Switch(it) if short => vec![0x42 - u8::from(*it)],
        Tree::Switch(it) => vec![0x56, (*it).into()],
        Tree::Whole(it) => match i8::try_from(*it) {
            Ok(it) if short => with(0x55, it.to_be_bytes()),
            _ => with(0x81, it.to_be_bytes()),
        },
        Tree::Unsigned(0) if short => vec![0x44],
        Tree::Unsigned(it) => match u8::try_from(*it) {
            Ok(it) if short => vec![0x53, it],
            _ => with(0x80, it.to_be_bytes()),
        },
        Tree::Float(it) => with(0x82, it.to_be_bytes()),
        Tree::Letter(it) => with(0x73, u32::from(*it).to_be_bytes()),
        Tree::Time(it) => with(0x83, it.to_be_bytes()),
        Tree::Text(it) => sized(0xa1, 0xb1, it.as_bytes(), short),
        Tree::Bytes(it) => sized(0xa0, 0xb0, it, short),
        Tree::List(it) if it.is_empty() && short => vec![0x45],
        Tree::List(it) => {
            let body: Vec<Vec<u8>> = it.iter().map(|it| one_zero(it, short)).collect();
            counted(0xc0, 0xd0, &body, short)
        }
        Tree::Map(it) => {
            let body = it
                .iter()
                .flat_map(|(key, it)| [one_zero(key, short), one_zero(it, short)]);
            counted(0xc1, 0xd1, &body.collect::<Vec<_>>(), short)
        }
        Tree::Described(it) => {
            let mut all = vec![0x00, 0xa3, 1, b'x'];
            all.extend(one_zero(it, short));
            all
        }
    }
}

/// Writes a map in AMQP 0-10, as a body. Its keys are texts.
pub(crate) fn zero_ten(tree: &Tree) -> Vec<u8> {
    let Tree::Map(pairs) = tree else {
        panic!("{tree:?} is no map");
    };
    let mut body = u32::try_from(pairs.len()).unwrap().to_be_bytes().to_vec();
    for (key, value) in pairs {
        let Tree::Text(key) = key else {
            panic!("{key:?} is no key");
        };
        body.push(key.len() as u8);
        body.extend(key.as_bytes());
        body.extend(value_of_zero_ten(value));
    }
    let mut all = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    all.extend(body);
    all
}

fn value_of_zero_ten(tree: &Tree) -> Vec<u8> {
    let sized = |code: u8, bytes: &[u8]| {
        let mut all = with(code, u16::try_from(bytes.len()).unwrap().to_be_bytes());
        all.extend(bytes);
        all
    };
    match tree {
        Tree::Null => vec![0xf0],
        Tree::Switch(it) => vec![0x08, (*it).into()],
        Tree::Whole(it) => with(0x31, it.to_be_bytes()),
        Tree::Unsigned(it) => with(0x32, it.to_be_bytes()),
        Tree::Float(it) => with(0x33, it.to_be_bytes()),
        Tree::Text(it) => sized(0x95, it.as_bytes()),
        Tree::Bytes(it) => sized(0x90, it),
        Tree::List(it) => {
            let mut body = u32::try_from(it.len()).unwrap().to_be_bytes().to_vec();
            body.extend(it.iter().flat_map(value_of_zero_ten));
            let mut all = with(0xa9, u32::try_from(body.len()).unwrap().to_be_bytes());
            all.extend(body);
            all
        }
        Tree::Map(_) => {
            let mut all = vec![0xa8];
            all.extend(zero_ten(tree));
            all
        }
        Tree::Letter(_) | Tree::Time(_) | Tree::Described(_) => panic!("{tree:?} is not of 0-10"),
    }
}

/// Writes the sections of a message, by the numbers of their descriptors.
pub(crate) fn message(sections: &[(u8, Tree)]) -> Vec<u8> {
    let sections = sections.iter().map(|(number, it)| section(&[*number], it));
    sections.collect::<Vec<_>>().concat()
}

/// Writes a section, described by a number in one octet or by a name.
pub(crate) fn section(descriptor: &[u8], value: &Tree) -> Vec<u8> {
    let mut all = match descriptor {
        [number] => vec![0x00, 0x53, *number],
        name => [&[0x00, 0xa3, name.len() as u8], name].concat(),
    };
    all.extend(one_zero(value, false));
    all
}

fn with<const N: usize>(code: u8, octets: [u8; N]) -> Vec<u8> {
    let mut all = vec![code];
    all.extend(octets);
    all
}

fn sized(small: u8, large: u8, bytes: &[u8], short: bool) -> Vec<u8> {
    let mut all = match u8::try_from(bytes.len()) {
        Ok(length) if short => vec![small, length],
        _ => with(large, u32::try_from(bytes.len()).unwrap().to_be_bytes()),
    };
    all.extend(bytes);
    all
}

fn counted(small: u8, large: u8, items: &[Vec<u8>], short: bool) -> Vec<u8> {
    let body = items.concat();
    let size = u8::try_from(body.len() + 1);
    let mut all = match (size, u8::try_from(items.len())) {
        (Ok(size), Ok(count)) if short => vec![small, size, count],
        _ => {
            let mut all = with(large, u32::try_from(body.len() + 4).unwrap().to_be_bytes());
            all.extend(u32::try_from(items.len()).unwrap().to_be_bytes());
            all
        }
    };
    all.extend(body);
    all
}
