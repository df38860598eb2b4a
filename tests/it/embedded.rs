//! What only one process over one folder can suffer. The run of these tests on a cluster leaves this
//! module out.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use theazo_tests::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_tampered_with_is_named() {
    let mut server = Server::start().await;
    server.test().session().await;
    server.stop().await;
    server.cli_ok(["log", "verify"]);
    let options = SqliteConnectOptions::new().filename(server.data().join("log.sqlite"));
    let mut log = SqliteConnection::connect_with(&options).await.unwrap();
    let change = "UPDATE commits SET body = replace(body, 'user_1', 'user_2')";
    let changed = sqlx::query(change).execute(&mut log).await.unwrap();
    assert!(changed.rows_affected() > 0);
    log.close().await.unwrap();
    let verify = server.cli(["log", "verify"]);
    let said = String::from_utf8_lossy(&verify.stderr);
    assert!(!verify.status.success() && said.contains("position"), "{said}");
}
