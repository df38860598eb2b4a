use theazo_domain::definition::{Definition, DefinitionCommand, DefinitionContent};
use theazo_domain::model_prices::{ModelPrices, SetModelPrice};
use theazo_domain::pricing::Rates;
use theazo_domain::{DefinitionId, Kind, Pico, StreamId};
use theazo_projections::Page;

use crate::place::{Store, on_both};
use crate::support::{World, live};

fn content(instructions: &str) -> Box<DefinitionContent> {
    let instructions = Some(instructions.to_owned());
    Box::new(DefinitionContent { instructions, ..DefinitionContent::default() })
}

async fn define(world: &mut World, name: &str) -> DefinitionId {
    let definition_id = DefinitionId::from_uuid(world.fresh());
    let (name, content) = (name.to_owned(), content("first"));
    let create = DefinitionCommand::Create { definition_id, name, content };
    tell(world, definition_id, create).await;
    definition_id
}

async fn tell(world: &mut World, id: DefinitionId, command: DefinitionCommand) {
    world.command::<Definition>(StreamId::definition(live(1), id), command).await.unwrap();
}

on_both!(a_definition_is_found_by_its_name_until_it_is_archived);
async fn a_definition_is_found_by_its_name_until_it_is_archived(on: Store) {
    let mut world = World::new(on).await;
    let first = define(&mut world, "writer").await;
    let other = define(&mut world, "reader").await;
    tell(&mut world, first, DefinitionCommand::Update { content: content("second") }).await;
    world.project().await;
    let named = async |world: &World, name| {
        let row = world.reads.definition_by_name(live(1), name).await.unwrap();
        row.map(|row| row.value.id)
    };
    let newest = async |world: &World, name| {
        let row = world.reads.newest_definition_named(live(1), name).await.unwrap();
        row.map(|row| row.value.id)
    };
    assert_eq!(named(&world, "writer").await, Some(first));
    assert_eq!(named(&world, "nobody").await, None);
    let row = world.reads.definition(live(1), first).await.unwrap().unwrap().value;
    assert_eq!((row.versions.len(), row.latest().unwrap().version), (2, 2));
    assert_eq!(row.versions[0].content, *content("first"));

    tell(&mut world, first, DefinitionCommand::Archive).await;
    world.project().await;
    assert_eq!(named(&world, "writer").await, None);
    assert_eq!(newest(&world, "writer").await, Some(first));
    assert!(world.reads.definition(live(1), first).await.unwrap().is_some());

    let second = define(&mut world, "writer").await;
    world.project().await;
    assert_eq!(named(&world, "writer").await, Some(second));
    assert_eq!(newest(&world, "writer").await, Some(second));
    let list = async |archived, scope| {
        let rows = world.reads.definitions(scope, archived, Page::first(9)).await.unwrap();
        rows.iter().map(|row| row.value.id).collect::<Vec<_>>()
    };
    assert_eq!(list(false, live(1)).await, [second, other]);
    assert_eq!(list(true, live(1)).await, [second, other, first]);
    assert_eq!(list(true, live(2)).await, []);
}

on_both!(the_newest_price_of_a_model_holds);
async fn the_newest_price_of_a_model_holds(on: Store) {
    let mut world = World::new(on).await;
    let stream = StreamId::singleton(live(1), Kind::ModelPrices);
    for (model, input) in [("a", 1), ("b", 2), ("a", 3)] {
        let rates = Rates { input: Pico(input), ..Rates::default() };
        let set = SetModelPrice { model: model.to_owned(), rates, long_prompt: None };
        world.command::<ModelPrices>(stream.clone(), set).await.unwrap();
    }
    world.project().await;
    let prices = world.reads.model_prices(live(1)).await.unwrap().unwrap().value.prices;
    let inputs: Vec<_> = prices.values().map(|price| price.rates.input.0).collect();
    assert_eq!(inputs, [3, 2]);
    assert!(world.reads.model_prices(live(2)).await.unwrap().is_none());
}
