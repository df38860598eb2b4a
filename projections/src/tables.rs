//! Creating and dropping the read models' tables.

use sqlx::{AssertSqlSafe, Row as _};
use theazo_log::Position;

use crate::Model;
use crate::dialect::{self, Connection, Pool};
use crate::model::COUNT;

/// Makes the tables what this build expects, in one transaction, and tells the checkpoints.
pub(crate) async fn prepare(writer: &Pool) -> Result<[Position; COUNT], sqlx::Error> {
    let mut tx = dialect::begin(writer).await?;
    sqlx::raw_sql(include_str!("../../migrations/projections.sql")).execute(&mut *tx).await?;
    drop_shadows(&mut tx).await?;
    let mut checkpoints = [Position::START; COUNT];
    for &model in Model::ALL {
        let known = sqlx::query("SELECT schema_hash, position FROM projections WHERE name = $1")
            .bind(model.name())
            .fetch_optional(&mut *tx)
            .await?;
        let current = match &known {
            Some(row) if row.try_get::<&str, _>(0)? == model.schema_hash() => {
                Some(row.try_get::<i64, _>(1)?)
            }
            _ => None,
        };
        match current {
            Some(position) => checkpoints[model.index()] = Position(position.unsigned_abs()),
            None => {
                if known.is_some() {
                    tracing::info!(projection = model.name(), "schema changed: made anew");
                }
                create(&mut tx, model, "").await?;
            }
        }
    }
    tx.commit().await?;
    Ok(checkpoints)
}

/// Creates the empty tables of `model` with `prefix`, in place of those that are there, and its
/// checkpoint at 0.
pub(crate) async fn create(
    connection: &mut Connection,
    model: Model,
    prefix: &str,
) -> Result<(), sqlx::Error> {
    drop_tables(connection, model, prefix).await?;
    sqlx::raw_sql(AssertSqlSafe(model.schema(prefix))).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO projections (name, schema_hash, position) VALUES ($1, $2, 0)")
        .bind(format!("{prefix}{model}"))
        .bind(model.schema_hash())
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes the tables of `model` with `prefix`, and its checkpoint.
pub(crate) async fn drop_tables(
    connection: &mut Connection,
    model: Model,
    prefix: &str,
) -> Result<(), sqlx::Error> {
    for table in model.tables() {
        let sql = format!("DROP TABLE IF EXISTS {prefix}{table}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    sqlx::query("DELETE FROM projections WHERE name = $1")
        .bind(format!("{prefix}{model}"))
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes what rebuilds left that did not come to their end.
pub(crate) async fn drop_shadows(connection: &mut Connection) -> Result<(), sqlx::Error> {
    for table in dialect::tables(connection).await? {
        if is_shadow(&table) {
            let sql = format!("DROP TABLE {table}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
        }
    }
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM projections").fetch_all(&mut *connection).await?;
    for name in names.iter().filter(|name| is_shadow(name)) {
        sqlx::query("DELETE FROM projections WHERE name = $1")
            .bind(name)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Whether this is `g<number>_…`.
fn is_shadow(name: &str) -> bool {
    let number = name.strip_prefix('g').and_then(|rest| rest.split_once('_'));
    number.is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadows_are_told_by_their_name() {
        assert!(is_shadow("g12_sessions"));
        assert!(!is_shadow("generations"));
        assert!(!is_shadow("g_sessions"));
        assert!(!is_shadow("sessions"));
        assert!(Model::ALL.iter().flat_map(|m| m.tables()).all(|table| !is_shadow(table)));
    }
}
