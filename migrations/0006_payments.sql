-- Attempts to pay, and the webhooks that decided them.

CREATE TABLE payments (
    id           uuid PRIMARY KEY,
    booking      uuid        NOT NULL REFERENCES bookings (id),
    provider     text        NOT NULL,
    -- The provider's own id; null until it has answered.
    provider_ref text,
    pay_url      text,
    amount_minor bigint      NOT NULL,
    currency     char(3)     NOT NULL,
    state        text        NOT NULL CHECK (state IN ('open', 'paid', 'declined', 'refund_due', 'refunded', 'review')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider, provider_ref)
);
-- One open attempt per booking: paying twice is answered with the same page.
CREATE UNIQUE INDEX payments_one_open ON payments (booking) WHERE state = 'open';
CREATE INDEX payments_by_booking ON payments (booking);
-- Serve the reconciler: what the provider has not answered, and what must go back.
CREATE INDEX payments_undecided ON payments (updated_at, id) WHERE state IN ('open', 'refund_due');

-- Webhook seen and its effect are one transaction: the same one a hundred times has one effect.
CREATE TABLE webhooks_seen (
    provider text        NOT NULL,
    id       text        NOT NULL,
    seen_at  timestamptz NOT NULL,
    PRIMARY KEY (provider, id)
);
