//! Webhook deliveries as the API shows them.

use serde::{Deserialize, Serialize};
use theazo_domain::delivery::{self, DeliveryStatus};
use theazo_domain::{DeliveryId, TaskId, Timestamp};
use utoipa::{IntoParams, ToSchema};

/// Whether a delivery has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeliveryStatus)]
pub enum Status {
    /// It is still being tried.
    Pending,
    Delivered,
    /// It was tried for a day.
    Failed,
}

/// One webhook, from the first try to the last.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Also the `webhook-id` header of every try.
    #[schema(value_type = String, example = "whd_01HX0000000000000000000001")]
    id: DeliveryId,
    /// The task whose end it tells of; absent where it tells of a limit.
    #[schema(value_type = Option<String>, example = "task_01HX0000000000000000000001")]
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<TaskId>,
    url: String,
    status: Status,
    /// Tries so far.
    attempts: u32,
    /// The HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<u16>,
    /// Why the last try got no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// When the next try is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl Delivery {
    pub fn new(delivery: delivery::Delivery, url: String) -> Self {
        Self {
            id: delivery.id,
            task_id: delivery.about.task_id(),
            url,
            status: match delivery.status {
                DeliveryStatus::Pending => Status::Pending,
                DeliveryStatus::Delivered => Status::Delivered,
                DeliveryStatus::Failed => Status::Failed,
            },
            attempts: delivery.attempts,
            last_status: delivery.last_status,
            last_error: delivery.last_error,
            next_attempt_at: delivery.next_at,
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDeliveries {
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}
