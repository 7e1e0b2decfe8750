-- Who arrived through a provider, with the claims that rules read, so that the decision can be made
-- again under another policy. Beside the entry and not in it: it is forgotten after a month.

ALTER TABLE audit ADD COLUMN arrival TEXT;
CREATE INDEX audit_of_arrivals ON audit (application, provider_id, id) WHERE arrival IS NOT NULL;
CREATE INDEX audit_arrivals_by_age ON audit (at) WHERE arrival IS NOT NULL;
