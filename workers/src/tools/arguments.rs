//! The arguments a model gives a tool: text that should be JSON that should fit a schema.

use jsonschema::Validator;
use serde_json::{Map, Value};

/// How many things wrong with one call are told.
const MAX_ERRORS: usize = 5;
/// The longest of one of them, in bytes: it quotes what was given.
const MAX_ERROR: usize = 300;

/// One tool's schema, ready to check with.
pub struct Schema {
    schema: Value,
    /// Or what is wrong with the schema.
    validator: Result<Validator, String>,
}

impl Schema {
    pub fn new(schema: &Value) -> Self {
        let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string());
        Self { schema: schema.clone(), validator }
    }

    /// The arguments of a call of `tool`. No text at all is no arguments.
    ///
    /// # Errors
    /// What is wrong and what the schema wants, for the model.
    pub fn check(&self, tool: &str, arguments: &str) -> Result<Value, String> {
        let mut value = self.parse(tool, arguments)?;
        self.whole_numbers(&mut value);
        let validator = self
            .validator
            .as_ref()
            .map_err(|error| format!("The schema of {tool} cannot be used: {error}."))?;
        let errors: Vec<String> =
            validator.iter_errors(&value).take(MAX_ERRORS).map(|error| describe(&error)).collect();
        match errors.is_empty() {
            true => Ok(value),
            false => Err(format!(
                "The arguments of {tool} do not fit its schema, so it was not called:\n{}\n{}",
                errors.join("\n"),
                self.wanted()
            )),
        }
    }

    fn parse(&self, tool: &str, arguments: &str) -> Result<Value, String> {
        let text = arguments.trim();
        if text.is_empty() || text == "null" {
            return Ok(Value::Object(Map::new()));
        }
        match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err(format!(
                "The arguments of {tool} must be one JSON object, so it was not called.\n{}",
                self.wanted()
            )),
            Err(error) => Err(format!(
                "The arguments of {tool} are not valid JSON ({error}), so it was not called. \
                 Inside strings, quotes and line breaks are escaped.\n{}",
                self.wanted()
            )),
        }
    }

    fn wanted(&self) -> String {
        format!("The schema is: {}", self.schema)
    }

    /// `3.0` is an integer to JSON Schema, and some models write it so.
    fn whole_numbers(&self, value: &mut Value) {
        let (Some(fields), Some(properties)) =
            (value.as_object_mut(), self.schema["properties"].as_object())
        else {
            return;
        };
        for (name, field) in fields {
            let wanted = properties.get(name).is_some_and(|schema| schema["type"] == "integer");
            let whole = field.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 2f64.powi(53));
            if let (true, true, Some(whole)) = (wanted, field.is_f64(), whole) {
                // Exact: it is whole, and below 2^53.
                *field = (whole as i64).into();
            }
        }
    }
}

fn describe(error: &jsonschema::ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
    let mut message = error.to_string();
    if message.len() > MAX_ERROR {
        message.truncate(message.floor_char_boundary(MAX_ERROR));
        message.push('…');
    }
    format!("- {at}{message}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(arguments: &str) -> Result<Value, String> {
        let schema = json!({
            "type": "object",
            "properties": {
                "lang": { "type": "string", "enum": ["python", "bash"] },
                "count": { "type": "integer", "minimum": 1, "maximum": 9 }
            },
            "required": ["lang"],
            "additionalProperties": false
        });
        Schema::new(&schema).check("run", arguments)
    }

    #[test]
    fn what_fits_is_answered() {
        let fits = json!({ "lang": "bash", "count": 3 });
        assert_eq!(check(r#"{"lang":"bash","count":3}"#), Ok(fits.clone()));
        assert_eq!(check(" {\"lang\":\"bash\",\"count\":3.0}\n"), Ok(fits));
    }

    #[test]
    fn what_does_not_is_told_with_the_schema() {
        for (arguments, wanted) in [
            ("", "- \"lang\" is a required property\n"),
            ("null", "\"lang\" is a required property"),
            (r#"{"lang":"perl"}"#, "- /lang: \"perl\" is not one of"),
            (r#"{"lang":"bash","count":10}"#, "- /count: 10 is greater than the maximum of 9"),
            (r#"{"lang":"bash","count":1.5}"#, "- /count: 1.5 is not of type \"integer\""),
            (r#"{"lang":"bash","cnt":1}"#, "'cnt' was unexpected"),
            (r#"["bash"]"#, "must be one JSON object"),
            (r#"{"lang":"ba"#, "are not valid JSON (EOF while parsing a string"),
            ("{\"lang\":\"a\nb\"}", "are not valid JSON (control character"),
        ] {
            let message = check(arguments).unwrap_err();
            assert!(message.contains(wanted), "{arguments}: {message}");
            assert!(message.contains("The schema is: {\""), "{message}");
            assert!(message.contains("not called"), "{message}");
        }
    }

    #[test]
    fn hostile_arguments_are_only_wrong() {
        let deep = "[".repeat(100_000);
        let long = format!(r#"{{"lang":"{}"}}"#, "é".repeat(100_000));
        for arguments in [deep.as_str(), long.as_str(), "{\"lang\": 1e999}", "\u{0}"] {
            let message = check(arguments).unwrap_err();
            assert!(message.len() < 1_000, "{}", message.len());
        }
    }
}
