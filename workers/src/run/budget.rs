//! What a run may spend: reserved in its session before it is spent.
//!
//! A reservation is for the worst case of a call, and for some calls ahead while much is left. A
//! call whose worst case does not fit is made with fewer tokens, if these are of use; what the
//! vendor counts beyond the reservation is not billed. So no limit is passed, by whatever runs at
//! the same time.

use std::sync::Arc;
use std::time::Duration;

use theazo_domain::pricing::{CallFee, Worst};
use theazo_domain::session::{LimitKind, Need, Reserve, RunNumber, Session, Spender};
use theazo_domain::{Pico, StreamId};
use theazo_models::{Prompt, Route, Wire, estimate_prompt};
use tokio::time::{Instant, sleep_until};

use super::{Run, RunError, Stop};

/// An answer of fewer tokens is of no use.
const LEAST_TOKENS: u32 = 256;
/// What others have reserved is waited for so long: most of it comes back when their calls end.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What is reserved for the models of this run's agent.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    /// Nothing is, and need not be.
    unbound: bool,
    held: Pico,
    /// What the agent's models had cost when it was reserved.
    told: Pico,
}

/// Why a call is not made.
pub(super) enum NotMade {
    /// Nothing is left for it: the failure's message.
    Unaffordable(String),
    Stopped(Stop),
}

impl Run {
    /// Reserves what the call of `prompt` may come to; lowers its `max_tokens` where no more fit.
    pub(super) async fn afford(
        &mut self,
        prompt: &mut Prompt,
    ) -> Result<Result<(), NotMade>, RunError> {
        let affordable = self.affordable(prompt).await?;
        Ok(affordable.map(|max_tokens| prompt.max_tokens = max_tokens))
    }

    /// The tokens that an answer to `prompt` may have, which are reserved.
    async fn affordable(&mut self, prompt: &Prompt) -> Result<Result<u32, NotMade>, RunError> {
        let most = prompt.max_tokens;
        let stream = StreamId::session(self.scope, self.task.session_id);
        let session = self.runner.host.commander.load::<Session>(&stream).await?.state;
        self.reserved.unbound = !session.is_some_and(|session| session.bounds(self.agent.id));
        if self.reserved.unbound {
            return Ok(Ok(most));
        }
        // An answer of any length could not be reserved.
        self.route.max_tokens_by_default = false;
        let (prompt, least) = (foreseen(estimate_prompt(prompt)), LEAST_TOKENS.min(most));
        let need = match (self.worst(prompt, least), self.worst(prompt, most)) {
            (Ok(least), Ok(most)) => Need::Call { least, most },
            (Err(model), _) | (_, Err(model)) => {
                return Ok(Err(NotMade::Unaffordable(no_price(&model))));
            }
        };
        let since = Instant::now();
        loop {
            if let Some(max_tokens) = self.fitting(prompt, least, most) {
                return Ok(Ok(max_tokens));
            }
            let session = self.tell(need.clone()).await?;
            if self.fitting(prompt, least, most).is_some() {
                continue;
            }
            if !session.may_have_more(self.agent.id) || since.elapsed() > PATIENCE {
                return Ok(Err(NotMade::Unaffordable(self.cannot_afford(&session))));
            }
            if let Some(stop) = self.look_again().await? {
                return Ok(Err(NotMade::Stopped(stop)));
            }
        }
    }

    /// What is reserved and not spent; none where nothing has to be reserved.
    pub(super) fn room(&self) -> Option<Pico> {
        let used = self.models_cost().minus(self.reserved.told);
        (!self.reserved.unbound).then(|| self.reserved.held.minus(used).max(Pico::ZERO))
    }

    /// Tells the session what the models have cost, and gives back what is reserved: the run waits
    /// for something that may take long. What is not told now, whoever settles its end tells.
    pub(super) async fn give_back(&mut self) -> Result<(), RunError> {
        if self.reserved.unbound || self.reserved.held.is_zero() {
            return Ok(());
        }
        self.tell(Need::Nothing).await.map(|_| ())
    }

    /// Tokens of an answer that what is reserved has room for.
    fn fitting(&self, prompt: u64, least: u32, most: u32) -> Option<u32> {
        let Some(room) = self.room() else { return Some(most) };
        let fits = |tokens: u32| self.worst(prompt, tokens).is_ok_and(|worst| worst <= room);
        if fits(most) {
            return Some(most);
        }
        if !fits(least) {
            return None;
        }
        // The costs grow with the tokens.
        let (mut fit, mut over) = (least, most);
        while over - fit > 1 {
            let middle = fit + (over - fit) / 2;
            *(if fits(middle) { &mut fit } else { &mut over }) = middle;
        }
        Some(fit)
    }

    async fn tell(&mut self, need: Need) -> Result<Arc<Session>, RunError> {
        let (told, agent_id) = (self.models_cost(), self.agent.id);
        let run = RunNumber { run: self.agent.runs, attempt: self.attempt() };
        let spent = self.agent.models_spent_with(&self.task.model_costs, run);
        let reserve = Reserve { agent_id, spent, need };
        let host = &self.runner.host;
        let origin = host.origin(self.scope);
        let session = host.commander.reserve(&origin, self.task.session_id, reserve).await?.state;
        let models = session.budget.side(agent_id, Spender::Models);
        let held = models.map_or(Pico::ZERO, |models| models.held);
        self.reserved = Reserved { unbound: !session.bounds(agent_id), held, told };
        Ok(session)
    }

    /// Of all runs of the agent, this one included.
    fn models_cost(&self) -> Pico {
        self.agent.model_cost + self.task.model_cost
    }

    /// The most that a call can cost, whichever of the route's legs answers; the name of a model
    /// without a price.
    fn worst(&self, prompt: u64, output: u32) -> Result<Pico, String> {
        let worst = Worst { prompt, output: output.into() };
        let mut most = Pico::ZERO;
        for route in std::iter::once(&self.route).chain(&self.route.fallbacks) {
            most = most.max(match route {
                Route { wire: Wire::Mock, .. } => Pico::ZERO,
                Route { byoi: true, .. } => CallFee::now().pico_per_call,
                route => self
                    .price(route, &route.model, &self.own_prices, theazo_commands::now())
                    .ok_or_else(|| route.name())?
                    .worst(worst),
            });
        }
        Ok(most)
    }

    /// Waits until there may be more, and says that it lives.
    async fn look_again(&mut self) -> Result<Option<Stop>, RunError> {
        let until = Instant::now() + LOOK_AGAIN;
        if self.sign_of_life() < until {
            self.renew().await?;
        }
        tokio::select! {
            stop = self.signal.hard() => Ok(Some(stop)),
            // Whoever only waits can stop for anything.
            () = sleep_until(until) => Ok(self.signal.now()),
        }
    }

    fn cannot_afford(&self, session: &Session) -> String {
        let room = session.room(self.agent.id, Spender::Models, theazo_commands::now());
        let raise = match room.by {
            Some(LimitKind::CostCap) => "the agent's costCap; create an agent with a higher one",
            _ => "the session's limits.maxCost; raise it with PATCH /v1/sessions/:id",
        };
        format!("The next model call does not fit in what is left of {raise}.")
    }
}

fn no_price(model: &str) -> String {
    format!(
        "No price is known for the model {model}, so what it costs cannot be held under the limits \
         of its session or agent; set its price with PUT /v1/models/:id/price, or use a model that \
         GET /v1/models has a price of."
    )
}

/// Tokens that a prompt may come to: what we count is not what the vendor counts.
const fn foreseen(estimate: u64) -> u64 {
    estimate.saturating_add(estimate / 4).saturating_add(100)
}
