use sha2::{Digest, Sha256};

use crate::dialect::Dialect;

/// Declares the read models: their names, schemas and the versions of their folds.
macro_rules! models {
    ($($name:ident = $text:literal v $version:literal [$($table:literal),+],)*) => {
        /// A read model: one projection with its tables and its checkpoint.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Model { $($name,)* }

        impl Model {
            pub const ALL: &'static [Model] = &[$(Model::$name,)*];

            /// What the command line, the checkpoints and the main table call it.
            pub const fn name(self) -> &'static str {
                match self { $(Model::$name => $text,)* }
            }

            /// Its tables, without prefix; the first is the main one.
            pub(crate) const fn tables(self) -> &'static [&'static str] {
                match self { $(Model::$name => &[$($table),+],)* }
            }

            /// To be raised when the fold changes and the schema does not: it forces a rebuild.
            const fn version(self) -> u32 {
                match self { $(Model::$name => $version,)* }
            }

            const fn source(self) -> &'static str {
                match self {
                    $(Model::$name =>
                        include_str!(concat!("../../migrations/", $text, ".sql")),)*
                }
            }
        }
    };
}

models! {
    Sessions = "sessions" v 4 ["sessions"],
    Agents = "agents" v 4 ["agents"],
    Executions = "executions" v 1 ["executions"],
    FileOperations = "file_operations" v 1 ["file_operations"],
    Tasks = "tasks" v 2 ["tasks"],
    Definitions = "definitions" v 1 ["definitions"],
    Deliveries = "deliveries" v 2 ["deliveries"],
    Exports = "exports" v 1 ["exports"],
    ExportLedger = "export_ledger" v 1 ["export_ledger"],
    Snapshots = "snapshots" v 1 ["snapshots"],
    Secrets = "secrets" v 1 ["secrets"],
    ApiKeys = "api_keys" v 1 ["api_keys"],
    Orgs = "orgs" v 1 ["orgs"],
    Settings = "settings" v 1 ["settings"],
    Providers = "providers" v 1 ["providers"],
    ModelPrices = "model_prices" v 1 ["model_prices"],
    Billing = "billing" v 1 ["billing", "billing_users", "billing_sessions"],
    Audit = "audit" v 1 ["audit", "audit_subjects"],
    OrgChain = "org_chain" v 1 ["org_chain", "org_chain_heads"],
}

/// How many read models there are.
pub(crate) const COUNT: usize = Model::ALL.len();

impl Model {
    pub fn by_name(name: &str) -> Option<Model> {
        Model::ALL.iter().copied().find(|model| model.name() == name)
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The statements that create its tables, each with `prefix` before its name.
    pub(crate) fn schema(self, dialect: Dialect, prefix: &str) -> String {
        self.source()
            .replace("{p}", prefix)
            .replace("{seq}", dialect.seq_type())
            .replace("{key}", dialect.key_type())
            .replace("{clustered}", dialect.clustered())
    }

    /// What the rows depend on besides the log.
    pub(crate) fn schema_hash(self, dialect: Dialect) -> String {
        let text = format!("{}\n{}", self.version(), self.schema(dialect, ""));
        hex::encode(Sha256::digest(text.as_bytes()))
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
