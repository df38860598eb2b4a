//! An org's own prices of models.

use std::sync::Arc;

use theazo_domain::model_prices::{ModelPrices, SetModelPrice};
use theazo_domain::{Kind, Scope, StreamId};
use theazo_log::Position;

use crate::{CommandError, Commander, Done, Origin};

impl Commander {
    /// The org's own prices; none when it never set one.
    pub async fn model_prices(&self, scope: Scope) -> Result<Arc<ModelPrices>, CommandError> {
        let stream = StreamId::singleton(scope, Kind::ModelPrices);
        if let Some(prices) = self.load::<ModelPrices>(&stream).await?.state {
            return Ok(prices);
        }
        // Most orgs never set one, and every model call asks: that there is none is kept too. A
        // commit puts what it makes in its place, and no prices are as good as none to decide on.
        let none = Arc::<ModelPrices>::default();
        self.cache.put(&stream, none.clone(), Position::START);
        Ok(none)
    }

    pub async fn set_model_price(
        &self,
        origin: &Origin,
        set: &SetModelPrice,
    ) -> Result<Done<ModelPrices>, CommandError> {
        let stream = StreamId::singleton(origin.scope, Kind::ModelPrices);
        self.execute(origin, &stream, set).await
    }
}
