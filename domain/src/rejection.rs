use std::fmt;

/// One field of a request that is wrong, by its path (`limits.maxCost.amount`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub path: String,
    pub message: String,
}

impl FieldError {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// Why a command was not accepted. Nothing was changed. Messages are for the caller: they say
/// what to do next and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The thing does not exist (or is another tenant's, which is the same).
    NotFound(String),
    /// The thing's state does not allow it.
    Conflict(String),
    /// Fields that the caller must mend.
    Invalid(Vec<FieldError>),
    /// A limit of the session is reached.
    LimitExceeded(String),
}

impl Rejection {
    pub fn not_found(what: &str) -> Self {
        Rejection::NotFound(format!("This {what} does not exist."))
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Rejection::Conflict(message.into())
    }

    pub fn invalid(path: &str, message: impl Into<String>) -> Self {
        Rejection::Invalid(vec![FieldError::new(path, message)])
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NotFound(m) | Rejection::Conflict(m) | Rejection::LimitExceeded(m) => {
                f.write_str(m)
            }
            Rejection::Invalid(fields) => {
                let mut sep = "";
                for field in fields {
                    write!(f, "{sep}{}: {}", field.path, field.message)?;
                    sep = "; ";
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Rejection {}
