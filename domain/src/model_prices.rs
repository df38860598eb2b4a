//! An org's own prices of models: they go before the platform's table.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::pricing::{LongPrompt, ModelPrice, Rates};
use crate::{Aggregate, Ctx, Event, FieldError, Kind, Rejection, Timestamp, validate};

/// Models that an org may price.
const MAX_MODELS: usize = 1_000;

events! {
    ModelPricesEvent {
        Set = "model_price.set" {
            /// The model's id, as it is asked for.
            model: String,
            price: ModelPrice,
        }
    }
}

/// Sets the price of one model. It holds from then on; what was billed before stays.
#[derive(Debug, Clone)]
pub struct SetModelPrice {
    pub model: String,
    pub rates: Rates,
    pub long_prompt: Option<LongPrompt>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPrices {
    pub prices: BTreeMap<String, ModelPrice>,
    /// How many were ever set: the number of the next row.
    pub set: u32,
    pub updated_at: Option<Timestamp>,
}

impl Aggregate for ModelPrices {
    const KIND: Kind = Kind::ModelPrices;
    type Command = SetModelPrice;
    type Event = ModelPricesEvent;

    fn decide(
        state: Option<&Self>,
        command: &SetModelPrice,
        _: Ctx,
    ) -> Result<Vec<ModelPricesEvent>, Rejection> {
        let none = ModelPrices::default();
        let now = state.unwrap_or(&none);
        let mut errors = Vec::new();
        validate::text("id", &command.model, 200, &mut errors);
        let long = command.long_prompt.as_ref().map(|long| &long.rates);
        if [Some(&command.rates), long].into_iter().flatten().any(Rates::has_negative) {
            errors.push(FieldError::new("price", "must not be negative"));
        }
        if !errors.is_empty() {
            return Err(Rejection::Invalid(errors));
        }
        let (rates, long_prompt) = (command.rates, command.long_prompt);
        match now.prices.get(&command.model) {
            Some(price) if price.rates == rates && price.long_prompt == long_prompt => {
                return Ok(vec![]);
            }
            None if now.prices.len() >= MAX_MODELS => {
                return Err(Rejection::conflict(format!(
                    "{MAX_MODELS} models have prices already."
                )));
            }
            _ => {}
        }
        let id = format!("own/{}@{}", command.model, now.set.saturating_add(1));
        let price = ModelPrice { id, rates, long_prompt };
        Ok(vec![ModelPricesEvent::Set { model: command.model.clone(), price }])
    }

    fn evolve(state: Option<Self>, event: &ModelPricesEvent, at: Timestamp) -> Option<Self> {
        let mut now = state.unwrap_or_default();
        let ModelPricesEvent::Set { model, price } = event;
        now.prices.insert(model.clone(), price.clone());
        now.set = now.set.saturating_add(1);
        now.updated_at = Some(at);
        Some(now)
    }

    fn own(event: &Event) -> Option<&ModelPricesEvent> {
        if let Event::ModelPrices(e) = event { Some(e) } else { None }
    }
}
