-- A grant names the connection that made it by what a connection is, its application and provider,
-- and not by its row: connected again, it goes on with what it gave before.

UPDATE user_groups SET granted_by = (
    SELECT 'connection:' || c.application || ':' || c.provider_id FROM connections c
    WHERE 'connection:' || c.id = user_groups.granted_by
) WHERE granted_by IN (SELECT 'connection:' || c.id FROM connections c);
