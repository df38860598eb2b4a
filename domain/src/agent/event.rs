use crate::event::events;
use crate::pricing::{ComputeUsage, Costs};
use crate::{AgentId, Pico, SessionId, SnapshotId, TaskId};

use super::{AgentSpec, Failure};

events! {
    AgentEvent {
        Created = "agent.created" {
            agent_id: AgentId,
            session_id: SessionId,
            spec: Box<AgentSpec>,
            /// Milliseconds of compute that are reserved for it; absent where no limit asks for it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            funded_millis: Option<u64>,
        }
        /// So much compute is reserved for it, in all of its life: no more is billed.
        ComputeFunded = "agent.compute_funded" {
            session_id: SessionId,
            /// Milliseconds; absent: it is bound by no limit any more.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            millis: Option<u64>,
            /// The session's revision that says so: an older one is not listened to any more.
            order: u64,
        }
        /// This worker host is to make its sandbox: the first time, or again from its snapshot
        /// after the host that had it was lost. Where one process does everything nobody says so.
        Placed = "agent.placed" {
            session_id: SessionId,
            host: String,
        }
        /// The sandbox is there, and its compute is billed from here.
        Provisioned = "agent.provisioned" {
            session_id: SessionId,
            /// The worker host that holds the sandbox.
            host: String,
        }
        Failed = "agent.failed" {
            session_id: SessionId,
            failure: Failure,
        }
        PauseRequested = "agent.pause_requested" {
            snapshot_id: SnapshotId,
            /// Nothing is left of a limit; it goes on when the limit is raised.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            by_limit: bool,
        }
        /// Nothing runs and nothing is billed.
        Paused = "agent.paused" {
            session_id: SessionId,
            snapshot_id: SnapshotId,
            /// Bytes.
            size: u64,
        }
        ResumeRequested = "agent.resume_requested" {
            snapshot_id: SnapshotId,
        }
        /// The sandbox goes on, and its compute is billed from here.
        Resumed = "agent.resumed" {
            session_id: SessionId,
            host: String,
            /// Whether processes went on too, or only the files came back.
            memory: bool,
        }
        /// A pause or a resume did not succeed; the agent is as it was before it.
        RequestFailed = "agent.request_failed" {
            failure: Failure,
        }
        /// Its server died, and its sandbox was made again over the same files. Processes are gone;
        /// compute is billed from here.
        Recovered = "agent.recovered" {
            session_id: SessionId,
            host: String,
        }
        /// It works on this task and on no other.
        RunStarted = "agent.run_started" {
            session_id: SessionId,
            task_id: TaskId,
        }
        RunEnded = "agent.run_ended" {
            session_id: SessionId,
            task_id: TaskId,
            /// Of the run's model calls.
            model_cost: Pico,
            /// The same by days; absent in events of before it was said.
            #[serde(default, skip_serializing_if = "Costs::is_empty")]
            model_costs: Costs,
        }
        /// The task that it was made for is done.
        CompleteRequested = "agent.complete_requested" {}
        Completed = "agent.completed" {
            session_id: SessionId,
        }
        TerminateRequested = "agent.terminate_requested" {
            reason: String,
        }
        Terminated = "agent.terminated" {
            session_id: SessionId,
        }
        PortExposed = "agent.port_exposed" {
            port: u16,
        }
        PortClosed = "agent.port_closed" {
            port: u16,
        }
        /// A span of running compute, closed and priced. It is in the commit that ended the span,
        /// or in one of its own while the agent runs on.
        UsageRecorded = "agent.usage_recorded" {
            session_id: SessionId,
            usage: ComputeUsage,
        }
    }
}
