//! A host process for the tests to kill -9: it makes sandboxes that run something, says so, and
//! waits.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use theazo_domain::{AgentId, Mode, OrgId, Scope, SessionId, SnapshotId};
use theazo_providers::local::{LocalConfig, LocalProvider};
use theazo_providers::{
    Egress, ExecRequest, Labels, Lang, Limits, Provider, ProviderError, SandboxId, SandboxSpec,
};
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(data_dir), Some(spawner)) = (args.next(), args.next()) else {
        eprintln!("usage: theazo-sandbox-host DATA_DIR SPAWNER");
        return ExitCode::FAILURE;
    };
    match serve(LocalConfig::new(data_dir, vec![spawner])).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: LocalConfig) -> Result<(), ProviderError> {
    let provider = LocalProvider::start(config).await?;
    for number in 1..=3 {
        let agent = AgentId::from_uuid(Uuid::from_u128(number));
        let id = SandboxId::of(agent);
        let scope = Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live };
        let session = SessionId::from_uuid(Uuid::from_u128(1));
        let spec = SandboxSpec {
            id: id.clone(),
            labels: Labels { scope, session, agent },
            limits: Limits::default(),
            egress: Egress::Public,
            snapshot: None,
            browser: false,
        };
        provider.create(spec).await?;
        // Found in the process table by this name.
        let code =
            "cp /usr/bin/sleep /tmp/theazo-left-behind; setsid /tmp/theazo-left-behind 300 &";
        let request = ExecRequest {
            lang: Lang::Bash,
            code: code.into(),
            env: BTreeMap::new(),
            timeout: Duration::from_secs(60),
            output_limit: 1 << 10,
        };
        provider.exec(&id, request).await?;
        if number == 3 {
            provider.pause(&id, SnapshotId::from_uuid(Uuid::from_u128(1))).await?;
        }
    }
    println!("up");
    std::future::pending().await
}
