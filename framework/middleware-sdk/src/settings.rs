//! The settings of a middleware: a JSON object, read strictly.

use std::cell::RefCell;

use spin_mcp_protocol::json::{Kind, Value};

/// One table of the settings. Errors name keys from the top: `tools.allow`.
pub struct Settings<'a> {
    name: String,
    table: Value<'a>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Settings<'a> {
    pub fn parse(text: &'a str) -> Result<Settings<'a>, String> {
        match Value::parse(text) {
            Ok(table) if table.is_object() => Ok(Settings::table(String::new(), table)),
            _ => Err("they are not a table".to_owned()),
        }
    }

    fn table(name: String, table: Value<'a>) -> Settings<'a> {
        Settings {
            name,
            table,
            known: RefCell::default(),
        }
    }

    fn get(&self, key: &'static str) -> Option<Value<'a>> {
        self.known.borrow_mut().push(key);
        self.table.member(key)
    }

    fn name_of(&self, key: &str) -> String {
        match self.name.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.name),
        }
    }

    /// The error for a value of the wrong type.
    pub fn wrong(&self, key: &str, expected: &str) -> String {
        format!("`{}` must be {expected}", self.name_of(key))
    }

    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let value = self.get(key);
        value
            .map(|value| read(value).ok_or_else(|| self.wrong(key, expected)))
            .transpose()
    }

    pub fn string(&self, key: &'static str) -> Result<Option<String>, String> {
        self.read(key, "a string", string)
    }

    pub fn boolean(&self, key: &'static str) -> Result<Option<bool>, String> {
        self.read(key, "`true` or `false`", |value| match value.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// A whole number from 1 to `most`.
    pub fn count(&self, key: &'static str, most: u64) -> Result<Option<u64>, String> {
        self.read(key, &format!("a whole number from 1 to {most}"), |value| {
            let number = value.text.parse().ok()?;
            (1..=most).contains(&number).then_some(number)
        })
    }

    /// One of these words.
    pub fn choice(
        &self,
        key: &'static str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, String> {
        let expected = format!("one of `{}`", words.join("`, `"));
        self.read(key, &expected, |value| {
            words.iter().find(|word| value.is_str(word)).copied()
        })
    }

    pub fn strings(&self, key: &'static str) -> Result<Option<Vec<String>>, String> {
        self.read(key, "an array of strings", |value| {
            let array = (value.kind == Kind::Array).then_some(value)?;
            array.elements().map(string).collect()
        })
    }

    /// A table of strings, in order.
    pub fn pairs(&self, key: &'static str) -> Result<Vec<(String, String)>, String> {
        let pairs = self.read(key, "a table of strings", |value| {
            let table = value.is_object().then_some(value)?;
            table
                .members()
                .map(|(key, value)| Some((string(key)?, string(value)?)))
                .collect()
        })?;
        Ok(pairs.unwrap_or_default())
    }

    pub fn section(&self, key: &'static str) -> Result<Option<Settings<'a>>, String> {
        let table = self.read(key, "a table", |value| value.is_object().then_some(value))?;
        Ok(table.map(|table| Settings::table(self.name_of(key), table)))
    }

    /// Refuses unknown keys. Must be called after all keys were read.
    pub fn end(&self) -> Result<(), String> {
        let known = self.known.borrow();
        for (key, _) in self.table.members() {
            if !known.iter().any(|known| key.is_str(known)) {
                let name = self.name_of(&key.as_str().unwrap_or_default());
                return Err(format!(
                    "unknown key `{name}`; the keys here are `{}`",
                    known.join("`, `")
                ));
            }
        }
        Ok(())
    }
}

fn string(value: Value<'_>) -> Option<String> {
    value.as_str().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_what_they_must_be() {
        let settings = Settings::parse(
            r#"{"a":"x\n","b":true,"c":60,"d":["p","q"],"e":{"old":"new"},"f":{"g":"session"}}"#,
        )
        .unwrap();
        assert_eq!(settings.string("a").unwrap().unwrap(), "x\n");
        assert_eq!(settings.boolean("b"), Ok(Some(true)));
        assert_eq!(settings.count("c", 60), Ok(Some(60)));
        assert_eq!(settings.strings("d").unwrap().unwrap(), ["p", "q"]);
        assert_eq!(
            settings.pairs("e").unwrap(),
            [("old".to_owned(), "new".to_owned())]
        );
        assert_eq!(settings.string("absent"), Ok(None));
        let inner = settings.section("f").unwrap().unwrap();
        assert_eq!(
            inner.choice("g", &["session", "principal"]),
            Ok(Some("session"))
        );
        assert_eq!(inner.end(), Ok(()));
        assert_eq!(settings.end(), Ok(()));
    }

    #[test]
    fn problems_name_the_key() {
        let text = r#"{"a":1,"c":0,"s":{"g":"x","d":["p",1],"h":2}}"#;
        let settings = Settings::parse(text).unwrap();
        assert_eq!(settings.string("a").unwrap_err(), "`a` must be a string");
        assert_eq!(
            settings.count("c", 9).unwrap_err(),
            "`c` must be a whole number from 1 to 9"
        );
        let section = settings.section("s").unwrap().unwrap();
        assert_eq!(
            section.strings("d").unwrap_err(),
            "`s.d` must be an array of strings"
        );
        assert_eq!(
            section.choice("g", &["y", "z"]).unwrap_err(),
            "`s.g` must be one of `y`, `z`"
        );
        assert_eq!(
            section.end().unwrap_err(),
            "unknown key `s.h`; the keys here are `d`, `g`"
        );
        assert_eq!(settings.section("a").err().unwrap(), "`a` must be a table");
        assert_eq!(Settings::parse("[]").err().unwrap(), "they are not a table");
    }
}
