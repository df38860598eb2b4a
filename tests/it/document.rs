//! `/openapi.json`, read as a list of operations, and values held against its schemas.

use serde_json::Value;
use theazo_tests::{Client, Method};

pub struct Document(pub Value);

#[derive(Debug, Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    value: Value,
}

impl Document {
    pub async fn of(client: &Client) -> Self {
        Self(client.get("/openapi.json").await.expect(200))
    }

    /// Every operation, with `components` resolved on demand.
    pub fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for (method, value) in item.as_object().unwrap() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
                let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
                if known.contains(&method.as_str()) {
                    found.push(Operation { method, path: path.clone(), value: value.clone() });
                }
            }
        }
        found
    }

    pub fn operation(&self, method: &Method, path: &str) -> Option<Operation> {
        self.operations().into_iter().find(|o| o.method == *method && o.path == path)
    }

    /// The schema of an operation's JSON body.
    pub fn body(&self, operation: &Operation) -> Option<Value> {
        let schema = &operation.value["requestBody"]["content"]["application/json"]["schema"];
        (!schema.is_null()).then(|| self.resolve(schema).clone())
    }

    /// The schema of an answer with this status.
    pub fn answer(&self, operation: &Operation, status: u16) -> Option<Value> {
        let answer = self.resolve(&operation.value["responses"][status.to_string()]);
        let schema = &answer["content"]["application/json"]["schema"];
        (!schema.is_null()).then(|| schema.clone())
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let target = self.0.pointer(reference.trim_start_matches('#'));
                self.resolve(target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
            }
            None => schema,
        }
    }

    /// What is wrong with `value`, as this schema has it.
    pub fn check(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let schema = self.resolve(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, at, wrong);
        }
        for word in ["oneOf", "anyOf"] {
            let Some(choices) = schema[word].as_array() else { continue };
            let fits = |choice: &Value| {
                let mut errors = Vec::new();
                self.check(choice, value, at, &mut errors);
                errors.is_empty()
            };
            if !choices.iter().any(fits) {
                wrong.push(format!("{at}: none of {word}: {value}"));
            }
        }
        if !has_type(&schema["type"], value) {
            wrong.push(format!("{at}: not {}: {value}", schema["type"]));
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            wrong.push(format!("{at}: {value} is not one of {}", schema["enum"]));
        }
        if let Some(items) = value.as_array() {
            for (i, item) in items.iter().enumerate() {
                self.check(&schema["items"], item, &format!("{at}[{i}]"), wrong);
            }
        }
        self.check_fields(schema, value, at, wrong);
    }

    fn check_fields(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let (Some(fields), Some(properties)) =
            (value.as_object(), schema["properties"].as_object())
        else {
            return;
        };
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            if !fields.contains_key(name) {
                wrong.push(format!("{at}.{name}: is missing"));
            }
        }
        let open = !matches!(schema.get("additionalProperties"), None | Some(Value::Bool(false)));
        for (name, field) in fields {
            match properties.get(name) {
                Some(schema) => self.check(schema, field, &format!("{at}.{name}"), wrong),
                None if open => {}
                None => wrong.push(format!("{at}.{name}: is not in the document")),
            }
        }
    }

    /// A body's fields, with a value of a wrong type for each: what must be named in a 422.
    pub fn wrong_values(&self, schema: &Value) -> Vec<(String, Value)> {
        let schema = self.resolve(schema);
        let properties = schema["properties"].as_object();
        let fields = properties.into_iter().flatten();
        fields.filter_map(|(name, s)| Some((name.clone(), self.misfit(s)?))).collect()
    }

    /// A value that does not fit; `None` where anything fits.
    fn misfit(&self, schema: &Value) -> Option<Value> {
        let candidates = [
            Value::from(true),
            Value::from(-1.5),
            Value::from("\u{0}no such value"),
            Value::from(vec![Value::from(1.5)]),
        ];
        candidates.into_iter().find(|candidate| {
            let mut wrong = Vec::new();
            self.check(schema, candidate, "", &mut wrong);
            !wrong.is_empty()
        })
    }

    pub fn required(&self, schema: &Value) -> Vec<String> {
        let schema = self.resolve(schema);
        let names = schema["required"].as_array().into_iter().flatten();
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    }
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    match wanted {
        Value::String(name) => match name.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            other => panic!("the document has a type {other}"),
        },
        Value::Array(names) => names.iter().any(|name| has_type(name, value)),
        _ => true,
    }
}
