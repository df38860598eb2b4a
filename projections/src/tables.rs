//! Creating and dropping the read models' tables.

use crate::Model;
use crate::dialect::{Pool, Statement, Transaction};
use crate::standing::Told;

/// Makes the tables what this build expects, in one transaction: those of other schemas or folds
/// are emptied. Whoever projects does it first, and so takes over from whoever did before.
pub(crate) async fn prepare(writer: &Pool) -> Result<(), sqlx::Error> {
    let mut tx = writer.begin().await?;
    tx.make_place().await?;
    tx.script(include_str!("../../migrations/projections.sql").to_owned()).await?;
    if !tx.others_rebuild().await? {
        drop_shadows(&mut tx).await?;
    }
    // What has stopped is tried once more.
    tx.execute(Statement::new("DELETE FROM stopped")).await?;
    for &model in Model::ALL {
        let known = Statement::new("SELECT schema_hash FROM projections WHERE name = $1");
        let known = tx.row(known.bind(model.name())).await?;
        let hash = known.as_ref().map(|row| row.text(0)).transpose()?;
        if hash == Some(&model.schema_hash(tx.dialect())) {
            continue;
        }
        if hash.is_some() {
            tracing::info!(projection = model.name(), "schema changed: made anew");
        }
        create(&mut tx, model, "").await?;
    }
    begin_epoch(&mut tx).await?;
    tx.commit().await
}

/// From here on, what was folded before is not written any more.
pub(crate) async fn begin_epoch(tx: &mut Transaction) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO generations (id, number) VALUES (2, 1) \
               ON CONFLICT (id) DO UPDATE SET number = generations.number + 1";
    tx.execute(Statement::new(sql)).await?;
    // An epoch that was known is not to be forgotten and begun once more.
    tx.make_durable().await?;
    tx.notify(&Told::Look).await
}

/// Creates the empty tables of `model` with `prefix`, in place of those that are there, and its
/// checkpoint at 0.
pub(crate) async fn create(
    tx: &mut Transaction,
    model: Model,
    prefix: &str,
) -> Result<(), sqlx::Error> {
    drop_tables(tx, model, prefix).await?;
    tx.script(model.schema(tx.dialect(), prefix)).await?;
    let sql = "INSERT INTO projections (name, schema_hash, position) VALUES ($1, $2, 0)";
    let row = Statement::new(sql).bind(format!("{prefix}{model}"));
    tx.execute(row.bind(model.schema_hash(tx.dialect()))).await?;
    Ok(())
}

/// Removes the tables of `model` with `prefix`, and its checkpoint.
pub(crate) async fn drop_tables(
    tx: &mut Transaction,
    model: Model,
    prefix: &str,
) -> Result<(), sqlx::Error> {
    for table in model.tables() {
        tx.script(format!("DROP TABLE IF EXISTS {prefix}{table}")).await?;
    }
    forget(tx, format!("{prefix}{model}")).await
}

/// Removes what rebuilds left that did not come to their end.
pub(crate) async fn drop_shadows(tx: &mut Transaction) -> Result<(), sqlx::Error> {
    for table in tx.tables().await?.iter().filter(|table| is_shadow(table)) {
        tx.script(format!("DROP TABLE {table}")).await?;
    }
    for row in tx.rows(Statement::new("SELECT name FROM projections")).await? {
        let name = row.text(0)?;
        if is_shadow(name) {
            forget(tx, name.to_owned()).await?;
        }
    }
    Ok(())
}

/// Removes a checkpoint.
pub(crate) async fn forget(tx: &mut Transaction, name: String) -> Result<(), sqlx::Error> {
    tx.execute(Statement::new("DELETE FROM projections WHERE name = $1").bind(name)).await?;
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
