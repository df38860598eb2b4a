//! Reservations in one session that meet are made by one commit: else each of a session's agents
//! would wait for the commits of all others, one after another.

use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use theazo_domain::StreamId;
use theazo_domain::session::{Reserve, Session, SessionCommand};

use crate::turns::Turns;
use crate::{CommandError, Commander, Done, Origin};

type Reserved = Result<Done<Session>, CommandError>;

/// The reservations of this process that are not made yet.
#[derive(Default)]
pub(crate) struct Reservations {
    turns: Turns,
    /// Those of callers that have gone away are dropped.
    asked: Mutex<Vec<(StreamId, Weak<Asked>)>>,
}

struct Asked {
    reserve: Reserve,
    reserved: OnceLock<Reserved>,
}

impl Reservations {
    fn ask(&self, stream: &StreamId, reserve: Reserve) -> Arc<Asked> {
        let asked = Arc::new(Asked { reserve, reserved: OnceLock::new() });
        self.asked.lock().push((stream.clone(), Arc::downgrade(&asked)));
        asked
    }

    /// All that is asked of `stream` by now, and `own` in any case: whoever took it may have gone
    /// away before it was made.
    fn take(&self, stream: &StreamId, own: &Arc<Asked>) -> Vec<Arc<Asked>> {
        let mut taken = Vec::new();
        self.asked.lock().retain(|(of, asked)| {
            let Some(asked) = asked.upgrade() else { return false };
            let is_taken = of == stream;
            if is_taken {
                taken.push(asked);
            }
            !is_taken
        });
        if !taken.iter().any(|asked| Arc::ptr_eq(asked, own)) {
            taken.push(own.clone());
        }
        taken
    }
}

impl Commander {
    /// Makes `reserve` together with what others ask of the session at `stream` meanwhile; in the
    /// name of whoever's turn it is.
    pub(crate) async fn reserve_together(
        &self,
        origin: &Origin,
        stream: &StreamId,
        reserve: Reserve,
    ) -> Reserved {
        let own = self.reservations.ask(stream, reserve);
        let _turn = self.reservations.turns.of(stream).await;
        if let Some(reserved) = own.reserved.get() {
            return reserved.clone();
        }
        let taken = self.reservations.take(stream, &own);
        let reserves = taken.iter().map(|asked| asked.reserve.clone()).collect();
        let reserved = self.execute(origin, stream, &SessionCommand::Reserve(reserves)).await;
        for asked in taken {
            // It is whoever holds the turn that sets it, and only once.
            asked.reserved.get_or_init(|| reserved.clone());
        }
        reserved
    }
}
