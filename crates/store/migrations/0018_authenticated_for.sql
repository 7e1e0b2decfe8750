-- For how long after they proved who they are people count as authenticated: 10 minutes, customers 30.

ALTER TABLE applications ADD COLUMN authenticated_for BIGINT NOT NULL DEFAULT 600000000;

UPDATE applications SET authenticated_for = 1800000000 WHERE user_type = 'customer';
