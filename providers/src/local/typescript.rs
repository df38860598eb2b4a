//! TypeScript to the JavaScript that Node runs, in this process: some microseconds.

use std::path::Path;

use oxc_allocator::Allocator;
use oxc_codegen::Codegen;
use oxc_diagnostics::Diagnostics;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{TransformOptions, Transformer};

/// The name that compiler messages give to the code.
const NAME: &str = "main.ts";

/// The module as JavaScript, or what a compiler would print on stderr.
pub fn to_javascript(source: &str) -> Result<String, String> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::ts()).parse();
    refuse(source, parsed.diagnostics)?;
    let mut program = parsed.program;
    let analysed = SemanticBuilder::new()
        // Enum members are folded into constants only with this.
        .with_enum_eval(true)
        .with_check_syntax_error(true)
        .build(&program);
    refuse(source, analysed.diagnostics)?;
    let scoping = analysed.semantic.into_scoping();
    let options = TransformOptions::default();
    let transformed = Transformer::new(&allocator, Path::new(NAME), &options)
        .build_with_scoping(scoping, &mut program);
    refuse(source, transformed.diagnostics)?;
    Ok(Codegen::new().build(&program).code)
}

fn refuse(source: &str, diagnostics: Diagnostics) -> Result<(), String> {
    if !diagnostics.has_errors() {
        return Ok(());
    }
    let mut text = String::new();
    for error in diagnostics.errors() {
        let offset = error.labels.first().map_or(0, |label| label.offset() as usize);
        let (line, column) = position(source, offset);
        text.push_str(&format!("{NAME}:{line}:{column} - error: {}\n", error.message));
        if let Some(help) = &error.help {
            text.push_str(&format!("  help: {help}\n"));
        }
        if let Some(shown) = source.lines().nth(line - 1) {
            text.push_str(&format!("  {shown}\n"));
        }
    }
    Err(text)
}

/// Line and column, from 1, of a byte of the source.
fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_typescript_has_becomes_javascript() {
        let source = "enum Colour { Red, Green = 5 }\n\
                      namespace N { export const x = 1 }\n\
                      class P { constructor(private readonly a: number) {} }\n\
                      const y: number = N.x as number;\n\
                      console.log(Colour.Green, y, new P(1));\n";
        let script = to_javascript(source).unwrap();
        assert!(!script.contains("enum ") && !script.contains(": number"), "{script}");
        assert!(script.contains("this.a = a"), "{script}");
    }

    #[test]
    fn an_error_says_where() {
        let message = to_javascript("const a = 1;\nconst b: = 2;\n").unwrap_err();
        assert!(message.starts_with("main.ts:2:"), "{message}");
    }
}
