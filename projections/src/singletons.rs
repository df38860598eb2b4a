//! What an org has once per mode: its settings, its compute providers and its own prices of models.

use std::borrow::Cow;

use theazo_domain::model_prices::ModelPrices;
use theazo_domain::providers::Providers;
use theazo_domain::settings::Settings;
use theazo_domain::{Kind, Scope, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::Query;
use crate::table::{Table, own_fold, own_row};
use crate::{Model, ReadError, ReadModels, Row};

macro_rules! singleton {
    ($name:ident) => {
        impl Table for $name {
            const MODEL: Model = Model::$name;
            const KIND: Kind = Kind::$name;
            const COLUMNS: &'static [&'static str] = &[];
            const FIXED: &'static [&'static str] = &[];

            fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
                own_row::<$name>(commit)
            }

            fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
                own_fold(state, commit)
            }

            fn cells(&self, _: &mut Cells) {}
        }
    };
}

singleton!(Settings);
singleton!(Providers);
singleton!(ModelPrices);

impl ReadModels {
    /// The org's settings, once it has changed one.
    pub async fn settings(&self, scope: Scope) -> Result<Option<Row<Settings>>, ReadError> {
        Query::scoped(Model::Settings, scope).newest(self).await
    }

    /// The org's providers with their sealed credentials, once it has configured one.
    pub async fn providers(&self, scope: Scope) -> Result<Option<Row<Providers>>, ReadError> {
        Query::scoped(Model::Providers, scope).newest(self).await
    }

    /// The org's own prices of models, once it has set one.
    pub async fn model_prices(&self, scope: Scope) -> Result<Option<Row<ModelPrices>>, ReadError> {
        Query::scoped(Model::ModelPrices, scope).newest(self).await
    }
}
