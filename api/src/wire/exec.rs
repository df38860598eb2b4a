//! One `exec` as the API takes and answers it.

use serde::{Deserialize, Serialize};
use theazo_domain::ExecutionId;
use theazo_providers::{self as providers, ExecAnswer};
use utoipa::ToSchema;

use crate::error::ApiError;

/// Bytes of code.
const CODE_MAX: usize = 1 << 20;

/// What the code is written in.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Python,
    Typescript,
    Bash,
}

impl From<Lang> for providers::Lang {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Python => providers::Lang::Python,
            Lang::Typescript => providers::Lang::Typescript,
            Lang::Bash => providers::Lang::Bash,
        }
    }
}

/// Code to run in an agent's sandbox.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    pub lang: Lang,
    /// At most 1 MiB.
    #[schema(example = "print(2 + 2)", min_length = 1, max_length = 1_048_576)]
    code: String,
}

impl Exec {
    /// # Errors
    /// 422 when the code is empty, too long, or has a NUL, which no language takes.
    pub fn into_code(self) -> Result<String, ApiError> {
        if self.code.is_empty() || self.code.len() > CODE_MAX {
            return Err(ApiError::invalid("code", format!("must be 1 to {CODE_MAX} bytes")));
        }
        if self.code.contains('\0') {
            return Err(ApiError::invalid("code", "must not have NUL characters"));
        }
        Ok(self.code)
    }
}

/// What the code printed and how it ended. A non-zero exit code is an answer, not an error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecResult {
    #[schema(value_type = String, example = "exe_01HX0000000000000000000001")]
    id: ExecutionId,
    /// The first MiB of it.
    #[schema(example = "4\n")]
    stdout: String,
    /// The first MiB of it.
    #[schema(example = "")]
    stderr: String,
    /// The exit status; 128 + n when signal n ended it.
    #[schema(example = 0)]
    exit_code: i32,
    #[schema(example = 12)]
    duration_ms: u64,
    /// Whether stdout or stderr was longer than what is kept.
    truncated: bool,
}

impl From<ExecAnswer> for ExecResult {
    fn from(answer: ExecAnswer) -> Self {
        Self {
            id: answer.id,
            stdout: answer.stdout,
            stderr: answer.stderr,
            exit_code: answer.exit_code,
            duration_ms: answer.duration_ms,
            truncated: answer.truncated,
        }
    }
}
