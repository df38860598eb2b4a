//! What a model call costs, with the price that holds when it ends.

use theazo_domain::pricing::{CallFee, ModelUsage, PriceBasis, TokenUsage};
use theazo_domain::{Pico, model_prices::ModelPrices};
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
        let price = [route.model.as_str(), served].iter().find_map(|model| {
            let own = own.prices.get(*model).or_else(|| own.prices.get(&named(route, model)));
            own.cloned().or_else(|| self.runner.models.prices().price(&route.vendor, model, at))
        });
        let (basis, cost) = match (&price, charged) {
            _ if route.wire == Wire::Mock => (PriceBasis::Mock, Pico::ZERO),
            _ if route.byoi => (PriceBasis::Byoi, CallFee::now().pico_per_call),
            (_, Some(charged)) => (PriceBasis::Reported, charged),
            (Some(price), None) => (PriceBasis::Table, price.cost(&tokens)),
            (None, None) => (PriceBasis::Unpriced, Pico::ZERO),
        };
        let model = served.to_owned();
        let id = format!("model/{}/{step}", self.task.id);
        let fee = (basis == PriceBasis::Byoi).then(CallFee::now);
        ModelUsage { id, model, at, tokens, basis, price, fee, cost, waived: Pico::ZERO }
    }
}

fn named(route: &Route, model: &str) -> String {
    format!("{}/{model}", route.vendor)
}
