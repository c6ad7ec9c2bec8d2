-- No foreign key from or to a table that a sale writes row by row. A key's check is planned once per connection: planned while the table
-- it looks into is nearly empty, it reads all of that table later, for every row. What these keys guarded, `goticket audit` checks.
-- Dropping a constraint locks both tables for a moment, until the transactions that write them have ended.

ALTER TABLE bookings DROP CONSTRAINT bookings_event_fkey, DROP CONSTRAINT bookings_account_fkey;
ALTER TABLE booking_seats DROP CONSTRAINT booking_seats_booking_fkey, DROP CONSTRAINT booking_seats_event_seat_fkey;
ALTER TABLE booking_requests DROP CONSTRAINT booking_requests_account_fkey;
ALTER TABLE payments DROP CONSTRAINT payments_booking_fkey;
ALTER TABLE tickets DROP CONSTRAINT tickets_booking_fkey;
ALTER TABLE notifications DROP CONSTRAINT notifications_booking_fkey;
