//! Copies of a database that nobody uses: each damage gets one of its own, so that nothing has to be repaired.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection};
use url::Url;

pub(super) struct Copies {
    original: Url,
    made: u32,
}

impl Copies {
    pub(super) fn of(postgres_url: &str) -> Self {
        Self { original: postgres_url.parse().unwrap(), made: 0 }
    }

    /// The URL of a new copy in which these statements were run.
    pub(super) async fn with(&mut self, damage: &str) -> String {
        self.made += 1;
        let (name, copy) = (self.name(), self.database(&self.copy(self.made)));
        let create = format!("CREATE DATABASE {} TEMPLATE {name}", self.copy(self.made));
        self.admin().await.execute(AssertSqlSafe(create)).await.unwrap();
        connect(&copy).await.execute(AssertSqlSafe(damage.to_owned())).await.unwrap();
        copy.into()
    }

    pub(super) async fn drop_all(self) {
        let mut admin = self.admin().await;
        for n in 1..=self.made {
            admin.execute(AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.copy(n)))).await.unwrap();
        }
    }

    fn name(&self) -> &str {
        self.original.path().trim_start_matches('/')
    }

    fn copy(&self, n: u32) -> String {
        format!("{}_{n}", self.name())
    }

    fn database(&self, name: &str) -> Url {
        let mut url = self.original.clone();
        url.set_path(name);
        url
    }

    async fn admin(&self) -> PgConnection {
        connect(&self.database("postgres")).await
    }
}

async fn connect(url: &Url) -> PgConnection {
    PgConnectOptions::from_url(url).unwrap().connect().await.unwrap()
}
