//! Where every projection stands, as this process knows: from what the database holds, and from
//! what the process that projects tells all others.

use std::fmt;
use std::sync::Arc;

use theazo_log::Position;

use crate::dialect::{DbRow, Dialect, Pool, Statement, Transaction, is_missing};
use crate::model::COUNT;
use crate::{Lag, Model};

/// One query, so that what it tells was true at one moment.
const SEEN: &str = "SELECT p.name, p.schema_hash, p.position, s.reason, \
                    (SELECT number FROM generations WHERE id = 2) AS epoch \
                    FROM projections p LEFT JOIN stopped s ON s.name = p.name";
const NOT_MADE: &str =
    "it is not made yet: a process with the role `projector` makes it from the log";
const OTHERS: &str = "it was made by another version of theazo: \
                      a process of this version with the role `projector` makes it anew";

/// The part of [`Standing`] that is in the database.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Raised when tables are made or exchanged, and when another process begins to project: who
    /// folded before starts again. Within one, checkpoints only grow.
    pub epoch: u64,
    pub checkpoints: [Position; COUNT],
    /// Whether its tables are there, and are those of this build.
    pub made: [bool; COUNT],
    /// Why it answers no reads, if it does not.
    pub stopped: [Option<Arc<str>>; COUNT],
}

impl Seen {
    pub(crate) async fn load(pool: &Pool) -> Result<Self, sqlx::Error> {
        match pool.rows(Statement::new(SEEN)).await {
            Ok(rows) => Self::read(pool.dialect(), &rows),
            Err(error) if is_missing(&error) => Self::read(pool.dialect(), &[]),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn load_in(tx: &mut Transaction) -> Result<Self, sqlx::Error> {
        let rows = tx.rows(Statement::new(SEEN)).await?;
        Self::read(tx.dialect(), &rows)
    }

    fn read(dialect: Dialect, rows: &[DbRow]) -> Result<Self, sqlx::Error> {
        let mut seen = Self {
            epoch: 0,
            checkpoints: [Position::START; COUNT],
            made: [false; COUNT],
            stopped: std::array::from_fn(|_| Some(NOT_MADE.into())),
        };
        for row in rows {
            seen.epoch = row.integer("epoch")?.unsigned_abs();
            // The others are shadows.
            let Some(model) = Model::by_name(row.text("name")?) else { continue };
            if row.text("schema_hash")? == model.schema_hash(dialect) {
                seen.made[model.index()] = true;
                seen.checkpoints[model.index()] = Position(row.integer("position")?.unsigned_abs());
                seen.stopped[model.index()] = row.some_text("reason")?.map(Arc::from);
            } else {
                seen.stopped[model.index()] = Some(OTHERS.into());
            }
        }
        Ok(seen)
    }
}

/// What the process that projects tells all others with each transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// These read models hold all up to a position, in this epoch.
    Moved { epoch: u64, upto: Position, head: Position, models: Vec<Model> },
    /// More than that is different: look.
    Look,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Told::Moved { epoch, upto, head, models } => {
                write!(f, "{epoch} {upto} {head}")?;
                models.iter().try_for_each(|model| write!(f, " {model}"))
            }
            Told::Look => f.write_str("look"),
        }
    }
}

impl Told {
    /// What is not understood is a reason to look.
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        let (Some(epoch), Some(upto), Some(head)) = (number(), number(), number()) else {
            return Told::Look;
        };
        let models = words.filter_map(Model::by_name).collect();
        Told::Moved { epoch, upto: Position(upto), head: Position(head), models }
    }
}

/// Where every projection stands: what the watch carries.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub epoch: u64,
    pub checkpoints: [Position; COUNT],
    pub made: [bool; COUNT],
    pub stopped: [Option<Arc<str>>; COUNT],
    pub head: Position,
    /// Why the projector of this process does not go on at the moment.
    pub trouble: Option<Arc<str>>,
    /// Why nothing is heard of the database at the moment.
    pub cut_off: Option<Arc<str>>,
}

impl Standing {
    pub(crate) fn new(seen: Seen) -> Self {
        let Seen { epoch, checkpoints, made, stopped } = seen;
        let head = Position::START;
        Self { epoch, checkpoints, made, stopped, head, trouble: None, cut_off: None }
    }

    /// The position that every read model which has not stopped has reached. One that has stopped
    /// answers no reads, so nobody waits for it.
    pub(crate) fn position(&self) -> Position {
        let running = Model::ALL.iter().filter(|model| self.stopped[model.index()].is_none());
        running.map(|model| self.checkpoints[model.index()]).min().unwrap_or(Position::START)
    }

    /// One of these that is not made, and why.
    pub(crate) fn unmade(&self, models: &[Model]) -> Option<(Model, Arc<str>)> {
        let model = models.iter().copied().find(|model| !self.made[model.index()])?;
        Some((model, self.stopped[model.index()].clone()?))
    }

    pub(crate) fn lag(&self) -> Lag {
        let position = self.position();
        let head = self.head.max(position);
        Lag { position, head, behind: head.0 - position.0 }
    }

    /// Takes in what the database held a moment ago: less new, perhaps, than what was told since.
    pub(crate) fn see(&mut self, seen: &Seen) {
        if seen.epoch > self.epoch {
            self.epoch = seen.epoch;
            self.checkpoints = seen.checkpoints;
            self.made = seen.made;
            self.stopped = seen.stopped.clone();
        } else if seen.epoch == self.epoch {
            for (at, seen) in self.checkpoints.iter_mut().zip(seen.checkpoints) {
                *at = (*at).max(seen);
            }
            for (reason, seen) in self.stopped.iter_mut().zip(&seen.stopped) {
                *reason = reason.take().or_else(|| seen.clone());
            }
        }
        self.cut_off = None;
    }

    /// Takes in what was told, and tells whether to look at the database for the rest.
    pub(crate) fn hear(&mut self, told: &Told) -> bool {
        let Told::Moved { epoch, upto, head, models } = told else { return true };
        if *epoch == self.epoch {
            for model in models {
                let at = &mut self.checkpoints[model.index()];
                *at = (*at).max(*upto);
            }
            self.head = self.head.max(*head).max(*upto);
            // Somebody projects.
            self.trouble = None;
        }
        *epoch > self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(epoch: u64, at: u64) -> Seen {
        let checkpoints = [Position(at); COUNT];
        Seen { epoch, checkpoints, made: [true; COUNT], stopped: Default::default() }
    }

    fn moved(epoch: u64, upto: u64) -> Told {
        let models = Model::ALL.to_vec();
        Told::Moved { epoch, upto: Position(upto), head: Position(upto), models }
    }

    #[test]
    fn what_is_told_is_understood() {
        for told in [moved(3, 17), Told::Look] {
            assert_eq!(Told::parse(&told.to_string()), told);
        }
        assert_eq!(Told::parse("3 x 4"), Told::Look);
        let of_another_version = Told::parse("1 2 3 sessions and_more");
        assert!(matches!(of_another_version, Told::Moved { models, .. } if models.len() == 1));
    }

    #[test]
    fn nothing_goes_back_within_an_epoch() {
        let mut standing = Standing::new(seen(1, 5));
        assert!(!standing.hear(&moved(1, 9)));
        standing.see(&seen(1, 7));
        assert!(!standing.hear(&moved(1, 8)));
        assert_eq!(standing.position(), Position(9));
        assert!(!standing.hear(&moved(0, 99)), "of those who project no more");
        assert_eq!(standing.position(), Position(9));
    }

    #[test]
    fn a_new_epoch_is_looked_at_and_may_begin_anew() {
        let mut standing = Standing::new(seen(1, 5));
        standing.stopped[0] = Some("broken".into());
        assert!(standing.hear(&moved(2, 9)));
        assert_eq!(standing.position(), Position(5));
        standing.see(&seen(2, 0));
        assert_eq!((standing.position(), standing.stopped[0].clone()), (Position::START, None));
    }
}
