//! `goticket accounts`: who may log in.

use goticket_testkit::TestBed;

use crate::world::World;

#[tokio::test]
async fn an_account_is_disabled_and_enabled_by_its_address() {
    let world = World::prepare(TestBed::new().await, &[]).await;
    let run = async |args: &[&str]| world.deployment.command(args).await;
    run(&["mint-tokens", "--name", "ann", "--domain", "fans.example"]).await.unwrap();
    let disabled = async || {
        let row: (bool,) = sqlx::query_as("SELECT disabled_at IS NOT NULL FROM accounts WHERE email = 'ann-1@fans.example'")
            .fetch_one(&world.db)
            .await
            .unwrap();
        row.0
    };
    assert!(!disabled().await);
    let said = run(&["accounts", "disable", "Ann-1@fans.example"]).await.unwrap().stdout;
    assert!(said.contains("cannot log in any more") && said.contains("Sessions ended: 0"), "{said}");
    assert!(disabled().await);
    run(&["accounts", "enable", "ann-1@fans.example"]).await.unwrap();
    assert!(!disabled().await);
    for command in ["disable", "enable"] {
        let refused = run(&["accounts", command, "nobody@fans.example"]).await;
        let told = refused.err().map(|error| format!("{error:#}"));
        assert!(told.is_some_and(|told| told.contains("no account")), "{command}");
    }
}
