use std::collections::HashMap;
use std::ops::Range;

use theazo_domain::pricing::TokenUsage;
use theazo_domain::{Day, PICO_PER_CENT, Pico, Scope};

use crate::dialect::DbRow;
use crate::query::{Sql, read_u64, unreadable};
use crate::{Model, ReadError, ReadModels};

use super::BilledSums;
use super::spans::parts_of;
use super::sums::columns;
use super::users::UserSums;

/// What was used or began in a range of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    pub what: BilledWhat,
    pub sums: BilledSums,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum BilledWhat {
    /// Usage records of compute, with the fees for the compute of others.
    Compute,
    /// Usage records of one model, by its vendor's word, with the fees for calls that the caller
    /// pays the vendor for.
    Model(String),
    /// Usage records of storage.
    Storage,
    /// Sessions that began.
    Sessions,
    /// Agents that were admitted.
    Agents,
}

/// What one of AgentCo's users used and began in a range of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledUser {
    pub user_id: String,
    pub cost: Pico,
    /// Usage records.
    pub records: u64,
    /// That began.
    pub sessions: u64,
    pub agents: u64,
}

impl ReadModels {
    /// What a tenant used and began in `days`, by what it was. Usage counts on its own day,
    /// whenever it was recorded.
    pub async fn billed(&self, scope: Scope, days: Range<Day>) -> Result<Vec<Billed>, ReadError> {
        self.check(Model::Billing)?;
        by_what(scope, &days).rows(self).await?.iter().map(read_billed).collect()
    }

    /// What each of `days` costs a tenant, in their order, without those that nothing was used on.
    pub async fn billed_days(
        &self,
        scope: Scope,
        days: Range<Day>,
    ) -> Result<Vec<(Day, Pico)>, ReadError> {
        self.check(Model::Billing)?;
        let rows = by_day(scope, &days).rows(self).await?;
        rows.iter().map(|row| Ok((read_day(row)?, read_cost(row)?))).collect()
    }

    /// What each user of a tenant used and began in `days`: the most expensive first, then by name.
    pub async fn billed_users(
        &self,
        scope: Scope,
        days: Range<Day>,
    ) -> Result<Vec<BilledUser>, ReadError> {
        self.check(Model::Billing)?;
        if days.is_empty() {
            return Ok(vec![]);
        }
        let rows = by_user(scope, &days).rows(self).await?;
        let mut users = HashMap::<&str, Total>::new();
        for row in &rows {
            let sign = i128::from(row.integer("sign")?);
            for line in row.text("body")?.lines() {
                let (user, sums) = super::users::read(line).map_err(unreadable)?;
                users.entry(user).or_default().add(sign, &sums);
            }
        }
        let mut users: Vec<_> =
            users.into_iter().filter_map(|(user, total)| total.billed(user)).collect();
        users.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.user_id.cmp(&b.user_id)));
        Ok(users)
    }
}

/// What the parts of a range come to for one user.
#[derive(Default)]
struct Total {
    cost: i128,
    records: i128,
    sessions: i128,
    agents: i128,
}

impl Total {
    /// Adds a part, or takes it away.
    fn add(&mut self, sign: i128, sums: &UserSums) {
        self.cost = self.cost.saturating_add(sums.cost.0.saturating_mul(sign));
        self.records += sign * i128::from(sums.number);
        self.sessions += sign * i128::from(sums.sessions);
        self.agents += sign * i128::from(sums.agents);
    }

    /// None where nothing is left: all was on days beside these.
    fn billed(self, user: &str) -> Option<BilledUser> {
        let count = |n: i128| u64::try_from(n).unwrap_or_default();
        let counts = [self.records, self.sessions, self.agents].map(count);
        let [records, sessions, agents] = counts;
        let (user_id, cost) = (user.to_owned(), Pico(self.cost));
        let used = counts != [0; 3];
        used.then_some(BilledUser { user_id, cost, records, sessions, agents })
    }
}

/// A sum of integers is one on both databases only when it is said.
fn sum(of: &str, name: &str) -> String {
    format!("CAST(SUM({of}) AS BIGINT) AS {name}")
}

fn push_days(sql: &mut Sql, scope: Scope, days: &Range<Day>) {
    sql.push_scope(scope);
    sql.push(" AND day >= ").bind(i64::from(days.start.number()));
    sql.push(" AND day < ").bind(i64::from(days.end.number()));
}

fn by_what(scope: Scope, days: &Range<Day>) -> Sql {
    let sums: Vec<String> = columns().into_iter().map(|column| sum(column, column)).collect();
    let sums = sums.join(", ");
    let mut sql = Sql::new(format!("SELECT meter, model, {sums} FROM billing WHERE 1=1"));
    push_days(&mut sql, scope, days);
    sql.push(" GROUP BY meter, model ORDER BY meter, model");
    sql
}

fn by_day(scope: Scope, days: &Range<Day>) -> Sql {
    let (cents, rest) = (sum("cents", "cents"), sum("rest", "rest"));
    let mut sql = Sql::new(format!("SELECT day, {cents}, {rest} FROM billing WHERE 1=1"));
    push_days(&mut sql, scope, days);
    sql.push(" GROUP BY day ORDER BY day");
    sql
}

fn by_user(scope: Scope, days: &Range<Day>) -> Sql {
    let mut sql = Sql::new("WITH wanted(span, place, sign) AS (VALUES ".to_owned());
    for (at, part) in parts_of(days).into_iter().enumerate() {
        sql.push(if at == 0 { "(" } else { ", (" }).bind(i64::from(part.span.days));
        sql.push(", ").bind(i64::from(part.span.place));
        sql.push(", ").bind(if part.taken_away { -1i64 } else { 1 }).push(")");
    }
    // Joined from the left, so that each span is one look-up by the key.
    sql.push(
        ") SELECT w.sign, t.body FROM wanted w CROSS JOIN billing_users t \
         WHERE t.span = w.span AND t.place = w.place",
    );
    sql.push_scope(scope);
    sql
}

fn read_billed(row: &DbRow) -> Result<Billed, ReadError> {
    let what = match row.text("meter")? {
        "compute" => BilledWhat::Compute,
        "model" => BilledWhat::Model(row.text("model")?.to_owned()),
        "storage" => BilledWhat::Storage,
        "sessions" => BilledWhat::Sessions,
        "agents" => BilledWhat::Agents,
        other => return Err(unreadable(format!("`{other}` is no meter"))),
    };
    let whole_gib = u128::from(read_u64(row, "gib_seconds")?);
    let sums = BilledSums {
        number: read_u64(row, "number")?,
        cost: read_cost(row)?,
        millis: read_u64(row, "millis")?,
        unpriced: read_u64(row, "unpriced")?,
        tokens: TokenUsage {
            input: read_u64(row, "input")?,
            cache_read: read_u64(row, "cache_read")?,
            cache_write_short: read_u64(row, "cache_write_short")?,
            cache_write_long: read_u64(row, "cache_write_long")?,
            output: read_u64(row, "output")?,
            ..TokenUsage::default()
        },
        byte_seconds: (whole_gib << 30) + u128::from(read_u64(row, "byte_seconds")?),
    };
    Ok(Billed { what, sums })
}

fn read_day(row: &DbRow) -> Result<Day, ReadError> {
    i32::try_from(row.integer("day")?).map(Day::from_number).map_err(unreadable)
}

fn read_cost(row: &DbRow) -> Result<Pico, ReadError> {
    let (cents, rest) = (i128::from(row.integer("cents")?), i128::from(row.integer("rest")?));
    Ok(Pico(cents * PICO_PER_CENT + rest))
}

#[cfg(test)]
mod tests {
    use theazo_domain::Mode;

    use super::*;
    use crate::database::TestDatabase;
    use crate::dialect::Statement;
    use crate::tables::prepare;
    use crate::{ChainKey, Options};

    fn scope() -> Scope {
        Scope { org: "org_00000000000000000000000007".parse().unwrap(), mode: Mode::Live }
    }

    /// The plan of each query, with the table whose key it is to follow and what it looks up there.
    async fn plans(reads: &ReadModels) -> Vec<(String, &'static str, &'static str)> {
        let days = Day::from_number(20_577)..Day::from_number(20_607);
        let of_days = "(tenant=? AND day>? AND day<?)";
        let of_spans = "(tenant=? AND span=? AND place=?)";
        vec![
            (by_what(scope(), &days).plan(reads).await, "billing", of_days),
            (by_day(scope(), &days).plan(reads).await, "billing", of_days),
            (by_user(scope(), &days).plan(reads).await, "billing_users", of_spans),
        ]
    }

    #[tokio::test]
    async fn every_query_follows_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new(ChainKey::new(vec![7; 32]));
        let reads = ReadModels::open(&folder.path().join("reads.db"), options).await.unwrap();
        for (plan, table, looked_up) in plans(&reads).await {
            let key = match table {
                "billing" => format!("USING PRIMARY KEY {looked_up}"),
                _ => format!("USING INDEX sqlite_autoindex_{table}_1 {looked_up}"),
            };
            assert!(plan.contains(&key), "{plan}");
        }
        // The days come in their order.
        let days = Day::from_number(20_577)..Day::from_number(20_607);
        let plan = by_day(scope(), &days).plan(&reads).await;
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    /// Its planner looks at what is in the tables: another tenant with many more rows.
    #[tokio::test]
    async fn every_query_follows_a_key_on_postgres() {
        let database = TestDatabase::new().await;
        let options = Options::new(ChainKey::new(vec![7; 32]));
        let reads = ReadModels::open_postgres(&database.url, options).await.unwrap();
        prepare(reads.writer()).await.unwrap();
        let mut tx = reads.writer().begin().await.unwrap();
        let tenant = "INSERT INTO tenants VALUES (3, 'org_00000000000000000000000007', 'live')";
        let days = "INSERT INTO billing SELECT CASE WHEN n < 2000 THEN 3 ELSE 1 END, \
                    20500 + n % 200, 'model', 'm' || n / 200, 1,2,3,4,5,6,7,8,9,10,11,12 \
                    FROM generate_series(1, 40000) n";
        let users = "INSERT INTO billing_users SELECT CASE WHEN n < 2000 THEN 3 ELSE 1 END, \
                     1 << (n % 4 * 2), 20500 / (1 << (n % 4 * 2)) + n / 1000, n / 4 % 250, \
                     repeat('1 2 3 4 u', 60) FROM generate_series(1, 40000) n";
        for sql in [tenant, days, users, "ANALYZE billing", "ANALYZE billing_users"] {
            tx.execute(Statement::new(sql)).await.unwrap();
        }
        tx.commit().await.unwrap();
        for (plan, table, _) in plans(&reads).await {
            assert!(plan.contains(&format!("{table}_pkey")), "{plan}");
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
        }
        reads.close().await;
    }
}
