//! Reading code instead of running it; the grammar is in the parent module's documentation.

use std::time::Duration;

use super::tree::Tree;
use crate::contract::Lang;
use crate::paths::below_workspace;

/// What the code would have done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub exit_code: i32,
    pub sleep: Duration,
}

/// One line that is understood.
enum Step {
    Print(String),
    Exit(i32),
    Status(i32),
    Sleep(Duration),
    Cat(String),
    Nothing,
}

pub fn read(lang: Lang, code: &str, files: &Tree) -> Answer {
    let mut answer = Answer::default();
    for line in code.lines() {
        let Some(step) = step(lang, line.trim().trim_end_matches(';').trim_end()) else {
            return canned(lang, code);
        };
        match step {
            Step::Nothing => {}
            Step::Print(text) => {
                answer.stdout.push_str(&text);
                answer.stdout.push('\n');
                answer.exit_code = 0;
            }
            Step::Status(status) => answer.exit_code = status,
            Step::Sleep(time) => answer.sleep += time,
            Step::Cat(path) => cat(&path, files, &mut answer),
            Step::Exit(status) => {
                answer.exit_code = status;
                return answer;
            }
        }
    }
    answer
}

fn canned(lang: Lang, code: &str) -> Answer {
    let name = match lang {
        Lang::Python => "python",
        Lang::Typescript => "typescript",
        Lang::Bash => "bash",
    };
    let stdout = format!("mock: ran {name} ({} bytes)\n", code.len());
    Answer { stdout, ..Answer::default() }
}

fn cat(path: &str, files: &Tree, answer: &mut Answer) {
    let data = below_workspace(path).and_then(|parts| files.read(path, &parts));
    match data {
        Ok(data) => {
            answer.stdout.push_str(&String::from_utf8_lossy(&data));
            answer.exit_code = 0;
        }
        Err(_) => {
            answer.stderr.push_str(&format!("cat: {path}: No such file or directory\n"));
            answer.exit_code = 1;
        }
    }
}

fn step(lang: Lang, line: &str) -> Option<Step> {
    let comment = if lang == Lang::Typescript { "//" } else { "#" };
    if line.is_empty() || line.starts_with(comment) {
        return Some(Step::Nothing);
    }
    match lang {
        Lang::Bash => bash(line),
        Lang::Python => script(line, "print", &["exit", "sys.exit"], Some("time.sleep")),
        Lang::Typescript => script(line, "console.log", &["process.exit"], None),
    }
}

fn bash(line: &str) -> Option<Step> {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    match command {
        "echo" => Some(Step::Print(words(rest)?)),
        "exit" if rest.is_empty() => Some(Step::Exit(0)),
        "exit" => Some(Step::Exit(rest.trim().parse::<u8>().ok()?.into())),
        "sleep" => Some(Step::Sleep(seconds(rest)?)),
        "cat" => words(rest).map(Step::Cat),
        "true" => Some(Step::Status(0)),
        "false" => Some(Step::Status(1)),
        _ => None,
    }
}

/// Words with or without quotes, as `echo` joins them; `None` where a shell would do more.
fn words(text: &str) -> Option<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c));
        let (word, after) = match quote {
            Some(quote) => rest[1..].split_once(quote)?,
            None => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
        };
        let special: &[char] = match quote {
            Some('\'') => &[],
            Some(_) => &['$', '`', '\\'],
            None => &['$', '`', '\\', '"', '\'', '|', '&', ';', '<', '>', '*', '?', '(', ')', '~'],
        };
        if word.contains(special) || !(after.is_empty() || after.starts_with(' ')) {
            return None;
        }
        words.push(word);
        rest = after.trim_start();
    }
    Some(words.join(" "))
}

fn script(line: &str, print: &str, exits: &[&str], sleep: Option<&str>) -> Option<Step> {
    if line.starts_with("import ") {
        return Some(Step::Nothing);
    }
    let (name, rest) = line.split_once('(')?;
    let argument = rest.strip_suffix(')')?.trim();
    if name == print {
        return expression(argument).map(Step::Print);
    }
    if exits.contains(&name) {
        let status = if argument.is_empty() { 0 } else { argument.parse::<u8>().ok()? };
        return Some(Step::Exit(status.into()));
    }
    (Some(name) == sleep).then(|| seconds(argument).map(Step::Sleep))?
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn expression(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let quote = text.chars().next().filter(|c| ['"', '\'', '`'].contains(c));
    if let Some(quote) = quote {
        let inner = text[1..].strip_suffix(quote)?;
        return (!inner.contains([quote, '\\', '$'])).then(|| inner.to_owned());
    }
    let mut rest = text;
    let value = sum(&mut rest, 0)?;
    rest.trim().is_empty().then(|| value.to_string())
}

/// As deep as brackets are followed.
const MAX_DEPTH: usize = 32;

fn sum(rest: &mut &str, depth: usize) -> Option<i64> {
    let mut value = product(rest, depth)?;
    loop {
        value = match operator(rest, &['+', '-']) {
            Some('+') => value.checked_add(product(rest, depth)?)?,
            Some(_) => value.checked_sub(product(rest, depth)?)?,
            None => return Some(value),
        };
    }
}

fn product(rest: &mut &str, depth: usize) -> Option<i64> {
    let mut value = atom(rest, depth)?;
    loop {
        value = match operator(rest, &['*', '%']) {
            // `**` is another operator.
            Some('*') if rest.starts_with('*') => return None,
            Some('*') => value.checked_mul(atom(rest, depth)?)?,
            Some(_) => value.checked_rem_euclid(atom(rest, depth)?)?,
            None => return Some(value),
        };
    }
}

fn operator(rest: &mut &str, which: &[char]) -> Option<char> {
    let text = rest.trim_start();
    let found = text.chars().next().filter(|c| which.contains(c))?;
    *rest = &text[1..];
    Some(found)
}

fn atom(rest: &mut &str, depth: usize) -> Option<i64> {
    let text = rest.trim_start();
    if let Some(inner) = text.strip_prefix('(') {
        if depth == MAX_DEPTH {
            return None;
        }
        *rest = inner;
        let value = sum(rest, depth + 1)?;
        *rest = rest.trim_start().strip_prefix(')')?;
        return Some(value);
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    *rest = &text[digits..];
    text[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(lang: Lang, code: &str) -> (String, i32) {
        let answer = read(lang, code, &Tree::default());
        (answer.stdout, answer.exit_code)
    }

    #[test]
    fn what_the_grammar_has_is_answered() {
        let python = "import os\nprint('a b')  \nprint(2 + 3 * (4 - 1))\nprint(7 % 4)\nexit(3)\n";
        assert_eq!(answer(Lang::Python, python), ("a b\n11\n3\n".into(), 3));
        assert_eq!(answer(Lang::Bash, "echo 'x  y' z\nfalse"), ("x  y z\n".into(), 1));
        assert_eq!(answer(Lang::Typescript, "console.log(\"hi\");"), ("hi\n".into(), 0));
        assert_eq!(read(Lang::Bash, "sleep 1.5", &Tree::default()).sleep.as_millis(), 1_500);
    }

    #[test]
    fn anything_else_is_canned_and_the_same_each_time() {
        for code in ["print(x)", "print(2 ** 3)", "print('a' + 'b')", "while True: pass", "print("]
        {
            let canned = format!("mock: ran python ({} bytes)\n", code.len());
            assert_eq!(answer(Lang::Python, code), (canned, 0), "{code}");
        }
        let (stdout, _) = answer(Lang::Bash, "echo $HOME");
        assert_eq!(stdout, "mock: ran bash (10 bytes)\n");
        let deep = format!("print({}1{})", "(".repeat(100_000), ")".repeat(100_000));
        assert!(answer(Lang::Python, &deep).0.starts_with("mock: ran"));
    }
}
