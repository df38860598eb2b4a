use std::sync::Arc;

use async_trait::async_trait;
use theazo_domain::agent::Agent;
use theazo_domain::api_key::ApiKey;
use theazo_domain::definition::Definition;
use theazo_domain::delivery::Delivery;
use theazo_domain::execution::Execution;
use theazo_domain::export::Export;
use theazo_domain::file_operation::FileOperation;
use theazo_domain::model_prices::ModelPrices;
use theazo_domain::org::Org;
use theazo_domain::providers::Providers;
use theazo_domain::secret::Secret;
use theazo_domain::settings::Settings;
use theazo_domain::snapshot::Snapshot;
use theazo_domain::task::Task;
use theazo_log::{Commit, Position};

use crate::audit::AuditProjection;
use crate::bulk::Bulk;
use crate::dialect::{Dialect, Pool};
use crate::exports::LedgerProjection;
use crate::org_chain::ChainProjection;
use crate::sessions::SessionView;
use crate::table::Folded;
use crate::tenants::Tenants;
use crate::{Model, Options, ProjectionError};

/// Folds commits into the rows of one read model.
///
/// It runs ahead of the writer: what it gave is written later, in the same order, or not at all;
/// then it is dropped and made anew. So it may read committed rows only, and must remember what it
/// gave until [`Projection::committed`] says that it is written.
#[async_trait]
pub(crate) trait Projection: Send {
    /// The rows that `batch` changes; `batch` follows on the last one without a gap. `tenants` has
    /// all tenants in it, and `committed` is to read what is written.
    async fn fold(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        committed: &Pool,
    ) -> Result<Vec<Bulk>, ProjectionError>;

    /// All that was given up to `position` is written.
    fn committed(&mut self, position: Position);
}

/// The projection of `model` onto the tables with `prefix`, from their checkpoint on.
pub(crate) fn make(
    model: Model,
    dialect: Dialect,
    prefix: &str,
    options: &Options,
) -> Box<dyn Projection> {
    match model {
        Model::Sessions => Box::new(Folded::<SessionView>::new(dialect, prefix)),
        Model::Agents => Box::new(Folded::<Agent>::new(dialect, prefix)),
        Model::Executions => Box::new(Folded::<Execution>::new(dialect, prefix)),
        Model::FileOperations => Box::new(Folded::<FileOperation>::new(dialect, prefix)),
        Model::Tasks => Box::new(Folded::<Task>::new(dialect, prefix)),
        Model::Definitions => Box::new(Folded::<Definition>::new(dialect, prefix)),
        Model::Deliveries => Box::new(Folded::<Delivery>::new(dialect, prefix)),
        Model::Exports => Box::new(Folded::<Export>::new(dialect, prefix)),
        Model::ExportLedger => Box::new(LedgerProjection::new(dialect, prefix)),
        Model::Snapshots => Box::new(Folded::<Snapshot>::new(dialect, prefix)),
        Model::Secrets => Box::new(Folded::<Secret>::new(dialect, prefix)),
        Model::ApiKeys => Box::new(Folded::<ApiKey>::new(dialect, prefix)),
        Model::Orgs => Box::new(Folded::<Org>::new(dialect, prefix)),
        Model::Settings => Box::new(Folded::<Settings>::new(dialect, prefix)),
        Model::Providers => Box::new(Folded::<Providers>::new(dialect, prefix)),
        Model::ModelPrices => Box::new(Folded::<ModelPrices>::new(dialect, prefix)),
        Model::Audit => Box::new(AuditProjection::new(dialect, prefix)),
        Model::OrgChain => Box::new(ChainProjection::new(dialect, prefix, options)),
    }
}
