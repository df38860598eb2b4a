use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgPool;
use theazo_domain::Scope;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::dialect::{self, Pool, Server};
use crate::follow::follow;
use crate::standing::{Seen, Standing};
use crate::tables::prepare;
use crate::tidy::Tidying;
use crate::{ChainKey, OpenError, ReadModels};

/// How the read models are opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Reads at the same time.
    pub readers: u32,
    /// What the checkpoints of the orgs' hash chains are signed with.
    pub chain_key: ChainKey,
    /// Commits of a tenant between two signed checkpoints.
    pub chain_interval: u64,
    /// Read models at most this many positions behind the others are projected with them; others
    /// catch up by themselves first, so that nobody waits for them.
    pub join_within: u64,
}

impl Options {
    pub fn new(chain_key: ChainKey) -> Self {
        Self { readers: 4, chain_key, chain_interval: 1_000, join_within: 20_000 }
    }
}

pub(crate) struct Inner {
    pub readers: Pool,
    pub writer: Pool,
    pub options: Options,
    pub standing: Arc<watch::Sender<Standing>>,
    pub upkeep: Upkeep,
    /// The numbers of tenants, as far as they were needed.
    pub numbers: Mutex<HashMap<Scope, i64>>,
    /// Held by a rebuild: there is one at a time.
    pub rebuilding: tokio::sync::Mutex<()>,
}

/// What goes on beside reads and writes.
pub(crate) enum Upkeep {
    /// SQLite's own log is kept short.
    File { tidying: Arc<Tidying>, connection: Pool, _tidier: AbortOnDropHandle<()> },
    /// What other processes write is heard of.
    Server { server: Server, listener: PgPool, _follower: AbortOnDropHandle<()> },
}

impl ReadModels {
    /// Opens the SQLite file at `path`, or creates it. A read model whose schema or fold is not
    /// what it was made with is emptied and starts again from position 0; the leavings of a rebuild
    /// that did not come to its end are removed.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Database { path: path.display().to_string(), source };
        let writer = dialect::open_writer(path).await.map_err(failed)?;
        prepare(&writer).await.map_err(failed)?;
        let seen = Seen::load(&writer).await.map_err(failed)?;
        let readers = dialect::open_readers(path, options.readers).await.map_err(failed)?;
        let connection = dialect::open_readers(path, 1).await.map_err(failed)?;
        let tidying = Arc::<Tidying>::default();
        let tidier = AbortOnDropHandle::new(tidying.clone().start(connection.clone()));
        let upkeep = Upkeep::File { tidying, connection, _tidier: tidier };
        let (standing, _) = watch::channel(Standing::new(seen));
        let standing = Arc::new(standing);
        let (numbers, rebuilding) = (Mutex::default(), tokio::sync::Mutex::new(()));
        Ok(Self::new(Inner { readers, writer, options, standing, upkeep, numbers, rebuilding }))
    }

    /// Opens the read models in the Postgres database at `url`, in a schema of their own, beside
    /// any number of other processes. Nothing is changed in it: the tables are made, and made anew
    /// when this build has others, by the process that leads projecting
    /// ([`Projector::start`](crate::Projector::start)). Until then they answer
    /// [`ReadError::Unavailable`](crate::ReadError::Unavailable); see [`ReadModels::made`].
    pub async fn open_postgres(url: &str, options: Options) -> Result<Self, OpenError> {
        let server = Server::new(url).map_err(OpenError::address)?;
        let failed = |source| OpenError::Postgres { source };
        let readers = server.readers(options.readers).await.map_err(failed)?;
        let seen = Seen::load(&readers).await.map_err(failed)?;
        let (standing, _) = watch::channel(Standing::new(seen));
        let standing = Arc::new(standing);
        let listener = server.listener();
        let follower = tokio::spawn(follow(readers.clone(), listener.clone(), standing.clone()));
        let follower = AbortOnDropHandle::new(follower);
        let writer = server.writer();
        let upkeep = Upkeep::Server { server, listener, _follower: follower };
        let (numbers, rebuilding) = (Mutex::default(), tokio::sync::Mutex::new(()));
        Ok(Self::new(Inner { readers, writer, options, standing, upkeep, numbers, rebuilding }))
    }
}
