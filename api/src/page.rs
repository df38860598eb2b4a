//! Lists: newest first, a page at a time, with a cursor that stays valid while rows are added.

use serde::Serialize;
use theazo_domain::Scope;
use theazo_projections::{Page, Row};
use utoipa::ToSchema;

use crate::AppState;
use crate::cursor::List;
use crate::error::ApiError;

const LIMIT_DEFAULT: u32 = 25;
const LIMIT_MAX: u32 = 100;

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageBody<T> {
    pub data: Vec<T>,
    /// Give it as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt")]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

impl<T> PageBody<T> {
    /// The same page of something made of each row.
    pub fn map<'a, U>(&'a self, show: impl FnMut(&'a T) -> U) -> PageBody<U> {
        PageBody {
            data: self.data.iter().map(show).collect(),
            next_cursor: self.next_cursor.clone(),
            has_more: self.has_more,
        }
    }
}

/// One page of a list that a caller asks for.
pub struct PageRequest<'a> {
    state: &'a AppState,
    list: List<'a>,
    limit: u32,
    before: Option<u64>,
}

impl<'a> PageRequest<'a> {
    /// `name` and `filters` say what list it is: a cursor of another one is refused.
    ///
    /// # Errors
    /// 422 when `limit` is not 1 to 100, or `cursor` is not one of this list.
    pub fn new(
        state: &'a AppState,
        scope: Scope,
        name: &'a str,
        filters: &'a [(&'a str, Option<&'a str>)],
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(ApiError::invalid("limit", format!("must be 1 to {LIMIT_MAX}")));
        }
        let list = List { scope, name, filters };
        let before = cursor.map(|cursor| state.cursors.check(&list, cursor)).transpose()?;
        Ok(Self { state, list, limit, before })
    }

    /// What to ask the read models for: one row more than is shown tells whether there are more.
    pub fn rows(&self) -> Page {
        Page { before: self.before, limit: self.limit + 1 }
    }

    /// The answer of `rows`, which were asked for with [`PageRequest::rows`].
    pub fn answer<T, U>(self, mut rows: Vec<Row<T>>, show: impl FnMut(Row<T>) -> U) -> PageBody<U> {
        let shown = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > shown;
        rows.truncate(shown);
        let last = rows.last().filter(|_| has_more).map(|row| row.seq);
        let next_cursor = last.map(|seq| self.state.cursors.sign(&self.list, seq));
        PageBody { data: rows.into_iter().map(show).collect(), next_cursor, has_more }
    }
}
