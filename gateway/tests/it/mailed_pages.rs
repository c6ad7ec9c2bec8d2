//! Pages that links of mails lead to.

use crate::world::World;

#[tokio::test]
async fn the_page_of_a_link_does_nothing_by_being_opened() {
    let world = World::new().await;
    for path in ["/v1/auth/verify-email", "/v1/auth/password-reset"] {
        let page = world.get(path, None).await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8", "{path}");
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        let text = page.text().await.unwrap();
        assert!(text.contains("method: \"POST\"") && text.contains("location.hash"), "{path}: {text}");
    }
}
