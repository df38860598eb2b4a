//! Reads commits as they are stored, for verification: also those that cannot be decoded.

use super::packed::Packed;
use super::reader::{Reader, failed};
use super::{rows, selects};
use crate::{Filter, LogError, Position, RawCommit};

/// Rows read at a time.
const CHUNK: usize = 256;

impl Reader {
    pub(super) async fn read_raw(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RawCommit>, LogError> {
        let mut commits = Vec::new();
        let mut after = after;
        while commits.len() < limit {
            let wanted = CHUNK.min(limit - commits.len());
            let Some(select) = selects::matching_raw(filter, &self.scopes, after, wanted) else {
                break;
            };
            let row = select.fetch_one(&self.pool).await.map_err(failed)?;
            let packed = Packed::new(row).map_err(failed)?;
            let (rows, last) = (packed.rows, packed.last);
            commits.append(&mut packed.unpack(|columns| rows::raw(&columns))?);
            if rows < wanted {
                break;
            }
            after = last;
        }
        Ok(commits)
    }
}
