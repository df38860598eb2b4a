//! An organisation: one AgentCo, its plan and its rate limit.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Aggregate, Ctx, Event, Kind, OrgId, Rejection, Timestamp, validate};

/// What an org pays for, and so how many requests a minute each of its keys may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "name")]
pub enum Plan {
    Free,
    Cloud,
    Team,
    #[serde(rename_all = "camelCase")]
    Enterprise {
        requests_per_minute: u32,
    },
}

impl Plan {
    pub const fn requests_per_minute(self) -> u32 {
        match self {
            Plan::Free => 60,
            Plan::Cloud => 300,
            Plan::Team => 1_000,
            Plan::Enterprise { requests_per_minute } => requests_per_minute,
        }
    }
}

events! {
    OrgEvent {
        Created = "org.created" {
            org_id: OrgId,
            name: String,
            plan: Plan,
        }
        PlanChanged = "org.plan_changed" {
            plan: Plan,
        }
    }
}

#[derive(Debug, Clone)]
pub enum OrgCommand {
    Create { org_id: OrgId, name: String, plan: Plan },
    ChangePlan { plan: Plan },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Org {
    pub id: OrgId,
    pub name: String,
    pub plan: Plan,
    pub created_at: Timestamp,
}

impl Aggregate for Org {
    const KIND: Kind = Kind::Org;
    type Command = OrgCommand;
    type Event = OrgEvent;

    fn decide(
        state: Option<&Self>,
        command: &OrgCommand,
        _: Ctx,
    ) -> Result<Vec<OrgEvent>, Rejection> {
        match (state, command) {
            (None, OrgCommand::Create { org_id, name, plan }) => {
                let mut errors = Vec::new();
                validate::text("name", name, 200, &mut errors);
                if !errors.is_empty() {
                    return Err(Rejection::Invalid(errors));
                }
                Ok(vec![OrgEvent::Created { org_id: *org_id, name: name.clone(), plan: *plan }])
            }
            (Some(_), OrgCommand::Create { .. }) => {
                Err(Rejection::conflict("This org exists already."))
            }
            (None, OrgCommand::ChangePlan { .. }) => Err(Rejection::not_found("org")),
            (Some(org), OrgCommand::ChangePlan { plan }) if org.plan == *plan => Ok(vec![]),
            (Some(_), OrgCommand::ChangePlan { plan }) => {
                Ok(vec![OrgEvent::PlanChanged { plan: *plan }])
            }
        }
    }

    fn evolve(state: Option<Self>, event: &OrgEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, OrgEvent::Created { org_id, name, plan }) => {
                Some(Org { id: *org_id, name: name.clone(), plan: *plan, created_at: at })
            }
            (Some(org), OrgEvent::PlanChanged { plan }) => Some(Org { plan: *plan, ..org }),
            (state, _) => state,
        }
    }

    fn own(event: &Event) -> Option<&OrgEvent> {
        if let Event::Org(e) = event { Some(e) } else { None }
    }
}
