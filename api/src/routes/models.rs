//! The models that are known, and what they cost.

use axum::extract::State;
use theazo_commands::now;
use theazo_domain::model_prices::{ModelPrices, SetModelPrice};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::page::PageBody;
use crate::wire::model::{Model, Price, SetPrice};
use crate::write::{Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(model_list)).routes(routes!(model_price_set))
}

/// List models
///
/// All that are known, with their prices as of now, at once. Others work too, where their vendor
/// has them: they have no price until you set one.
#[utoipa::path(get, path = "/v1/models", tag = "models",
    responses((status = 200, description = "The models", body = PageBody<Model>)))]
async fn model_list(
    State(state): State<AppState>,
    reader: Reader,
) -> Result<Shown<PageBody<Model>>, ApiError> {
    let own = reader.models.model_prices(reader.scope()).await?;
    let own = own.map(|row| row.value).unwrap_or_default();
    let mut data: Vec<Model> = known(&state, &own).collect();
    for id in own.prices.keys() {
        if !data.iter().any(|model| model.id == *id) {
            data.push(unlisted(&state, &own, id));
        }
    }
    Ok(Shown(PageBody { data, next_cursor: None, has_more: false }))
}

/// Set your own price of a model
///
/// It holds from now on, before the vendor's; what was billed stays as it was.
#[utoipa::path(put, path = "/v1/models/{id}/price", tag = "models",
    params(("id" = String, Path, description = "Its id, with `/` as `%2F`")),
    request_body = SetPrice,
    responses((status = 200, description = "The model", body = Model)))]
async fn model_price_set(
    State(state): State<AppState>,
    writer: Writer,
    Path(id): Path<String>,
    Json(body): Json<SetPrice>,
) -> Result<Written<Model>, ApiError> {
    // Every name of a model stands for the same price.
    let id = state.models.canonical(&id).unwrap_or(id);
    let set = SetModelPrice { model: id.clone(), rates: body.into_rates()?, long_prompt: None };
    let done = writer.commander.set_model_price(writer.origin(), &set).await?;
    let listed = known(&state, &done.state).find(|model| model.id == id);
    let shown = listed.unwrap_or_else(|| unlisted(&state, &done.state, &id));
    Ok(Written::ok(&writer.caller, done.position, shown))
}

/// The models of the price table.
fn known<'a>(state: &'a AppState, own: &'a ModelPrices) -> impl Iterator<Item = Model> + 'a {
    state.models.prices().all(now()).map(|priced| {
        let id = format!("{}/{}", priced.vendor, priced.model);
        Model {
            own_price: own.prices.get(&id).map(Price::from),
            id,
            vendor: priced.vendor.to_owned(),
            model: priced.model.to_owned(),
            context_window: Some(priced.limits.context_window),
            max_output: Some(priced.limits.max_output),
            available: state.models.has_key(priced.vendor),
            price: Some(Price::from(priced.price)),
        }
    })
}

/// A model that only has a price of the caller's own.
fn unlisted(state: &AppState, own: &ModelPrices, id: &str) -> Model {
    let (vendor, model) = id.split_once('/').unwrap_or(("", id));
    Model {
        id: id.to_owned(),
        vendor: vendor.to_owned(),
        model: model.to_owned(),
        context_window: None,
        max_output: None,
        available: state.models.has_key(vendor),
        price: None,
        own_price: own.prices.get(id).map(Price::from),
    }
}
