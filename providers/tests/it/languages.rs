//! What code may expect of its interpreter.

use std::collections::BTreeMap;

use secrecy::SecretString;
use theazo_providers::conformance::request;
use theazo_providers::{Lang, Provider, ProviderError};

use crate::support::{Local, text};

#[tokio::test(flavor = "multi_thread")]
async fn python_is_a_fresh_main_each_time() {
    let one = Local::sandbox().await;
    let code = "import sys\nprint(__name__, sys.argv, sys.stdin.read() == '')\nx = 1\n\
                import os\nos.environ['SET'] = '1'\n";
    for _ in 0..3 {
        assert_eq!(one.prints(Lang::Python, code).await, "__main__ [''] True\n");
        let seen = "import os\nprint('x' in globals(), 'SET' in os.environ, os.getcwd())";
        assert_eq!(one.prints(Lang::Python, seen).await, "False False /workspace\n");
    }
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_ends_as_the_interpreter_does() {
    let one = Local::sandbox().await;
    for (code, status, stderr) in [
        ("import sys; sys.exit('no')", 1, "no\n"),
        ("import sys; sys.exit()", 0, ""),
        ("raise SystemExit(9)", 9, ""),
        ("import os; os._exit(5)", 5, ""),
        ("import os; os.kill(os.getpid(), 15)", 143, ""),
        ("import atexit; atexit.register(print, 'bye')", 0, ""),
        (
            "import sys; sys.excepthook = lambda *a: print('mine', file=sys.stderr)\n1/0",
            1,
            "mine\n",
        ),
    ] {
        let output = one.exec(Lang::Python, code).await;
        assert_eq!((output.exit_code, &output.stderr[..]), (status, stderr.as_bytes()), "{code}");
    }
    let output = one.exec(Lang::Python, "def f():\n    1/0\n\nf()").await;
    let wanted =
        "Traceback (most recent call last):\n  File \"<exec>\", line 4, in <module>\n    f()\n";
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.starts_with(wanted) && stderr.contains("ZeroDivisionError"), "{stderr}");
    let threads = "import threading, time\n\
                   threading.Thread(target=lambda: (time.sleep(.1), print('late'))).start()";
    assert_eq!(one.prints(Lang::Python, threads).await, "late\n");
    let output = one.exec(Lang::Python, "x = (").await;
    assert!(text(&output).contains("SyntaxError") && output.exit_code == 1, "{}", text(&output));
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_is_a_module_that_knows_require() {
    let one = Local::sandbox().await;
    let code = "import { readFileSync } from 'node:fs'\n\
                enum Level { Low = 1, High }\n\
                const os = require('os')\n\
                const host: string = await Promise.resolve(os.hostname())\n\
                console.log(Level[2], host, readFileSync('/etc/hostname', 'utf8').trim())\n";
    assert_eq!(one.prints(Lang::Typescript, code).await, "High sandbox sandbox\n");
    one.local
        .provider
        .write_file(&one.id, "/workspace/m.mjs", "export const n = 4".into())
        .await
        .unwrap();
    let code = "import { n } from './m.mjs'\nconsole.log(n)";
    assert_eq!(one.prints(Lang::Typescript, code).await, "4\n");
    let output = one.exec(Lang::Typescript, "const a = 1\nconst b: = 2\n").await;
    assert_eq!(output.exit_code, 1);
    assert!(output.stderr.starts_with(b"main.ts:2:10 - error:"), "{}", text(&output));
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_counts_its_lines_and_has_no_input() {
    let one = Local::sandbox().await;
    let output = one.bash("echo a\nnosuch\ncat\nread x || echo empty\n# end").await;
    assert_eq!(output.stdout, "a\nempty\n");
    assert_eq!(output.stderr, "bash: line 2: nosuch: command not found\n");
    assert_eq!(
        one.prints(Lang::Bash, "cat <<E\n\"$HOME\" `echo b`\nE").await,
        "\"/workspace\" b\n"
    );
    assert_eq!(one.prints(Lang::Bash, "").await, "");
    assert_eq!(one.prints(Lang::Bash, "ls -A").await, "");
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_reach_every_language_and_large_code_runs() {
    let one = Local::sandbox().await;
    let env = BTreeMap::from([
        ("TOKEN".to_owned(), SecretString::from("s3 cret")),
        ("HOME".to_owned(), SecretString::from("/tmp")),
    ]);
    for (lang, code) in [
        (Lang::Bash, "echo \"$TOKEN $HOME\""),
        (Lang::Python, "import os; print(os.environ['TOKEN'], os.environ['HOME'])"),
        (Lang::Typescript, "console.log(process.env.TOKEN, process.env.HOME)"),
    ] {
        let mut wanted = request(lang, code);
        wanted.env = env.clone();
        let output = one.try_exec(wanted).await.unwrap();
        assert_eq!(output.stdout, "s3 cret /tmp\n", "{lang:?}");
        let mut large = request(lang, "");
        let comment = if lang == Lang::Typescript { "//" } else { "#" };
        large.code = format!("{comment} {}\n{code}", "x".repeat(1 << 20));
        large.env = env.clone();
        assert_eq!(one.try_exec(large).await.unwrap().stdout, "s3 cret /tmp\n", "{lang:?}");
    }
    let mut fresh = request(Lang::Python, "import mine; print(mine.x)");
    one.bash("mkdir lib && echo 'x = 3' > lib/mine.py").await;
    fresh.env = BTreeMap::from([("PYTHONPATH".to_owned(), SecretString::from("/workspace/lib"))]);
    assert_eq!(one.try_exec(fresh).await.unwrap().stdout, "3\n");
    let mut bad = request(Lang::Bash, "true");
    bad.env = BTreeMap::from([("A=B".to_owned(), SecretString::from("x"))]);
    assert!(matches!(one.try_exec(bad).await, Err(ProviderError::Failed { .. })));
    one.end().await;
}
