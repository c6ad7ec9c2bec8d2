-- Locks seats that are being given to bookings while the database writes it down.
--
-- KEYS     lock:<seat> of every seat
-- ARGV     [1] time to live in ms; then, key by key, the booking's id
-- Returns  nothing
--
-- Invariant: advisory. Gateways refuse early by a lock; it never decides an outcome, and one that is lost costs work, no seat.
-- Cost: one SET per seat.
for i = 1, #KEYS do
  redis.call('SET', KEYS[i], ARGV[i + 1], 'PX', ARGV[1])
end
