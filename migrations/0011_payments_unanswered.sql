-- A declined attempt may still be paid: the provider's page lets the fan try another card. So the reconciler asks about it, too.
-- On a table that a live sale writes, this index makes writers wait while it is built; payments are few.

CREATE INDEX payments_unanswered ON payments (updated_at, id) WHERE state IN ('open', 'declined');
CREATE INDEX payments_refund_due ON payments (updated_at, id) WHERE state = 'refund_due';
DROP INDEX payments_undecided;
