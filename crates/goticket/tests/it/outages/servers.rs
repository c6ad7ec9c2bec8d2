//! One server of a bed behind a link that can be cut.

use goticket_testkit::{Link, Links, TestBed};
use url::Url;

/// Which one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Server {
    Redis,
    RabbitMq,
    Kafka,
    Postgres,
    Mail,
}

/// The way to it.
pub(super) enum Way {
    Own(Link),
    /// Kafka's clients follow the address that the broker tells them: its link is one of a whole set.
    Kafka(Box<Links>),
}

impl Way {
    pub(super) fn cut(&self) {
        self.link().cut();
    }

    pub(super) fn restore(&self) {
        self.link().restore();
    }

    fn link(&self) -> &Link {
        match self {
            Self::Own(link) => link,
            Self::Kafka(links) => &links.kafka,
        }
    }
}

/// A bed whose one server is reached through a link.
pub(super) async fn behind(server: Server) -> (TestBed, Way) {
    if let Server::Kafka = server {
        let (bed, links) = TestBed::behind_links().await;
        return (bed, Way::Kafka(Box::new(links)));
    }
    let mut bed = TestBed::new().await;
    let link = match server {
        Server::Redis => link_to(&mut bed.redis_url, 6379).await,
        Server::RabbitMq => link_to(&mut bed.amqp_url, 5672).await,
        Server::Postgres => link_to(&mut bed.postgres_url, 5432).await,
        Server::Mail | Server::Kafka => {
            let link = Link::to(&format!("{}:{}", bed.smtp_host, bed.smtp_port)).await.unwrap();
            bed.smtp_host = link.addr().ip().to_string();
            bed.smtp_port = link.addr().port();
            link
        }
    };
    (bed, Way::Own(link))
}

/// Puts a link in front of what `url` names.
async fn link_to(url: &mut String, usual_port: u16) -> Link {
    let mut through = Url::parse(url).unwrap();
    let target = format!("{}:{}", through.host_str().unwrap(), through.port().unwrap_or(usual_port));
    let link = Link::to(&target).await.unwrap();
    through.set_host(Some(&link.addr().ip().to_string())).unwrap();
    through.set_port(Some(link.addr().port())).unwrap();
    *url = through.into();
    link
}
