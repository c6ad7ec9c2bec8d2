//! What a change would do.

use goticket_domain::queue::{Drain, EtaRange, WhatIf};

use super::BadMessage;
use crate::waiting_room as proto;
use crate::waiting_room::drain::Drain as Told;

impl From<WhatIf> for proto::WhatIfReply {
    fn from(WhatIf { change, waiting, now, then }: WhatIf) -> Self {
        Self { change, waiting, now: Some(now.into()), then: Some(then.into()) }
    }
}

impl TryFrom<proto::WhatIfReply> for WhatIf {
    type Error = BadMessage;
    fn try_from(reply: proto::WhatIfReply) -> Result<Self, BadMessage> {
        let (now, then) = (read("now", reply.now)?, read("then", reply.then)?);
        Ok(Self { change: reply.change, waiting: reply.waiting, now, then })
    }
}

impl From<Drain> for proto::Drain {
    fn from(drain: Drain) -> Self {
        let told = match drain {
            Drain::Empty => Told::Empty(proto::NoOneWaits {}),
            Drain::Never => Told::Never(proto::StandsStill {}),
            Drain::Within(EtaRange { from_s, to_s }) => Told::Within(proto::Seconds { from_s, to_s }),
        };
        Self { drain: Some(told) }
    }
}

fn read(field: &'static str, drain: Option<proto::Drain>) -> Result<Drain, BadMessage> {
    match drain.and_then(|drain| drain.drain) {
        Some(Told::Empty(_)) => Ok(Drain::Empty),
        Some(Told::Never(_)) => Ok(Drain::Never),
        Some(Told::Within(proto::Seconds { from_s, to_s })) => Ok(Drain::Within(EtaRange { from_s, to_s })),
        None => Err(BadMessage { field, problem: "is missing".to_owned() }),
    }
}
