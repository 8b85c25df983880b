//! Reads types as Hive and Spark write them.

use std::str::FromStr;

use super::{DataType, is_plain};

/// Types within each other that are read; a shape gives fewer.
const MAX_DEPTH: usize = 100;

/// A text is no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a type at character {}: expected {expected}", .at + 1)]
pub struct TypeError {
    /// Where it stops being one, in bytes.
    pub at: usize,
    /// What could stand there.
    pub expected: &'static str,
}

/// Reads a type, without regard to case but in names, and with spaces. Hive's and Spark's other
/// names of the same types are understood: `integer`, `smallint`, `tinyint`, `long`, `float`, `null`.
impl FromStr for DataType {
    type Err = TypeError;

    fn from_str(text: &str) -> Result<Self, TypeError> {
        let mut parser = Parser { text, at: 0 };
        let data_type = parser.data_type(0)?;
        parser.space();
        if parser.at < text.len() {
            return Err(parser.expected("nothing more after the type"));
        }
        Ok(data_type)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn expected(&self, expected: &'static str) -> TypeError {
        TypeError { at: self.at, expected }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(' ').len();
    }

    /// Moves past a character, if it is next.
    fn takes(&mut self, char: char) -> bool {
        self.space();
        let takes = self.rest().starts_with(char);
        self.at += if takes { char.len_utf8() } else { 0 };
        takes
    }

    fn take(&mut self, char: char, expected: &'static str) -> Result<(), TypeError> {
        if self.takes(char) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn word(&mut self) -> &'a str {
        self.space();
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType, TypeError> {
        if depth > MAX_DEPTH {
            return Err(self.expected("at most 100 types within each other"));
        }
        self.space();
        let start = self.at;
        Ok(match self.word().to_ascii_lowercase().as_str() {
            "void" | "null" => DataType::Void,
            "boolean" => DataType::Boolean,
            "int" | "integer" | "smallint" | "tinyint" => DataType::Int,
            "bigint" | "long" => DataType::Bigint,
            "double" | "float" => DataType::Double,
            "string" => DataType::String,
            "date" => DataType::Date,
            "timestamp" => DataType::Timestamp,
            "json" => DataType::Json,
            "decimal" => self.decimal()?,
            "array" => {
                self.open()?;
                let element = self.data_type(depth + 1)?;
                self.close()?;
                DataType::Array(Box::new(element))
            }
            "map" => self.map(depth)?,
            "struct" => DataType::Struct(self.list(|parser| parser.field(depth))?),
            "choice" => DataType::Choice(self.list(|parser| parser.data_type(depth + 1))?),
            _ => {
                self.at = start;
                return Err(self.expected("the name of a type"));
            }
        })
    }

    fn decimal(&mut self) -> Result<DataType, TypeError> {
        const EXPECTED: &str = "(38,0)";
        self.take('(', EXPECTED)?;
        let precision = self.word();
        self.take(',', EXPECTED)?;
        let scale = self.word();
        self.take(')', EXPECTED)?;
        if (precision, scale) == ("38", "0") {
            return Ok(DataType::Decimal);
        }
        Err(self.expected("decimal(38,0) as the only decimal"))
    }

    fn map(&mut self, depth: usize) -> Result<DataType, TypeError> {
        self.open()?;
        let start = self.at;
        if self.data_type(depth + 1)? != DataType::String {
            self.at = start;
            return Err(self.expected("string as the type of keys"));
        }
        self.take(',', "`,`")?;
        let value = self.data_type(depth + 1)?;
        self.close()?;
        Ok(DataType::Map(Box::new(value)))
    }

    fn field(&mut self, depth: usize) -> Result<(String, DataType), TypeError> {
        let name = self.name()?;
        self.take(':', "`:`")?;
        Ok((name, self.data_type(depth + 1)?))
    }

    fn name(&mut self) -> Result<String, TypeError> {
        if !self.takes('`') {
            let word = self.word();
            return if word.is_empty() {
                Err(self.expected("a name"))
            } else {
                Ok(word.to_owned())
            };
        }
        let mut name = String::new();
        loop {
            let Some(end) = self.rest().find('`') else {
                return Err(self.expected("a backtick behind the name"));
            };
            name.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('`') {
                return Ok(name);
            }
            name.push('`');
            self.at += 1;
        }
    }

    fn open(&mut self) -> Result<(), TypeError> {
        self.take('<', "`<`")
    }

    fn close(&mut self) -> Result<(), TypeError> {
        self.take('>', "`>`")
    }

    /// What stands between `<` and `>`, separated by commas.
    fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, TypeError>,
    ) -> Result<Vec<T>, TypeError> {
        self.open()?;
        let mut items = Vec::new();
        if self.takes('>') {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.takes('>') {
                return Ok(items);
            }
            self.take(',', "`,` or `>`")?;
        }
    }
}
