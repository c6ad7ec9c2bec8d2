//! Organizations, their members and invitations.

mod accept;
mod change;
mod found;
mod invite;
mod list;
mod members;
mod show;

use goticket_domain::identity::organization::{MemberRole, OrganizationName};
use goticket_domain::{AccountId, OrganizationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::problem::{FieldError, Problem};
use crate::app::organizations::Seen;
use crate::services::App;

pub(crate) const TAG: &str = "organizations";

/// Who sells: venues and events belong to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationBody {
    id: Uuid,
    name: String,
    /// What the caller is there: `owner`, `manager`, `box_office`, `check_in` or `finance`; null for an admin who is no member.
    #[schema(value_type = Option<String>)]
    role: Option<MemberRole>,
}

impl From<Seen> for OrganizationBody {
    fn from(Seen { organization, role }: Seen) -> Self {
        Self { id: organization.id.0, name: organization.name, role }
    }
}

/// A member, by the ids in the path.
#[derive(Deserialize)]
pub(crate) struct MemberPath {
    organization: OrganizationId,
    account: AccountId,
}

fn named(name: &str) -> Result<OrganizationName, Problem> {
    OrganizationName::parse(name).map_err(|error| Problem::invalid(vec![FieldError::pointer("/name", error.to_string())]))
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(found::found, list::list))
        .routes(routes!(show::show, change::change))
        .routes(routes!(members::list))
        .routes(routes!(members::change, members::remove))
        .routes(routes!(invite::invite))
        .routes(routes!(accept::accept))
}
