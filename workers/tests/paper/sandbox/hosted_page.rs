//! The page fans pay at.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_SECURITY_POLICY, LOCATION};

use super::shop::Shop;
use super::till::{Till, json, request};

#[tokio::test]
async fn the_page_shows_the_amount_and_the_test_cards() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    let answer = till.get(&format!("/pay/{payment}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    let html = answer.text().await.unwrap();
    for shown in ["49.00 EUR", "2 tickets: Hamlet", "booking-1", "4242 4242 4242 4242", "4000 0000 0000 0127"] {
        assert!(html.contains(shown), "{shown}");
    }
    let style = till.get("/assets/pay.css").send().await.unwrap();
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
}

#[tokio::test]
async fn what_merchants_write_is_text_and_never_markup() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let mut body = request(&shop);
    body["description"] = "<script>alert(1)</script>".into();
    body["reference"] = "\"><img src=x onerror=alert(1)>".into();
    body["return_url"] = "https://shop.example/?a=\"><script>alert(1)</script>".into();
    let payment = json(till.ask("k", &body).await).await["id"].as_str().unwrap().to_owned();
    let html = till.get(&format!("/pay/{payment}")).send().await.unwrap().text().await.unwrap();
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
}

#[tokio::test]
async fn a_browser_is_sent_back_to_the_shop_or_shown_what_happened() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;

    let rows = [("1234", 422, "Only the test cards"), ("4000000000000002", 402, "was declined")];
    for (card, status, says) in rows {
        let answer = till.pay_in_browser(&payment, card).await;
        assert_eq!(answer.status().as_u16(), status);
        assert!(answer.text().await.unwrap().contains(says));
    }
    let paid = till.pay_in_browser(&payment, "4242 4242 4242 4242").await;
    assert_eq!(paid.status(), StatusCode::SEE_OTHER);
    let back = format!("https://shop.example/bookings/1?tab=pay&payment={payment}&status=paid");
    assert_eq!(paid.headers()[LOCATION], back.as_str());

    let again = till.pay_in_browser(&payment, "4242424242424242").await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(again.text().await.unwrap().contains("paid already"));
}

#[tokio::test]
async fn without_a_return_url_the_page_itself_says_paid() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let mut body = request(&shop);
    body.as_object_mut().unwrap().remove("return_url");
    let payment = json(till.ask("k", &body).await).await["id"].as_str().unwrap().to_owned();
    let paid = till.pay_in_browser(&payment, "4242424242424242").await;
    assert_eq!(paid.headers()[LOCATION], format!("{}/pay/{payment}", till.url).as_str());
    let html = till.get(&format!("/pay/{payment}")).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("Thank you, this is paid."));
}
