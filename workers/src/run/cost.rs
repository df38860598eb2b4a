//! What a model call costs, with the price that holds when it ends.

use theazo_domain::model_prices::ModelPrices;
use theazo_domain::pricing::{CallFee, ModelPrice, ModelUsage, PriceBasis, TokenUsage};
use theazo_domain::{Pico, Timestamp};
use theazo_models::{Route, Wire};

use super::{Run, RunError};

impl Run {
    /// The usage record of step `step`, whose route's `leg` answered as `served`.
    pub(super) async fn usage(
        &self,
        step: u32,
        leg: u8,
        served: &str,
        tokens: TokenUsage,
        charged: Option<Pico>,
    ) -> Result<ModelUsage, RunError> {
        let own = self.runner.host.commander.model_prices(self.scope).await?;
        Ok(self.priced(step, leg, served, tokens, charged, &own))
    }

    /// The same when there is no time to ask for the org's own prices: those of the table, or
    /// none when the log cannot be waited for.
    pub(super) fn usage_now(
        &self,
        step: u32,
        leg: u8,
        served: &str,
        tokens: TokenUsage,
        charged: Option<Pico>,
    ) -> Option<ModelUsage> {
        Some(self.priced(step, leg, served, tokens, charged, &self.own_prices))
    }

    fn priced(
        &self,
        step: u32,
        leg: u8,
        served: &str,
        tokens: TokenUsage,
        charged: Option<Pico>,
        own: &ModelPrices,
    ) -> ModelUsage {
        let route = self.route.leg(leg);
        let at = theazo_commands::now();
        let price = [route.model.as_str(), served]
            .iter()
            .find_map(|model| self.price(route, model, own, at));
        let (basis, whole) = match (&price, charged) {
            _ if route.wire == Wire::Mock => (PriceBasis::Mock, Pico::ZERO),
            _ if route.byoi => (PriceBasis::Byoi, CallFee::now().pico_per_call),
            (_, Some(charged)) => (PriceBasis::Reported, charged),
            (Some(price), None) => (PriceBasis::Table, price.cost(&tokens)),
            (None, None) => (PriceBasis::Unpriced, Pico::ZERO),
        };
        let model = served.to_owned();
        let id = format!("model/{}/{step}", self.task.id);
        let fee = (basis == PriceBasis::Byoi).then(CallFee::now);
        // What was not reserved is not billed.
        let cost = self.room().map_or(whole, |room| whole.min(room));
        let waived = whole.minus(cost);
        ModelUsage { id, model, at, tokens, basis, price, fee, cost, waived }
    }

    /// The price of `model`: the org's own, or the table's.
    pub(super) fn price(
        &self,
        route: &Route,
        model: &str,
        own: &ModelPrices,
        at: Timestamp,
    ) -> Option<ModelPrice> {
        let own = own.prices.get(model).or_else(|| own.prices.get(&named(route, model)));
        own.cloned().or_else(|| self.runner.models.prices().price(&route.vendor, model, at))
    }
}

fn named(route: &Route, model: &str) -> String {
    format!("{}/{model}", route.vendor)
}
