-- What people who were not signed in were refused is forgotten after a while; this finds it.
CREATE INDEX audit_of_visitors_refused ON audit (at) WHERE actor = 'visitor' AND outcome <> 'done';
