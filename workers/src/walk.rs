//! Every row of a read model that something is to be done about, however many they are.

use futures::stream::{self, TryStreamExt};
use futures::{Stream, StreamExt};
use theazo_projections::{ReadError, Scoped};

/// Rows read at once.
const BATCH: u32 = 500;

/// All that `page` gives: at most so many rows after a sequence number at a time, oldest first. A
/// page that is not full is the last one.
pub(crate) fn walk<T, F>(
    page: impl FnMut(u64, u32) -> F + Send,
) -> impl Stream<Item = Result<Scoped<T>, ReadError>> + Send
where
    T: Send,
    F: Future<Output = Result<Vec<Scoped<T>>, ReadError>> + Send,
{
    let pages = stream::try_unfold((page, Some(0)), |(mut page, after)| async move {
        let Some(after) = after else { return Ok::<_, ReadError>(None) };
        let rows = page(after, BATCH).await?;
        let full = rows.len() == BATCH as usize;
        let next = rows.last().map(|found| found.row.seq).filter(|_| full);
        Ok(Some((stream::iter(rows).map(Ok), (page, next))))
    });
    pages.try_flatten()
}

#[cfg(test)]
mod tests {
    use theazo_domain::{Mode, OrgId, Scope};
    use theazo_projections::Row;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn every_row_comes_once_and_nothing_is_read_after_the_last() {
        let scope = Scope { org: OrgId::from_uuid(Uuid::nil()), mode: Mode::Live };
        for (rows, reads) in [(0, 1), (7, 1), (500, 2), (1_200, 3)] {
            let mut asked = 0;
            let walked: Vec<u64> = walk(|after, limit| {
                asked += 1;
                let seqs = (after + 1..=rows).take(limit as usize);
                let revision = theazo_log::Position(0);
                let row = |seq| Scoped { scope, row: Row { seq, revision, value: seq } };
                std::future::ready(Ok(seqs.map(row).collect()))
            })
            .map_ok(|found| found.row.value)
            .try_collect()
            .await
            .unwrap();
            assert_eq!(walked, (1..=rows).collect::<Vec<_>>());
            assert_eq!(asked, reads);
        }
    }
}
