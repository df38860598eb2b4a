use std::sync::Arc;

/// A value of a cell or a placeholder. Text is shared where many rows have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Shared(Arc<str>),
    Word(&'static str),
    Integer(i64),
    Flag(bool),
    /// A text that is not there.
    Null,
}

impl Value {
    /// Its text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Shared(text) => Some(text),
            Value::Word(text) => Some(text),
            Value::Integer(_) | Value::Flag(_) | Value::Null => None,
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Value::Shared(text)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Value::Word(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Flag(flag)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// SQL with its values.
pub(crate) struct Statement {
    pub(super) sql: Arc<str>,
    pub(super) values: Vec<Value>,
    /// In bulk: how many columns the values are the rows of.
    pub(super) columns: Option<usize>,
}

impl Statement {
    /// SQL with the placeholders `$1`, `$2`, …
    pub(crate) fn new(sql: impl Into<Arc<str>>) -> Self {
        Self { sql: sql.into(), values: Vec::new(), columns: None }
    }

    /// The value of the next placeholder.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(crate) fn bind_all(mut self, values: Vec<Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// SQL with [`super::Dialect::placeholders`], and the cells of its rows.
    pub(crate) fn bulk(sql: Arc<str>, values: Vec<Value>, columns: usize) -> Self {
        Self { sql, values, columns: Some(columns) }
    }

    #[cfg(test)]
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    #[cfg(test)]
    pub(crate) fn values(&self) -> usize {
        self.values.len()
    }
}
