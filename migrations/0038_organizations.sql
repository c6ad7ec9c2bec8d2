-- Organizations own venues and events; accounts are their members. First of two steps: everything reads `organization` from now on, and
-- `owner` stays for one release, so that the release before this one can still run beside it. The next one drops `owner`, its indexes, and the
-- triggers and the function below.
--
-- Each account that owns something becomes the owner of an organization that is called as it is, and has its id.
--
-- Locks: `venues` and `events` are locked for all readers and writers while their rows are written once, some thousands in all: milliseconds. No table
-- that a sale writes is touched, nor referenced.

CREATE TABLE organizations (
    id         uuid PRIMARY KEY,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization_members (
    organization uuid        NOT NULL REFERENCES organizations (id),
    account      uuid        NOT NULL REFERENCES accounts (id),
    role         text        NOT NULL CHECK (role IN ('owner', 'manager', 'box_office', 'check_in', 'finance')),
    since        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization, account)
);
-- Serves what an account may do.
CREATE INDEX organization_members_by_account ON organization_members (account, organization);

CREATE TABLE organization_invitations (
    id           uuid PRIMARY KEY,
    organization uuid        NOT NULL REFERENCES organizations (id),
    -- Who is meant, in lower case.
    email        text        NOT NULL CHECK (email = lower(email)),
    role         text        NOT NULL CHECK (role IN ('owner', 'manager', 'box_office', 'check_in', 'finance')),
    -- SHA-256 of the token, which is nowhere else.
    token_hash   bytea       NOT NULL CHECK (length(token_hash) = 32),
    invited_by   uuid        NOT NULL REFERENCES accounts (id),
    expires_at   timestamptz NOT NULL,
    accepted_at  timestamptz,
    accepted_by  uuid REFERENCES accounts (id),
    CONSTRAINT organization_invitations_token UNIQUE (token_hash),
    CHECK (num_nulls(accepted_at, accepted_by) IN (0, 2))
);
-- Serves those that wait for an answer.
CREATE INDEX organization_invitations_open ON organization_invitations (organization, invited_by) WHERE accepted_at IS NULL;

INSERT INTO organizations (id, name)
SELECT a.id, a.name FROM accounts a
WHERE EXISTS (SELECT 1 FROM venues v WHERE v.owner = a.id) OR EXISTS (SELECT 1 FROM events e WHERE e.owner = a.id);
INSERT INTO organization_members (organization, account, role) SELECT id, id, 'owner' FROM organizations;

ALTER TABLE venues ADD COLUMN organization uuid REFERENCES organizations (id);
ALTER TABLE events ADD COLUMN organization uuid REFERENCES organizations (id);
UPDATE venues SET organization = owner;
UPDATE events SET organization = owner;
ALTER TABLE venues ALTER COLUMN organization SET NOT NULL;
ALTER TABLE events ALTER COLUMN organization SET NOT NULL;
CREATE INDEX venues_by_organization ON venues (organization, id);
CREATE INDEX events_by_organization ON events (organization, id);

-- While both releases run: the one before this writes no organization, and this one no owner. What is missing is what the other one would have
-- written: an account's first organization, made where there is none; an organization's first owner.
CREATE FUNCTION owner_and_organization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.organization IS NULL THEN
        SELECT m.organization INTO NEW.organization FROM organization_members m
        WHERE m.account = NEW.owner AND m.role = 'owner' ORDER BY m.since, m.organization LIMIT 1;
        IF NEW.organization IS NULL THEN
            INSERT INTO organizations (id, name) SELECT a.id, a.name FROM accounts a WHERE a.id = NEW.owner ON CONFLICT DO NOTHING;
            INSERT INTO organization_members (organization, account, role) SELECT o.id, NEW.owner, 'owner' FROM organizations o
            WHERE o.id = NEW.owner ON CONFLICT DO NOTHING;
            NEW.organization := NEW.owner;
        END IF;
    ELSIF NEW.owner IS NULL THEN
        SELECT m.account INTO NEW.owner FROM organization_members m
        WHERE m.organization = NEW.organization AND m.role = 'owner' ORDER BY m.since, m.account LIMIT 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER owner_and_organization BEFORE INSERT ON venues FOR EACH ROW EXECUTE FUNCTION owner_and_organization();
CREATE TRIGGER owner_and_organization BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION owner_and_organization();
