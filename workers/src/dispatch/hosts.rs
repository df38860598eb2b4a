//! Looking after the hosts: who is there, who is lost, and which agents need another.

use std::sync::Arc;
use std::time::Duration;

use theazo_commands::CommandError;
use theazo_domain::agent::{Agent, AgentCommand, AgentState, Failure};
use theazo_domain::{AgentId, Scope, StreamId, Timestamp};
use tokio::time::Instant;

use crate::crew::{Back, Beat};
use crate::retry::until_done;
use crate::{Host, recovery};

use super::claim::Claimed;
use super::{AWAY, Dispatcher, Heard};

/// How long an agent waits for a host that has its provider.
const NO_HOST_PATIENCE: Duration = Duration::from_secs(60);

impl Dispatcher {
    pub(super) fn beat(&mut self, beat: Beat) {
        let host = beat.host.clone();
        let seen = self.roster.heard(beat, Instant::now(), theazo_commands::now());
        self.given_up.remove(&host);
        for (task, claim) in seen.lost {
            self.came_back(&Back { task, claim, claimed: Claimed::Failed });
        }
        if seen.new && !self.host.sole {
            self.look_after_admissions();
        }
        self.has_room(&host);
    }

    /// Whether `host` has been silent for longer than a lease, while it could have been heard.
    pub(super) fn is_lost(&self, host: &str) -> bool {
        let now = Instant::now();
        !self.roster.is_alive(host, now, self.lease)
            && now.duration_since(self.listening_since) >= self.lease
    }

    /// Gives up the hosts that are lost.
    pub(super) fn check_hosts(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.checked) > AWAY {
            self.listening_since = now;
            self.roster.hear_anew(now);
        }
        self.checked = now;
        match self.bus.connected_since() {
            Some(since) => self.listening_since = self.listening_since.max(since),
            None => self.listening_since = now,
        }
        for host in self.roster.silent(now, self.lease) {
            if self.is_lost(&host) {
                self.strike(&host);
            }
        }
        if self.host.sole {
            return;
        }
        let hosts: Vec<String> = self.places.hosts().map(str::to_owned).collect();
        for host in hosts {
            let due = |at: &Instant| now.duration_since(*at) >= self.lease;
            if self.is_lost(&host) && self.given_up.get(&host).is_none_or(due) {
                self.give_up(&host);
                self.given_up.insert(host, now);
            }
        }
    }

    fn strike(&mut self, host: &str) {
        tracing::warn!(host, "a worker host is silent for longer than its lease");
        let given = self.roster.given_to(host);
        if let Some(at) = self.roster.strike(host) {
            self.last_heard.insert(host.to_owned(), at);
        }
        for (task, claim) in given {
            self.came_back(&Back { task, claim, claimed: Claimed::Failed });
        }
    }

    /// Its agents have lost their sandboxes, and what was done in them is not known.
    fn give_up(&self, name: &str) {
        let agents = self.places.on(name);
        tracing::warn!(host = name, agents = agents.len(), "its agents are looked after");
        let last_heard = self.last_heard.get(name).copied();
        let (host, reads, heard) = (self.host.clone(), self.reads.clone(), self.heard.0.clone());
        let name = name.to_owned();
        self.spawn(async move {
            for (agent, scope) in &agents {
                until_done("an agent of a lost host is not looked after yet", || async {
                    if bereave(&host, (*scope, *agent), &name, last_heard).await? {
                        // The dispatcher is gone when nobody hears it.
                        let _ = heard.send(Heard::Homeless(*agent));
                    }
                    Ok(())
                })
                .await;
            }
            let of_these = agents.into_iter().map(|(agent, _)| agent).collect();
            recovery::settle_lost_work(&host, &reads, &of_these).await;
        });
    }

    /// What a host died over between an agent's end and the release of its place.
    fn look_after_admissions(&self) {
        let (host, reads) = (self.host.clone(), self.reads.clone());
        self.spawn(async move {
            if let Err(error) = recovery::admissions(&host, &reads).await {
                tracing::error!(%error, "the places of ended agents are not looked after yet");
            }
        });
    }

    /// Gives the agents that have no host to one.
    pub(super) fn place_the_homeless(&mut self) {
        for (agent, since) in self.places.take_homeless() {
            let Some(place) = self.places.get(agent) else { continue };
            let (scope, provider, instead_of) = (place.scope, place.provider, place.host.clone());
            let home = self.roster.home(provider, |host| self.places.count(host));
            match home.map(str::to_owned) {
                Some(home) if instead_of.as_ref() == Some(&home) => {}
                Some(home) => {
                    // So that the next one goes elsewhere; a commit that says otherwise is right.
                    self.places.moved(agent, &home);
                    self.place(scope, agent, home, instead_of);
                }
                None if since.elapsed() < NO_HOST_PATIENCE => {
                    self.places.put_back(agent, since);
                }
                None => self.fail(
                    scope,
                    agent,
                    &format!(
                        "no worker host offers the provider `{provider}`; start one, or choose \
                     another provider"
                    ),
                ),
            }
        }
    }

    fn place(&self, scope: Scope, agent: AgentId, home: String, instead_of: Option<String>) {
        let host = self.host.clone();
        self.spawn(async move {
            until_done("an agent has no host yet", || async {
                let (host_name, instead_of) = (home.clone(), instead_of.clone());
                let place = AgentCommand::Place { host: host_name, instead_of };
                host.commander.agent(&host.origin(scope), agent, &place).await.map(|_| ())
            })
            .await;
        });
    }

    fn fail(&self, scope: Scope, agent: AgentId, why: &str) {
        let (host, message) = (self.host.clone(), why.to_owned());
        self.spawn(async move {
            until_done("an agent without a host does not fail yet", || async {
                let failure =
                    Failure { code: "provider_error".to_owned(), message: message.clone() };
                let fail = AgentCommand::Fail { failure, lost_at: None };
                host.commander.agent(&host.origin(scope), agent, &fail).await.map(|_| ())
            })
            .await;
        });
    }
}

/// Does with an agent of the lost host `name` what can be done; whether it needs another host.
async fn bereave(
    host: &Arc<Host>,
    (scope, id): (Scope, AgentId),
    name: &str,
    last_heard: Option<Timestamp>,
) -> Result<bool, CommandError> {
    let stream = StreamId::agent(scope, id);
    let Some(agent) = host.commander.load_fresh::<Agent>(&stream).await?.state else {
        return Ok(false);
    };
    if agent.host.as_deref() != Some(name) {
        return Ok(false);
    }
    match agent.state {
        AgentState::Idle | AgentState::Running => {
            let fail = AgentCommand::Fail {
                failure: Failure { code: "provider_error".to_owned(), message: lost(name, &agent) },
                // Nothing is billed beyond what is known.
                lost_at: Some(last_heard.unwrap_or(agent.updated_at)),
            };
            host.commander.agent(&host.origin(scope), id, &fail).await?;
            Ok(false)
        }
        AgentState::Provisioning => Ok(true),
        AgentState::Paused => Ok(agent.pending.is_some()),
        _ => Ok(false),
    }
}

fn lost(name: &str, agent: &Agent) -> String {
    let next = match agent.snapshot {
        Some(snapshot) => {
            format!("create a new agent, or one from its snapshot {} as it was then", snapshot.id)
        }
        None => "create a new agent".to_owned(),
    };
    format!("the worker host `{name}` that held this agent's sandbox is gone; {next}")
}
