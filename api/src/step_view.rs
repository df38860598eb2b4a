//! Steps made readable: what is sealed is opened.

use serde_json::Value;
use theazo_commands::TaskPart;
use theazo_domain::task::{ModelStep, Purpose, Step, StepKind, Task};
use theazo_models::{SegmentKind, TurnResult};

use crate::error::ApiError;
use crate::task_view::View;
use crate::wire::step::{ModelPurpose, RequestedTool, Step as Shown, StepType};
use crate::wire::task::{TaskFailure, Tokens};

/// The step with what it holds.
pub(crate) async fn open(view: &View<'_>, task: &Task, step: &Step) -> Result<Shown, ApiError> {
    let shown = Shown::begun(step);
    match &step.kind {
        StepKind::Model(model) => open_model(view, task, shown, model).await,
        StepKind::Tool(tool) => {
            let (input, output) = view.tool(task, step.number, tool).await?;
            let is_error = tool.output.as_ref().map(|(_, is_error)| *is_error);
            Ok(Shown {
                kind: StepType::ToolCall,
                tool: Some(tool.tool.clone()),
                call_id: Some(tool.call_id.clone()),
                of: Some(tool.of),
                input: Some(input),
                output,
                is_error,
                ..shown
            })
        }
    }
}

async fn open_model(
    view: &View<'_>,
    task: &Task,
    shown: Shown,
    model: &ModelStep,
) -> Result<Shown, ApiError> {
    let shown = Shown {
        purpose: Some(match model.purpose {
            Purpose::Turn => ModelPurpose::Turn,
            Purpose::Summary => ModelPurpose::Summary,
        }),
        vendor: Some(model.vendor.clone()),
        model: Some(model.model.clone()),
        error: model.failure.as_ref().map(TaskFailure::from),
        ..shown
    };
    let shown = match &model.usage {
        Some(usage) => Shown {
            model: Some(usage.model.clone()),
            usage: Some(Tokens::from(&usage.tokens)),
            cost: Some(usage.cost.to_money()),
            price_id: usage.price.as_ref().map(|price| price.id.clone()),
            ..shown
        },
        None => shown,
    };
    let Some((turn, finish)) = &model.turn else { return Ok(shown) };
    let json = view.open(task, TaskPart::Turn { step: shown.number }, turn).await?;
    let turn: TurnResult = serde_json::from_str(&json)
        .map_err(|error| ApiError::internal(&format_args!("a turn cannot be read: {error}")))?;
    let said = |kind: SegmentKind| -> Option<String> {
        let of_kind = turn.segments.iter().filter(|segment| segment.kind == kind);
        let text: String = of_kind.map(|segment| segment.text.as_str()).collect();
        (!text.is_empty()).then_some(text)
    };
    let asked = turn.tool_calls.iter().map(|call| RequestedTool {
        id: call.id.clone(),
        name: call.name.clone(),
        input: serde_json::from_str(&call.arguments)
            .unwrap_or_else(|_| Value::String(call.arguments.clone())),
    });
    Ok(Shown {
        finish: Some(finish.clone()),
        text: said(SegmentKind::Text),
        thinking: said(SegmentKind::Reasoning),
        tool_calls: Some(asked.collect()),
        ..shown
    })
}
