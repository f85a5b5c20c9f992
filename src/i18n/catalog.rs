//! A catalog of translated sentences, as `msgfmt` writes it (GNU gettext manual, "The Format of GNU MO Files").
//!
//! [`Catalog::read`] promises to end, and to answer with an error, whatever the bytes are. It deliberately does not
//! know where catalogs are found, nor contexts and character sets that our own catalogs do not use.

use std::collections::BTreeMap;

use super::Plural;

/// The most sentences a catalog may have.
const MAX_SENTENCES: u32 = 16 * 1024;

/// The most forms a sentence may have. Arabic needs six.
const MAX_FORMS: usize = 16;

const MAGIC: u32 = 0x9504_12de;

/// A catalog of translated sentences.
#[derive(Debug)]
pub struct Catalog {
    /// The translated forms by the English sentence; of a sentence without plural there is one.
    sentences: BTreeMap<String, Vec<String>>,
    plural: Plural,
}

/// Why a catalog cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("it cannot be read")]
    Unreadable(#[from] std::io::Error),
    #[error("it is not a catalog made by msgfmt")]
    NotACatalog,
    #[error("it ends too early")]
    Truncated,
    #[error("it is not in UTF-8")]
    NotUtf8,
    #[error("its rule for plurals is not understood: {0:?}")]
    BadPlural(String),
}

impl Catalog {
    /// Reads the contents of an `.mo` file.
    pub fn read(bytes: &[u8]) -> Result<Self, CatalogError> {
        let file = File::open(bytes)?;
        let count = file.number(8)?;
        let originals = file.number(12)?;
        let translations = file.number(16)?;
        if count > MAX_SENTENCES {
            return Err(CatalogError::NotACatalog);
        }
        let mut sentences = BTreeMap::new();
        let mut plural = Plural::default();
        // `msgfmt` writes each text once. Where they overlap, a small file would take a lot of memory.
        let mut left = bytes.len();
        for index in 0..count {
            let original = file.text(originals, index)?;
            let translation = file.text(translations, index)?;
            let size = original.len() + translation.len();
            left = left.checked_sub(size).ok_or(CatalogError::NotACatalog)?;
            if translation.bytes().filter(|it| *it == 0).count() >= MAX_FORMS {
                return Err(CatalogError::NotACatalog);
            }
            if original.is_empty() {
                plural = plural_of(translation)?;
                continue;
            }
            // A sentence with plural is stored as "one\0many"; it is asked for by its first form.
            let key = original.split('\0').next().unwrap_or_default();
            let forms = translation.split('\0').map(str::to_owned).collect();
            sentences.insert(key.to_owned(), forms);
        }
        Ok(Self { sentences, plural })
    }

    /// Returns the translated sentence, if there is one.
    pub fn sentence(&self, english: &str) -> Option<&str> {
        translated(self.sentences.get(english)?.first()?)
    }

    /// Returns the form for `n` of the translated sentence, if there is one.
    pub fn form(&self, english: &str, n: u64) -> Option<&str> {
        let forms = self.sentences.get(english)?;
        translated(forms.get(self.plural.form(n)?)?)
    }
}

/// An empty translation is one that nobody has made yet.
fn translated(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Returns the rule from a catalog's header, or that of English where the header has none.
fn plural_of(header: &str) -> Result<Plural, CatalogError> {
    let charset = field(header, "Content-Type").and_then(|it| it.split_once("charset=")?.1.split(';').next());
    if charset.is_some_and(|it| !it.trim().eq_ignore_ascii_case("utf-8")) {
        return Err(CatalogError::NotUtf8);
    }
    let Some(forms) = field(header, "Plural-Forms") else {
        return Ok(Plural::default());
    };
    let rule = forms
        .split(';')
        .filter_map(|it| it.split_once('='))
        .find(|(name, _)| name.trim() == "plural")
        .map(|(_, rule)| rule);
    rule.and_then(Plural::parse)
        .ok_or_else(|| CatalogError::BadPlural(forms.chars().take(80).collect()))
}

fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let found = header.lines().filter_map(|it| it.split_once(':'));
    found
        .into_iter()
        .find(|(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The bytes of an `.mo` file, in the byte order of the machine that made it.
struct File<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, CatalogError> {
        let magic = bytes.first_chunk::<4>().ok_or(CatalogError::NotACatalog)?;
        let is_big_endian = match (u32::from_le_bytes(*magic), u32::from_be_bytes(*magic)) {
            (MAGIC, _) => false,
            (_, MAGIC) => true,
            _ => return Err(CatalogError::NotACatalog),
        };
        let file = Self { bytes, is_big_endian };
        // The major revisions 0 and 1 are laid out alike as far as we read; the minor one does not matter.
        let major = file.number(4)? >> 16;
        if major > 1 {
            return Err(CatalogError::NotACatalog);
        }
        Ok(file)
    }

    fn number(&self, offset: u32) -> Result<u32, CatalogError> {
        let chunk = self
            .slice(offset, 4)?
            .first_chunk::<4>()
            .ok_or(CatalogError::Truncated)?;
        Ok(if self.is_big_endian {
            u32::from_be_bytes(*chunk)
        } else {
            u32::from_le_bytes(*chunk)
        })
    }

    /// Returns the text that the entry `index` of a table points to.
    fn text(&self, table: u32, index: u32) -> Result<&'a str, CatalogError> {
        let entry = index.checked_mul(8).and_then(|it| it.checked_add(table));
        let entry = entry.ok_or(CatalogError::Truncated)?;
        let length = self.number(entry)?;
        let offset = self.number(entry.checked_add(4).ok_or(CatalogError::Truncated)?)?;
        str::from_utf8(self.slice(offset, length)?).map_err(|_| CatalogError::NotUtf8)
    }

    fn slice(&self, offset: u32, length: u32) -> Result<&'a [u8], CatalogError> {
        let start = usize::try_from(offset).map_err(|_| CatalogError::Truncated)?;
        let length = usize::try_from(length).map_err(|_| CatalogError::Truncated)?;
        let end = start.checked_add(length).ok_or(CatalogError::Truncated)?;
        self.bytes.get(start..end).ok_or(CatalogError::Truncated)
    }
}
