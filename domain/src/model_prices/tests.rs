use super::{MAX_MODELS, ModelPrices, ModelPricesEvent as E, SetModelPrice};
use crate::Pico;
use crate::pricing::{LongPrompt, ModelPrice, Rates, TokenUsage};
use crate::testing::{self, Given, at};

fn given(events: impl IntoIterator<Item = E>) -> Given<ModelPrices> {
    testing::given(events)
}

fn rates(input: i128) -> Rates {
    Rates { input: Pico(input), output: Pico(5 * input), ..Rates::default() }
}

fn set(model: &str, input: i128) -> SetModelPrice {
    SetModelPrice { model: model.to_owned(), rates: rates(input), long_prompt: None }
}

fn was_set(model: &str, row: u32, input: i128) -> E {
    let id = format!("own/{model}@{row}");
    let price = ModelPrice { id, rates: rates(input), long_prompt: None };
    E::Set { model: model.to_owned(), price }
}

#[test]
fn every_price_is_a_row_of_its_own() {
    let prices = given([])
        .when(&set("sonnet", 3))
        .then([was_set("sonnet", 1, 3)])
        .when(&set("llama", 1))
        .then([was_set("llama", 2, 1)])
        .when(&set("sonnet", 4))
        .then([was_set("sonnet", 3, 4)])
        .when(&set("sonnet", 3))
        .then([was_set("sonnet", 4, 3)])
        .state();
    assert_eq!((prices.prices.len(), prices.set), (2, 4));
    assert_eq!(prices.prices["sonnet"].id, "own/sonnet@4", "no row's name is used again");
    assert_eq!(prices.updated_at, Some(at(3)));
}

#[test]
fn the_same_price_again_changes_nothing() {
    given([was_set("sonnet", 1, 3)]).when(&set("sonnet", 3)).then_nothing();
}

#[test]
fn rates_of_long_prompts_are_a_part_of_the_price() {
    let long_prompt = Some(LongPrompt { over: 100, rates: rates(6) });
    let command = SetModelPrice { long_prompt, ..set("sonnet", 3) };
    let price = ModelPrice { id: "own/sonnet@2".to_owned(), rates: rates(3), long_prompt };
    let prices = given([was_set("sonnet", 1, 3)])
        .when(&command)
        .then([E::Set { model: "sonnet".to_owned(), price }])
        .when(&command)
        .then_nothing()
        .state();
    let tokens = |input| TokenUsage { input, output: 1, ..TokenUsage::default() };
    assert_eq!(prices.prices["sonnet"].cost(&tokens(100)), Pico(315));
    assert_eq!(prices.prices["sonnet"].cost(&tokens(101)), Pico(636));
}

#[test]
fn a_price_may_be_zero_and_is_not_negative() {
    given([]).when(&set("free", 0)).then([was_set("free", 1, 0)]);
    given([]).when(&set("sonnet", -1)).then_invalid(&["price"]);
    let each = [
        Rates { input: Pico(-1), ..Rates::default() },
        Rates { cache_read: Pico(-1), ..Rates::default() },
        Rates { cache_write_short: Pico(-1), ..Rates::default() },
        Rates { cache_write_long: Pico(-1), ..Rates::default() },
        Rates { output: Pico(-1), ..Rates::default() },
    ];
    for rates in each {
        given([]).when(&SetModelPrice { rates, ..set("sonnet", 1) }).then_invalid(&["price"]);
        let long_prompt = Some(LongPrompt { over: 1, rates });
        given([]).when(&SetModelPrice { long_prompt, ..set("sonnet", 1) }).then_invalid(&["price"]);
    }
}

#[test]
fn a_model_has_a_name() {
    given([]).when(&set("", 1)).then_invalid(&["id"]);
    given([]).when(&set(&"x".repeat(201), 1)).then_invalid(&["id"]);
    given([]).when(&set("line\nbreak", -1)).then_invalid(&["id", "price"]);
}

#[test]
fn models_are_not_without_end() {
    let most = (1..=u32::try_from(MAX_MODELS).unwrap()).map(|n| was_set(&format!("m{n}"), n, 1));
    let full = given(most);
    full.clone().when(&set("one more", 1)).then_conflict("1000 models");
    full.when(&set("m7", 2)).then([was_set("m7", 1_001, 2)]);
}
